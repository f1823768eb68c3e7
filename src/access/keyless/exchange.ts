// Who vouches for the holder of an identity token: from the token to the trust policy that it fits. Changes
// nothing. Somebody without a genuine token learns nothing of what this registry trusts; somebody with one
// learns which condition failed.
import type { JWTVerifyGetKey } from 'jose';
import type { StoredTrustPolicy } from '../../metadata/trust-policies.ts';
import { showText, textOf } from './claims.ts';
import {
  type ForeignToken,
  ForeignTokenError,
  readUnverified,
  type UnverifiedToken,
  verifyForeignToken,
} from './foreign-token.ts';
import { IssuerAwayError } from './issuer-keys.ts';
import { type PolicyGrant, type RecordedClaims, recordClaims } from './policy-scopes.ts';
import { policyName, RefusedTokenError, readable, unfit } from './refused-token.ts';
import { fitsPolicy } from './trust-policy.ts';

export interface PolicySource {
  /** Active ones, by path and name. */
  policiesOf(issuer: string, limit: number): Promise<readonly StoredTrustPolicy[]>;
  policyNamed(key: { path: string; name: string }): Promise<StoredTrustPolicy | undefined>;
}

export interface KeySource {
  /** @throws IssuerAwayError */
  find(issuer: string, kid: string): Promise<JWTVerifyGetKey>;
}

export interface ExchangeParts {
  readonly policies: PolicySource;
  readonly keys: KeySource;
  /** Milliseconds since 1970. */
  now(): number;
}

/** A pipeline, and the policy that vouches for it. */
export interface Vouched {
  readonly policy: {
    readonly id: number;
    /** With its path, `team:deploy`. */
    readonly name: string;
    readonly epoch: number;
    readonly lifetimeMs: number;
  };
  readonly claims: RecordedClaims;
  /** Who it says it is, for a person. */
  readonly workload: string;
  readonly issuer: string;
  /** The token's own name at its issuer, for the record. */
  readonly tokenId: string | undefined;
  /** Until when the identity token counts, in milliseconds since 1970. */
  readonly expiresAt: number;
}

/** Looked at for one token; beyond it the client must name the one it means. */
const MOST_POLICIES = 250;
/** One answer for a forged token and for an issuer that nobody here trusts. */
const NOT_ACCEPTED =
  'The identity token was not accepted: it is not genuine, or this registry trusts no pipeline of its issuer.';

/** `wanted`: the name of a policy, `team:deploy`; default: the first that fits. @throws RefusedTokenError */
export async function exchangeToken(
  { jwt, wanted }: { jwt: string; wanted?: string },
  parts: ExchangeParts,
): Promise<Vouched> {
  const unverified = readClaimed(jwt);
  const { issuer } = unverified;
  const policies = await parts.policies.policiesOf(issuer, MOST_POLICIES);
  if (policies.length === 0) {
    throw new RefusedTokenError({
      message: NOT_ACCEPTED,
      record: { issuer: showText(issuer), reason: 'no active trust policy is for this issuer' },
    });
  }
  const token = await verify(jwt, unverified, parts);
  const candidates =
    wanted === undefined ? policies : await named(wanted, { issuer, source: parts.policies });
  const policy = candidates.find((one) => fitsPolicy(readable(one), token.claims));
  if (policy === undefined) {
    const isCut = candidates.length === MOST_POLICIES;
    throw unfit(candidates, token.claims, { issuer, wanted, isCut });
  }
  return vouch(policy, token);
}

function readClaimed(jwt: string): UnverifiedToken {
  try {
    return readUnverified(jwt);
  } catch (error) {
    if (!(error instanceof ForeignTokenError)) throw error;
    // Says something of the token only, so everybody may hear it.
    throw new RefusedTokenError({ message: error.message, record: { reason: error.message } });
  }
}

async function verify(
  jwt: string,
  { issuer, kid }: UnverifiedToken,
  { keys, now }: ExchangeParts,
): Promise<ForeignToken> {
  const record = { issuer: showText(issuer) };
  try {
    return await verifyForeignToken(jwt, {
      keys: await keys.find(issuer, kid),
      issuer,
      now: now(),
    });
  } catch (cause) {
    if (cause instanceof IssuerAwayError) {
      throw new RefusedTokenError(
        {
          code: 'UNAVAILABLE',
          message:
            'The keys of the identity token’s issuer cannot be fetched now. Try again in a moment.',
          record: { ...record, reason: cause.message },
        },
        { cause },
      );
    }
    if (!(cause instanceof ForeignTokenError)) throw cause;
    const message = cause.fault === 'unproven' ? NOT_ACCEPTED : cause.message;
    throw new RefusedTokenError({ message, record: { ...record, reason: cause.message } });
  }
}

async function named(
  wanted: string,
  { issuer, source }: { issuer: string; source: PolicySource },
): Promise<readonly StoredTrustPolicy[]> {
  const colon = wanted.lastIndexOf(':');
  const key = { path: wanted.slice(0, Math.max(colon, 0)), name: wanted.slice(colon + 1) };
  const policy = await source.policyNamed(key);
  return policy?.state === 'active' && policy.issuer === issuer ? [policy] : [];
}

function vouch(policy: StoredTrustPolicy, { claims, expiresAt }: ForeignToken): Vouched {
  const { id, epoch, lifetimeMs, issuer } = policy;
  const recorded = recordClaims(JSON.parse(policy.grants) as PolicyGrant[], claims);
  const name = policyName(policy);
  const tokenId = textOf(claims.jti);
  return {
    policy: { id, name, epoch, lifetimeMs },
    claims: recorded,
    workload: showText(textOf(claims.sub) ?? name),
    issuer,
    tokenId: tokenId === undefined ? undefined : showText(tokenId),
    expiresAt,
  };
}
