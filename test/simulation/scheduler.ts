// Who goes on next. Everything that waits for a disk, a database or a network waits here instead, and
// the seed picks one; then nothing else happens until all that follows from it has come to rest.
// So one seed gives one history, however many requests are under way.
import type { Random } from './random.ts';

interface Waiting {
  readonly owner: object;
  readonly label: string;
  go(): void;
}

export class Scheduler {
  readonly #random: Random;
  readonly #waiting: Waiting[] = [];
  readonly #goesTogether: (label: string) => boolean;
  #steps = 0;

  /** `goesTogether`: what may have its turn at one time with others of its kind. */
  constructor(random: Random, goesTogether: (label: string) => boolean = () => false) {
    this.#random = random;
    this.#goesTogether = goesTogether;
  }

  /** Turns given so far. */
  get steps(): number {
    return this.#steps;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** What waits, for the report of a history that does not end. */
  labels(): string[] {
    return this.#waiting.map(({ label }) => label);
  }

  /** Resolves when it is this caller's turn; never, once its owner has been dropped. */
  turn(owner: object, label: string): Promise<void> {
    return new Promise((go) => {
      this.#waiting.push({ owner, label, go });
    });
  }

  /** The owner is dead: nothing that waits for it ever goes on. */
  drop(owner: object): void {
    for (let at = this.#waiting.length - 1; at >= 0; at -= 1) {
      if (this.#waiting[at]?.owner === owner) this.#waiting.splice(at, 1);
    }
  }

  /** Gives one turn, or several to what goes together. @returns their labels; none when nobody waits. */
  async step(): Promise<readonly string[]> {
    const first = this.#take(this.#random.below(this.#waiting.length));
    if (first === undefined) return [];
    const given = [first];
    if (this.#goesTogether(first.label) && this.#random.chance(0.5)) {
      for (let at = this.#waiting.length - 1; at >= 0; at -= 1) {
        if (!this.#goesTogether(this.#waiting[at]?.label ?? '')) continue;
        const other = this.#take(at);
        if (other !== undefined) given.push(other);
      }
    }
    this.#steps += 1;
    for (const { go } of given) go();
    await rest();
    return given.map(({ label }) => label);
  }

  #take(at: number): Waiting | undefined {
    return this.#waiting.splice(at, 1)[0];
  }
}

/** Waits until every promise that can go on without a turn has gone on. */
export function rest(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
