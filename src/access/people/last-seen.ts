// When people, robots and pipelines were last seen: gathered in memory and handed over in batches, so that
// no request waits for it and few rows are written.
import { Kept } from '../kept.ts';
import { type Principal, principalKey } from '../principal.ts';
import type { Seen } from './seen.command.ts';

/** Milliseconds between two notes of one principal: nobody wants it to the second. */
const NOTED_EACH_MS = 60_000;
/** Principals between two flushes; beyond it somebody is not noted until they come again. */
const MOST_WAITING = 10_000;
const MOST_KEPT = 20_000;

export class LastSeen {
  readonly #now: () => number;
  #waiting = new Map<string, Seen>();
  readonly #notedAt = new Kept<string, number>(MOST_KEPT);

  /** `now`: milliseconds since 1970. */
  constructor(now: () => number) {
    this.#now = now;
  }

  note(principal: Principal): void {
    if (principal.kind === 'anonymous' || this.#waiting.size >= MOST_WAITING) return;
    const key = principalKey(principal);
    const at = this.#now();
    if (Math.abs(at - (this.#notedAt.get(key) ?? 0)) < NOTED_EACH_MS) return;
    this.#notedAt.set(key, at);
    this.#waiting.set(key, { kind: principal.kind, id: principal.id, at });
  }

  /** Gives all of them to `write`; when that fails they are lost: the next time will tell. */
  async flush(write: (seen: Seen[]) => Promise<void>): Promise<void> {
    if (this.#waiting.size === 0) return;
    const taken = [...this.#waiting.values()];
    this.#waiting = new Map();
    await write(taken);
  }
}
