// Failed sign-ins slow down whoever makes them, and nobody else: a stranger must not lock a victim out.
// In the memory of one node, bounded; failures are forgiven with time.
import type { Clock } from '../../metadata/sql.ts';
import { RegistryError } from '../../oci/errors.ts';
import { Kept } from '../kept.ts';
import { addressBlock } from './address-block.ts';

export interface Attempt {
  /** The name as it was given, in lower case: an unknown one counts like any other. */
  readonly account: string;
  readonly address: string;
}

/** The failure from which on one has to wait, and how fast failures are forgiven. */
interface Patience {
  readonly first: number;
  readonly forgivenEachMs: number;
}

const PAIR: Patience = { first: 5, forgivenEachMs: 10 * 60_000 };
/** Many people may share an address, and one of their machines may have an old password for ever. */
const ADDRESS: Patience = { first: 30, forgivenEachMs: 20_000 };
const ACCOUNT: Patience = { first: 10, forgivenEachMs: 30_000 };
/** Whoever tries codes knows the password: 60 s each make a million codes take years. */
const CODE: Patience = { first: 5, forgivenEachMs: 10 * 60_000 };

const SHORTEST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 60_000;
const SHORTEST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 2_000;
/** So long somebody who was right from an address waits for nobody else's failures there. */
const PROVEN_MS = 24 * 60 * 60_000;
/** Entries of each kind: some 10 MB at most, all together. */
const MOST_ENTRIES = 20_000;
/** Longest name of an account that is told from others: there are none of that length. */
const LONGEST_ACCOUNT = 255;

export class Throttle {
  readonly #pairs: Failures;
  readonly #addresses: Failures;
  readonly #accounts: Failures;
  readonly #codes: Failures;
  /** When somebody was last right from an address. */
  readonly #proven = new Kept<string, number>(MOST_ENTRIES);
  readonly #now: Clock;

  /** `now`: milliseconds, never set back. */
  constructor(now: Clock) {
    this.#pairs = new Failures(PAIR, now);
    this.#addresses = new Failures(ADDRESS, now);
    this.#accounts = new Failures(ACCOUNT, now);
    this.#codes = new Failures(CODE, now);
    this.#now = now;
  }

  /** @throws RegistryError TOOMANYREQUESTS with `retryAfterSeconds` in its detail. */
  check(attempt: Attempt): void {
    const { pair, address } = keysOf(attempt);
    const ofAddress = this.#isProven(pair) ? 0 : this.#addresses.waitMs(address);
    refuse(Math.max(this.#pairs.waitMs(pair), ofAddress));
  }

  /** Who tries the accounts of others must not keep them out where they are known. */
  #isProven(pair: string): boolean {
    const at = this.#proven.get(pair);
    return at !== undefined && this.#now() - at < PROVEN_MS;
  }

  /** How long to wait before an answer, whoever asks: an account under attack is slower, never closed. */
  delayMs({ account }: Attempt): number {
    const over = this.#accounts.count(nameOf(account)) - ACCOUNT.first;
    return over < 0 ? 0 : Math.min(LONGEST_DELAY_MS, SHORTEST_DELAY_MS * 2 ** over);
  }

  failed(attempt: Attempt): void {
    const { pair, address } = keysOf(attempt);
    this.#pairs.add(pair);
    this.#addresses.add(address);
    this.#accounts.add(nameOf(attempt.account));
  }

  /** The address stays as it is: an own account must not clear what was tried on others. */
  succeeded(attempt: Attempt): void {
    const { pair } = keysOf(attempt);
    this.#pairs.clear(pair);
    this.#proven.delete(pair);
    this.#proven.set(pair, this.#now());
  }

  /**
   * Before each code of a second factor, after the right password. It counts at once, so that many tried
   * side by side are many. @throws RegistryError TOOMANYREQUESTS
   */
  beginCode(userId: number): void {
    const key = String(userId);
    refuse(this.#codes.waitMs(key));
    this.#codes.add(key);
  }

  codeWasRight(userId: number): void {
    this.#codes.clear(String(userId));
  }
}

function refuse(waitMs: number): void {
  if (waitMs <= 0) return;
  const retryAfterSeconds = Math.ceil(waitMs / 1000);
  throw new RegistryError(
    'TOOMANYREQUESTS',
    `Too many failed sign-ins. Try again in ${retryAfterSeconds} s.`,
    { retryAfterSeconds },
  );
}

function keysOf({ account, address }: Attempt): { pair: string; address: string } {
  const block = addressBlock(address);
  return { pair: `${block} ${nameOf(account)}`, address: block };
}

function nameOf(account: string): string {
  return account.slice(0, LONGEST_ACCOUNT);
}

interface Failure {
  readonly count: number;
  readonly at: number;
}

class Failures {
  readonly #patience: Patience;
  readonly #now: Clock;
  readonly #entries = new Kept<string, Failure>(MOST_ENTRIES);

  constructor(patience: Patience, now: Clock) {
    this.#patience = patience;
    this.#now = now;
  }

  /** Those that are not forgiven yet. */
  count(key: string): number {
    const entry = this.#entries.get(key);
    if (entry === undefined) return 0;
    const forgiven = Math.floor((this.#now() - entry.at) / this.#patience.forgivenEachMs);
    return Math.max(0, entry.count - forgiven);
  }

  add(key: string): void {
    const count = this.count(key) + 1;
    // Taken out first, so that it becomes the youngest entry.
    this.#entries.delete(key);
    this.#entries.set(key, { count, at: this.#now() });
  }

  clear(key: string): void {
    this.#entries.delete(key);
  }

  /** Zero or less: none. */
  waitMs(key: string): number {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.count < this.#patience.first) return 0;
    const wait = SHORTEST_WAIT_MS * 2 ** (entry.count - this.#patience.first);
    return entry.at + Math.min(LONGEST_WAIT_MS, wait) - this.#now();
  }
}
