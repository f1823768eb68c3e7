// Refusals of identity tokens: what the holder hears, and what goes on record.
import type { StoredTrustPolicy } from '../../metadata/trust-policies.ts';
import { type ErrorCode, RegistryError } from '../../oci/errors.ts';
import { type Claims, showText, textOf, textsOf } from './claims.ts';
import { mayHear } from './public-issuers.ts';
import { matchPolicy, parseConditions } from './trust-policy.ts';

/** A refusal: its message is for the client, `record` for the audit log. */
export class RefusedTokenError extends RegistryError {
  readonly record: Readonly<Record<string, unknown>>;
  constructor(
    refusal: { code?: ErrorCode; message: string; record: Readonly<Record<string, unknown>> },
    options?: ErrorOptions,
  ) {
    super(refusal.code ?? 'UNAUTHORIZED', refusal.message, undefined, options);
    this.record = refusal.record;
  }
}

/** Policies that a refusal speaks of: those that fit best. */
const POLICIES_SHOWN = 3;

/** What of a policy is compared with claims. */
export function readable({ audience, conditions }: StoredTrustPolicy) {
  return { audience, conditions: parseConditions(conditions) };
}

/** As people write it. */
export function policyName({ path, name }: { path: string; name: string }): string {
  return path === '' ? name : `${path}:${name}`;
}

/**
 * No policy fits a genuine token. `cutAfter`: there are more policies than these, which were not looked at.
 */
export function unfit(
  candidates: readonly StoredTrustPolicy[],
  claims: Claims,
  asked: { issuer: string; wanted: string | undefined; cutAfter: number | undefined },
): RefusedTokenError {
  const { issuer, wanted, cutAfter } = asked;
  const misses = candidates
    .map((policy) => ({
      policy,
      isMeant: Number(textsOf(claims.aud).includes(policy.audience)),
      failures: matchPolicy(readable(policy), claims),
    }))
    // One for another audience was not meant, however little else is wrong.
    .sort((a, b) => b.isMeant - a.isMeant || a.failures.length - b.failures.length);
  const show = (some: typeof misses) =>
    some
      .slice(0, POLICIES_SHOWN)
      .map(({ policy, failures }) => `${policyName(policy)}: ${failures.join('; ')}`);
  const heard = show(
    misses.filter(({ policy }) => mayHear(issuer, parseConditions(policy.conditions), claims)),
  );
  const which =
    wanted === undefined ? 'no trust policy' : `not the trust policy ${showText(wanted)}`;
  const who = showText(textOf(claims.sub) ?? '');
  const full =
    cutAfter === undefined
      ? ''
      : ` Only the first ${cutAfter} were looked at: name the one that you mean.`;
  const message =
    heard.length === 0
      ? `The identity token of "${who}" is genuine, but it fits ${which} of this registry.`
      : `The identity token is genuine, but it fits ${which}. ${heard.join('. ')}.`;
  return new RefusedTokenError({
    message: message + full,
    record: { issuer, subject: who, failures: show(misses) },
  });
}
