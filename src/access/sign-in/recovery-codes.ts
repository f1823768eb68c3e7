// Recovery codes: what is left to somebody who lost the second factor. Ten, of fifty random bits each;
// kept as SHA-256, which is enough for what is random and tried only after the right password.
import { createHash, randomBytes } from 'node:crypto';

const CODES = 10;
const CODE_LENGTH = 10;
/** RFC 4648 base32: neither 0 nor 1, which look like letters. */
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** `ABCDE-23456`, ten of them, to be shown once. */
export function newRecoveryCodes(): string[] {
  return Array.from({ length: CODES }, () => {
    let text = '';
    for (const byte of randomBytes(CODE_LENGTH)) text += ALPHABET[byte % ALPHABET.length];
    return `${text.slice(0, CODE_LENGTH / 2)}-${text.slice(CODE_LENGTH / 2)}`;
  });
}

/** As typed, in any case, with or without what parts its groups; undefined for what cannot be one. */
export function hashRecoveryCode(typed: string): Uint8Array | undefined {
  const plain = typed.toUpperCase().replace(/[\s-]/g, '');
  if (!/^[A-Z2-7]{10}$/.test(plain)) return undefined;
  return createHash('sha256').update(plain).digest();
}
