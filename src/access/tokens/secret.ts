// Secrets that this registry makes: recognisable by their prefix, checkable without a database, so that
// secret scanners find leaked ones. Kept as SHA-256 only: what is random need not be slow to hash.
import { createHash, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

/** `ept_` access token, `epr_` refresh token, `eps_` session, `epi_` invitation. */
export type SecretKind = 'ept' | 'epr' | 'eps' | 'epi';

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** 36 of 62 characters: 214 bits. */
const RANDOM_LENGTH = 36;
const CHECKSUM_LENGTH = 6;
const FORM = /^(ept|epr|eps|epi)_([0-9A-Za-z]{36})([0-9A-Za-z]{6})$/;
/** Characters at its end that a person may see again, to tell tokens apart. */
const HINT_LENGTH = 4;

export function newSecret(kind: SecretKind): string {
  const body = randomText();
  return `${kind}_${body}${checksum(body)}`;
}

function randomText(): string {
  let text = '';
  while (text.length < RANDOM_LENGTH) {
    // 248 is the largest multiple of 62 that a byte holds: beyond it, characters would not be equally likely.
    for (const byte of randomBytes(64)) if (byte < 248) text += ALPHABET[byte % 62];
  }
  return text.slice(0, RANDOM_LENGTH);
}

function checksum(body: string): string {
  let rest = crc32(body);
  let text = '';
  for (let at = 0; at < CHECKSUM_LENGTH; at += 1) {
    text = ALPHABET[rest % 62] + text;
    rest = Math.floor(rest / 62);
  }
  return text;
}

/** @returns undefined for what cannot be one of ours: nobody needs to look it up. */
export function secretKind(text: string): SecretKind | undefined {
  const [, kind, body, sum] = FORM.exec(text) ?? [];
  if (kind === undefined || body === undefined || checksum(body) !== sum) return undefined;
  return kind as SecretKind;
}

/** Whether somebody means it as one of ours, mistyped or not. */
export function looksLikeSecret(text: string): boolean {
  return /^ep[trsi]_/.test(text);
}

export function hashSecret(secret: string): Uint8Array {
  return createHash('sha256').update(secret).digest();
}

export function hintOf(secret: string): string {
  return secret.slice(-HINT_LENGTH);
}
