// When, from where and by what access tokens were used last: gathered in memory and handed over in
// batches, so that no request waits for it.
import type { TokenUse } from '../../metadata/access-tokens.ts';

/** Tokens between two flushes; beyond it a use is not noted. */
const MOST_TOKENS = 10_000;
/** Characters of a client's name that are kept. */
const LONGEST_CLIENT = 200;

export class TokenUses {
  #uses = new Map<number, TokenUse>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  note(id: number, by: { address: string; client: string }): void {
    const known = this.#uses.get(id);
    if (known === undefined && this.#uses.size >= MOST_TOKENS) return;
    const count = (known?.count ?? 0) + 1;
    this.#uses.set(id, {
      id,
      count,
      at: this.#now(),
      from: by.address,
      by: by.client.slice(0, LONGEST_CLIENT),
    });
  }

  /** Gives all of them to `write`; when that fails they are lost: the next use will tell. */
  async flush(write: (uses: TokenUse[]) => Promise<void>): Promise<void> {
    if (this.#uses.size === 0) return;
    const taken = [...this.#uses.values()];
    this.#uses = new Map();
    await write(taken);
  }
}
