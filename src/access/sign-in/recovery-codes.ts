// Recovery codes: what is left to somebody who lost the second factor. Ten, of 120 random bits each: so
// SHA-256 keeps them even from who has the whole table (OWASP ASVS 2.6.2 asks for 112 bits).
import { createHash, randomBytes } from 'node:crypto';

const CODES = 10;
const CODE_LENGTH = 24;
const GROUP_LENGTH = 6;
/** RFC 4648 base32: neither 0 nor 1, which look like letters. */
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** `ABCDEF-234567-…` of four groups, ten of them, to be shown once. */
export function newRecoveryCodes(): string[] {
  return Array.from({ length: CODES }, () => {
    let text = '';
    for (const byte of randomBytes(CODE_LENGTH)) text += ALPHABET[byte % ALPHABET.length];
    const groups = CODE_LENGTH / GROUP_LENGTH;
    return Array.from({ length: groups }, (_, at) =>
      text.slice(at * GROUP_LENGTH, (at + 1) * GROUP_LENGTH),
    ).join('-');
  });
}

/** As typed, in any case, with or without what parts its groups; undefined for what cannot be one. */
export function hashRecoveryCode(typed: string): Uint8Array | undefined {
  const plain = typed.toUpperCase().replace(/[\s-]/g, '');
  if (!/^[A-Z2-7]{24}$/.test(plain)) return undefined;
  return createHash('sha256').update(plain).digest();
}
