// How many requests a principal may send: a bucket for each that fills at a steady rate. Counted by each
// node for itself, in memory.
import { Kept } from '../../access/kept.ts';
import { principalKey } from '../../access/principal.ts';
import { addressBlock } from '../../access/sign-in/address-block.ts';
import { RegistryError } from '../../oci/errors.ts';
import type { Caller } from './caller.ts';

export interface RequestRate {
  /** Requests that come back to the bucket each second. */
  readonly perSecond: number;
  /** Requests that a full bucket holds. */
  readonly burst: number;
}

export interface RequestLimitSettings {
  /** For each user, robot and pipeline; undefined = no limit. */
  readonly signedIn: RequestRate | undefined;
  /** For each address of callers who have not signed in; of IPv6 for each /64. */
  readonly anonymous: RequestRate | undefined;
}

interface Bucket {
  left: number;
  at: number;
}

const BUCKETS_KEPT = 50_000;

export class RequestLimits {
  readonly #settings: RequestLimitSettings;
  readonly #now: () => number;
  readonly #buckets = new Kept<string, Bucket>(BUCKETS_KEPT);

  /** `now`: milliseconds, never set back. */
  constructor(settings: RequestLimitSettings, now: () => number) {
    this.#settings = settings;
    this.#now = now;
  }

  /** @throws RegistryError TOOMANYREQUESTS with `retryAfterSeconds` in its detail. */
  take({ standing }: Caller, from: { client(): string }): void {
    const { principal } = standing;
    const isSignedIn = principal.kind !== 'anonymous';
    const rate = isSignedIn ? this.#settings.signedIn : this.#settings.anonymous;
    if (rate === undefined) return;
    const key = isSignedIn ? principalKey(principal) : addressBlock(from.client());
    const now = this.#now();
    const bucket = this.#buckets.get(key) ?? { left: rate.burst, at: now };
    const refilled = bucket.left + ((now - bucket.at) / 1000) * rate.perSecond;
    const left = Math.min(rate.burst, refilled);
    if (left < 1) {
      const retryAfterSeconds = Math.ceil((1 - left) / rate.perSecond);
      const who = isSignedIn ? principal.name : 'Without signing in, this address';
      throw new RegistryError(
        'TOOMANYREQUESTS',
        `${who} may send ${rate.perSecond} requests a second here, ${rate.burst} at once. Try again in ${retryAfterSeconds} s.`,
        { retryAfterSeconds },
      );
    }
    this.#buckets.set(key, { left: left - 1, at: now });
  }
}
