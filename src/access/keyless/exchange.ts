// Who vouches for the holder of an identity token: from the token to the trust policy that it fits. Changes
// nothing. Somebody without a genuine token learns nothing of what this registry trusts; somebody with one
// learns which condition failed.
import type { JWTVerifyGetKey } from 'jose';
import type { StoredTrustPolicy, TrustPolicyKey } from '../../metadata/trust-policies.ts';
import { type Claims, showText, textOf, textsOf } from './claims.ts';
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

export interface PolicyPage {
  readonly after?: TrustPolicyKey | undefined;
  readonly limit: number;
}

export interface PolicySource {
  /** Active ones, by path and name. */
  policiesOf(issuer: string, page: PolicyPage): Promise<readonly StoredTrustPolicy[]>;
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

/** Read at once, and spoken of in a refusal at most. */
const PAGE = 250;
/**
 * Looked at for one token; beyond it the client must name the one it means. More than a few namespaces can
 * hold: `docker login -u oidc` has no place for a name, and must not depend on how many others have.
 */
const MOST_POLICIES = 5_000;
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
  const first = await parts.policies.policiesOf(issuer, { limit: PAGE });
  if (first.length === 0) {
    throw new RefusedTokenError({
      message: NOT_ACCEPTED,
      record: { issuer: showText(issuer), reason: 'no active trust policy is for this issuer' },
    });
  }
  const token = await verify(jwt, unverified, parts);
  const asked = { issuer, source: parts.policies };
  const { policy, missed, cutAfter } =
    wanted === undefined
      ? await look(first, token.claims, asked)
      : chosen(await named(wanted, asked), token.claims);
  if (policy === undefined) throw unfit(missed, token.claims, { issuer, wanted, cutAfter });
  return vouch(policy, token);
}

interface Looked {
  readonly policy: StoredTrustPolicy | undefined;
  /** What a refusal can speak of. */
  readonly missed: readonly StoredTrustPolicy[];
  readonly cutAfter?: number | undefined;
}

function chosen(policies: readonly StoredTrustPolicy[], claims: Claims): Looked {
  return { policy: policies.find((one) => fitsPolicy(readable(one), claims)), missed: policies };
}

/** The first that fits, a page after the other. */
async function look(
  first: readonly StoredTrustPolicy[],
  claims: Claims,
  { issuer, source }: { issuer: string; source: PolicySource },
): Promise<Looked> {
  const audiences = textsOf(claims.aud);
  const isMeant = ({ audience }: StoredTrustPolicy) => audiences.includes(audience);
  const meant: StoredTrustPolicy[] = [];
  // Those for another audience are spoken of when there are no others.
  const missed = () => [...meant, ...first.filter((one) => !isMeant(one))].slice(0, PAGE);
  let page = first;
  for (let looked = 0; ; ) {
    const { policy } = chosen(page, claims);
    if (policy !== undefined) return { policy, missed: [] };
    meant.push(...page.filter(isMeant).slice(0, PAGE - meant.length));
    looked += page.length;
    if (page.length < PAGE) return { policy, missed: missed() };
    if (looked >= MOST_POLICIES) return { policy, missed: missed(), cutAfter: looked };
    page = await source.policiesOf(issuer, { after: page.at(-1), limit: PAGE });
  }
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
