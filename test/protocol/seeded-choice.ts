// Choices that one seed decides, so that a run can be repeated.
import { createHash } from 'node:crypto';

export class SeededChoice {
  readonly #seed: number;
  #round = 0;
  #numbers = new Uint32Array(0);
  #used = 0;

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** A whole number from 0 to `limit` - 1. */
  below(limit: number): number {
    if (this.#used === this.#numbers.length) {
      const hash = createHash('sha512')
        .update(`${this.#seed} ${this.#round++}`)
        .digest();
      this.#numbers = new Uint32Array(new Uint8Array(hash).buffer);
      this.#used = 0;
    }
    return (this.#numbers[this.#used++] ?? 0) % limit;
  }

  /** True once in `count` times. */
  oneIn(count: number): boolean {
    return this.below(count) === 0;
  }

  of<T>(items: readonly T[]): T {
    if (items.length === 0) throw new Error('there is nothing to choose from');
    return items[this.below(items.length)] as T;
  }
}
