// Codes of authenticator apps (RFC 6238): six digits, thirty seconds, SHA-1, because every app knows
// those. A step is used once, which the database sees to.
import { Secret, TOTP } from 'otpauth';
import type { Seal } from '../seal.ts';

/** RFC 4226 §4 recommends 160 bits. */
const SECRET_BYTES = 20;
const PERIOD_SECONDS = 30;
/** Steps before and after: clocks of telephones differ. */
const WINDOW = 1;

/** Base32, as apps take it. */
export function newTotpSecret(): string {
  return new Secret({ size: SECRET_BYTES }).base32;
}

/** What a QR code shows. */
export function totpUri(account: { secret: string; name: string; registry: string }): string {
  return totpOf(account.secret, { label: account.name, issuer: account.registry }).toString();
}

/** @returns the step whose code it is; undefined when it is none of those that count now. */
export function totpStepOf({
  secret,
  code,
  now,
}: {
  secret: string;
  code: string;
  now: number;
}): number | undefined {
  const totp = totpOf(secret);
  const delta = totp.validate({ token: code, timestamp: now, window: WINDOW });
  return delta === null ? undefined : totp.counter({ timestamp: now }) + delta;
}

function totpOf(secret: string, shown: { label?: string; issuer?: string } = {}): TOTP {
  const form = { algorithm: 'SHA1', digits: 6, period: PERIOD_SECONDS };
  return new TOTP({ ...shown, ...form, secret: Secret.fromBase32(secret) });
}

export function sealTotp(seal: Seal, { userId, secret }: { userId: number; secret: string }) {
  return seal.seal(secret, purposeOf(userId));
}

/** @throws SealError */
export function openTotp(seal: Seal, { userId, sealed }: { userId: number; sealed: string }) {
  return seal.open(sealed, purposeOf(userId));
}

/** Bound to its user: one user's secret cannot be put in another's place. */
function purposeOf(userId: number): string {
  return `totp:${userId}`;
}
