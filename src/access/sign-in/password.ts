// Hashing and comparing passwords: argon2id, the only file that knows the runtime's. Two at most run at
// once, because each takes 19 MiB and a core; a bounded queue waits behind them. The hash is sealed: who
// has the database without the key file has nothing to try passwords on (OWASP ASVS 2.4.5).
import { RegistryError } from '../../oci/errors.ts';
import type { Seal } from '../seal.ts';

/** OWASP's first choice for machines that do other work too: 19 MiB, two passes, one lane. */
const ARGON2ID = { algorithm: 'argon2id', memoryCost: 19 * 1024, timeCost: 2 } as const;

/** Compared where there is no hash, so that an unknown user costs the same. Nobody knows its password. */
const DECOY =
  '$argon2id$v=19$m=19456,t=2,p=1$t16Asw/Yc+92Y/NuSV3jotoOXTENEcY3H3yzmmjvsmw$kj7flUMjFeNbwWBPSKVXMEzgMDHGoZhwNITFY2NQD6k';

/** At some 50 ms each, the last of the queue waits under two seconds. */
const AT_ONCE = 2;
const MOST_WAITING = 64;
/** For those whom the queue has no room for. */
const RETRY_AFTER_SECONDS = 2;

export const LONGEST_PASSWORD_BYTES = 1024;

export interface Verification {
  readonly password: string;
  /** As `hash` gave it. Undefined: nobody of that name, or one without a password; it costs the same and is never right. */
  readonly hash: string | undefined;
  /**
   * Asked when its turn has come: throws to give up, true when the password is known to be right by now.
   */
  onTurn?(): boolean;
}

const PURPOSE = 'password';

export class Passwords {
  readonly #seal: Seal;
  readonly #decoy: string;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(seal: Seal) {
    this.#seal = seal;
    this.#decoy = seal.seal(DECOY, PURPOSE);
  }

  /** @returns what is stored: argon2id, sealed. @throws RegistryError TOOMANYREQUESTS */
  async hash(password: string): Promise<string> {
    const hash = await this.#inTurn(() => Bun.password.hash(normal(password), ARGON2ID));
    return this.#seal.seal(hash, PURPOSE);
  }

  /** @throws RegistryError TOOMANYREQUESTS, what `onTurn` throws, and SealError. */
  verify({ password, hash, onTurn }: Verification): Promise<boolean> {
    return this.#inTurn(async () => {
      if (onTurn?.() === true) return true;
      const text = normal(password);
      const isPossible = hash !== undefined && Buffer.byteLength(text) <= LONGEST_PASSWORD_BYTES;
      const isEqual = await Bun.password.verify(
        isPossible ? text : 'nobody',
        this.#seal.open(isPossible ? hash : this.#decoy, PURPOSE),
      );
      return isPossible && isEqual;
    });
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= AT_ONCE) await this.#wait();
    else this.#running += 1;
    try {
      return await work();
    } finally {
      // The place goes from hand to hand: nobody can step in between.
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }

  #wait(): Promise<void> {
    if (this.#waiting.length >= MOST_WAITING) {
      throw new RegistryError(
        'TOOMANYREQUESTS',
        'Too many people sign in with a password at once. Try again in a moment, or use an access token: those need not wait.',
        { retryAfterSeconds: RETRY_AFTER_SECONDS },
      );
    }
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }
}

/** Keyboards write one text in several ways (NIST SP 800-63B §5.1.1.2). */
function normal(password: string): string {
  return password.normalize('NFKC');
}
