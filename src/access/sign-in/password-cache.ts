// Passwords that were right a moment ago, so that a client that sends one with every request does not
// cost argon2 each time. Kept as HMACs under a key that ends with the process. An epoch is part of what
// is kept: whatever raises it makes the entry miss.
import { createHmac, randomBytes } from 'node:crypto';
import type { Clock } from '../../metadata/sql.ts';
import { Kept } from '../kept.ts';

export interface ProvenPassword {
  readonly userId: number;
  readonly epoch: number;
  readonly password: string;
}

/** Milliseconds from the comparison; it is not renewed by use. */
const LIFE_MS = 5 * 60_000;
const MOST_ENTRIES = 10_000;

export class PasswordCache {
  readonly #now: Clock;
  readonly #key = randomBytes(32);
  /** Until when, by HMAC. */
  readonly #entries = new Kept<string, number>(MOST_ENTRIES);

  constructor(now: Clock) {
    this.#now = now;
  }

  has(proven: ProvenPassword): boolean {
    const key = this.#keyOf(proven);
    const until = this.#entries.get(key);
    if (until === undefined) return false;
    if (until > this.#now()) return true;
    this.#entries.delete(key);
    return false;
  }

  /** Only what was compared just now. */
  remember(proven: ProvenPassword): void {
    this.#entries.set(this.#keyOf(proven), this.#now() + LIFE_MS);
  }

  #keyOf({ userId, epoch, password }: ProvenPassword): string {
    const hmac = createHmac('sha256', this.#key);
    return hmac.update(`${userId}:${epoch}:${password}`).digest('base64');
  }
}
