// Identity tokens of others (JWT, RFC 7519): whether one is genuine and of now. Whether anybody trusts
// what it says is asked elsewhere. What is thrown speaks to the token's holder, and only once the
// signature was found good.
import { decodeJwt, decodeProtectedHeader, errors, type JWTVerifyGetKey, jwtVerify } from 'jose';
import type { Claims } from './claims.ts';

/** Longest token; GitHub's have 2 KiB, those with many groups 8. */
export const LONGEST_FOREIGN_TOKEN = 16 * 1024;
/** Signed with a private key each: none and what shares a secret are not among them. */
export const FOREIGN_ALGORITHMS = ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA'] as const;
/** How far the clocks may differ, in seconds. */
const SKEW_S = 60;
/** How long after it was made it counts, whatever it says of its end. */
const LONGEST_AGE_S = 24 * 60 * 60;
const LONGEST_KID = 512;

/** `unproven`: not genuine, as far as can be said; nothing may be told. The others are for its holder. */
export type ForeignTokenFault = 'unproven' | 'expired' | 'not-yet' | 'too-old' | 'incomplete';

export class ForeignTokenError extends Error {
  readonly fault: ForeignTokenFault;
  constructor(fault: ForeignTokenFault, message: string, options?: ErrorOptions) {
    super(message, options);
    this.fault = fault;
  }
}

export interface UnverifiedToken {
  readonly issuer: string;
  readonly kid: string;
}

/** What a token says of whom to ask about it. Nothing of it is proven. @throws ForeignTokenError */
export function readUnverified(jwt: string): UnverifiedToken {
  if (jwt.length > LONGEST_FOREIGN_TOKEN) {
    throw unproven(`it is longer than ${LONGEST_FOREIGN_TOKEN} bytes`);
  }
  try {
    const { alg, kid } = decodeProtectedHeader(jwt);
    const { iss } = decodeJwt(jwt);
    if (!(FOREIGN_ALGORITHMS as readonly unknown[]).includes(alg)) {
      throw unproven(`it is signed with "${String(alg).slice(0, 20)}"`);
    }
    if (typeof kid !== 'string' || kid === '' || kid.length > LONGEST_KID) {
      throw unproven('it names no key');
    }
    if (typeof iss !== 'string') throw unproven('it names no issuer');
    return { issuer: iss, kid };
  } catch (cause) {
    throw cause instanceof ForeignTokenError ? cause : unproven('it is no JWT', { cause });
  }
}

export interface ForeignToken {
  readonly claims: Claims;
  /** From then on it does not count, in milliseconds since 1970. */
  readonly expiresAt: number;
}

/** @throws ForeignTokenError */
export async function verifyForeignToken(
  jwt: string,
  { keys, issuer, now }: { keys: JWTVerifyGetKey; issuer: string; now: number },
): Promise<ForeignToken> {
  try {
    const { payload } = await jwtVerify(jwt, keys, {
      algorithms: [...FOREIGN_ALGORITHMS],
      issuer,
      requiredClaims: ['exp', 'iat', 'aud'],
      clockTolerance: SKEW_S,
      maxTokenAge: LONGEST_AGE_S,
      currentDate: new Date(now),
    });
    const { exp, iat } = payload;
    if (exp === undefined || iat === undefined) throw new Error('jose did not look at exp and iat');
    return { claims: payload, expiresAt: Math.min(exp, iat + LONGEST_AGE_S) * 1000 };
  } catch (cause) {
    throw asForeign(cause);
  }
}

/** jose looks at claims only after the signature, so what it says of claims its holder may hear. */
function asForeign(cause: unknown): ForeignTokenError {
  if (cause instanceof errors.JWTExpired) {
    if (cause.claim === 'iat') {
      return new ForeignTokenError(
        'too-old',
        `The identity token was made more than ${LONGEST_AGE_S / 3600} hours ago. Ask for a new one.`,
        { cause },
      );
    }
    const at = showTime(cause.payload.exp);
    return new ForeignTokenError(
      'expired',
      `The identity token expired at ${at}. Ask for a new one.`,
      { cause },
    );
  }
  if (cause instanceof errors.JWTClaimValidationFailed) return asClaimFault(cause);
  if (cause instanceof errors.JOSEError) return unproven(cause.message, { cause });
  throw cause;
}

function asClaimFault(cause: errors.JWTClaimValidationFailed): ForeignTokenError {
  const { claim, payload, reason } = cause;
  if (reason === 'check_failed' && (claim === 'nbf' || claim === 'iat')) {
    return new ForeignTokenError(
      'not-yet',
      `The identity token counts only from ${showTime(payload[claim])} (${claim}). Compare the clocks of the issuer and this registry.`,
      { cause },
    );
  }
  return new ForeignTokenError(
    'incomplete',
    `The claim ${claim} of the identity token is missing or of the wrong type.`,
    { cause },
  );
}

function showTime(seconds: unknown): string {
  const date = new Date(Number(seconds) * 1000);
  return Number.isNaN(date.getTime()) ? 'no time that can be read' : date.toISOString();
}

function unproven(why: string, options?: ErrorOptions): ForeignTokenError {
  return new ForeignTokenError('unproven', `The identity token is not genuine: ${why}.`, options);
}
