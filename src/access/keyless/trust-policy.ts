// A trust policy as an owner writes it, and whether the claims of a token fit it.
import { z } from 'zod';
import { RegistryError } from '../../oci/errors.ts';
import { isRepositoryName } from '../../oci/repository-name.ts';
import { isCostly } from '../pattern.ts';
import { ACCESS_LIMITS } from '../people/limits.ts';
import { type Claims, claimAt, LONGEST_CLAIM_NAME, showText, textsOf } from './claims.ts';
import { isTemplateWithin, type PolicyGrant, withoutTemplates } from './policy-scopes.ts';
import { type Conditions, holds, isGlob, tooOpen } from './public-issuers.ts';

export interface TrustPolicy {
  /** The namespace or repository that it belongs to; '' = the administrator's. */
  readonly path: string;
  readonly name: string;
  readonly issuer: string;
  readonly audience: string;
  readonly conditions: Conditions;
  readonly grants: readonly PolicyGrant[];
  readonly lifetimeMs: number;
}

const MOST_CONDITIONS = 20;
const MOST_PATTERNS = 50;
/** Of all its patterns: each costs up to its length times that of the claim, for every token. */
const MOST_WILDCARDS = 10;
const LONGEST_PATTERN = 255;
const MOST_GRANTS = 20;
const MOST_NAMES = 50;
const LONGEST_NAME = 255;
const SHORTEST_LIFETIME_S = 60;
const LONGEST_LIFETIME_S = 24 * 60 * 60;
const USUAL_LIFETIME_S = 60 * 60;

const pattern = z
  .string()
  .min(1, 'A pattern has at least one character.')
  .max(LONGEST_PATTERN, `A pattern has at most ${LONGEST_PATTERN} characters.`);

const claimName = z
  .string()
  .max(LONGEST_CLAIM_NAME)
  .regex(
    /^[A-Za-z0-9_:/@-]+(\.[A-Za-z0-9_:/@-]+)*$/,
    'A claim is named with letters, digits and _ : / @ -, with dots between names.',
  );

const conditionsSchema = z
  .record(
    claimName,
    z.union([
      pattern.transform((one) => [one]),
      z.array(pattern).min(1, 'A list has at least one pattern.').max(MOST_PATTERNS),
    ]),
  )
  .refine((conditions) => Object.keys(conditions).length <= MOST_CONDITIONS, {
    message: `A policy has at most ${MOST_CONDITIONS} conditions.`,
  })
  .refine(
    (conditions) => Object.values(conditions).flat().filter(isGlob).length <= MOST_WILDCARDS,
    {
      message: `A policy has at most ${MOST_WILDCARDS} patterns with wildcards.`,
    },
  );

const grantSchema = z.strictObject({
  actions: z
    .array(z.enum(['pull', 'push', 'delete'], 'A policy grants pull, push or delete.'))
    .min(1, 'A grant has at least one action.')
    .max(3),
  names: z
    .array(
      z.string().max(LONGEST_NAME).refine(isNamePattern, {
        message:
          'A name is written as a repository name, with *, ** or ? for what may vary and {claim} for what the token says.',
      }),
    )
    .min(1, 'A grant has at least one name.')
    .max(MOST_NAMES),
});

function isNamePattern(name: string): boolean {
  const bare = withoutTemplates(name, (claim) => claimName.safeParse(claim).success);
  return bare !== undefined && isRepositoryName(bare.replace(/[*?]/g, 'x'));
}

/** For the API's document as well; `parseTrustPolicy` asks for more than can be said there. */
export const trustPolicySchema = z.strictObject({
  path: z.string().refine((path) => path === '' || isRepositoryName(path), {
    message: 'The path is a namespace or repository, or empty for the whole registry.',
  }),
  name: z
    .string()
    .max(64)
    .regex(
      /^[a-z0-9]+([._-][a-z0-9]+)*$/,
      'A policy is named with lower-case letters and digits, with . _ or - between.',
    ),
  issuer: z.string().max(512).refine(isIssuer, {
    message:
      'The issuer is an https address without query, fragment, user name or password, as it stands in the claim iss.',
  }),
  audience: z.string().min(1, 'The audience must not be empty.').max(512),
  conditions: conditionsSchema,
  grants: z
    .array(grantSchema)
    .min(1, 'A policy has at least one grant.')
    .max(MOST_GRANTS)
    .refine(
      (grants) =>
        grants.flatMap(({ names }) => names).filter(isCostly).length <=
        ACCESS_LIMITS.costlyPatterns,
      {
        message: `A policy has at most ${ACCESS_LIMITS.costlyPatterns} names with * or ? elsewhere than in a last /**.`,
      },
    ),
  lifetimeSeconds: z
    .int()
    .min(SHORTEST_LIFETIME_S, `The lifetime is at least ${SHORTEST_LIFETIME_S} seconds.`)
    .max(LONGEST_LIFETIME_S, `The lifetime is at most ${LONGEST_LIFETIME_S} seconds.`)
    .default(USUAL_LIFETIME_S),
});

function isIssuer(text: string): boolean {
  if (!URL.canParse(text) || /[?#\s]/.test(text)) return false;
  const { protocol, username, password } = new URL(text);
  return ['https:', 'http:'].includes(protocol) && username === '' && password === '';
}

/**
 * `isPlainAllowed`: whether the administrator allows http for that host.
 * @throws RegistryError REQUEST_INVALID with what to change.
 */
export function parseTrustPolicy(
  input: unknown,
  { isPlainAllowed }: { isPlainAllowed: (host: string) => boolean },
): TrustPolicy {
  const result = trustPolicySchema.safeParse(input);
  if (!result.success) {
    const [issue] = result.error.issues;
    const place = issue?.path.join('.') ?? '';
    throw invalid(`${place === '' ? '' : `${place}: `}${issue && sentenceOf(issue)}`);
  }
  const { lifetimeSeconds, ...policy } = result.data;
  const { protocol, hostname } = new URL(policy.issuer);
  if (protocol === 'http:' && !isPlainAllowed(hostname)) {
    throw invalid(`The issuer is not https. An administrator can allow http for ${hostname}.`);
  }
  const open = tooOpen(policy.issuer, policy.conditions);
  if (open !== undefined) throw invalid(open);
  const outside = policy.grants
    .flatMap(({ names }) => names)
    .find((name) => !isTemplateWithin(name, policy.path));
  if (outside !== undefined) {
    throw invalid(
      `The name "${outside}" can be outside of ${policy.path}, where this policy belongs. Begin it with ${policy.path}/.`,
    );
  }
  return { ...policy, lifetimeMs: lifetimeSeconds * 1000 };
}

/** Of what may be one thing or another, the fault of the one that was meant. */
function sentenceOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_key') return issue.issues[0]?.message ?? issue.message;
  if (issue.code !== 'invalid_union') return issue.message;
  const inner = issue.errors.flat().find(({ code }) => code !== 'invalid_type');
  return inner?.message ?? 'A condition is a pattern or a list of patterns.';
}

function invalid(message: string): RegistryError {
  return new RegistryError('REQUEST_INVALID', message);
}

/** As they stand in the database, in the form that `parseTrustPolicy` gave them. */
export function parseConditions(json: string): Conditions {
  return JSON.parse(json) as Conditions;
}

/** As `matchPolicy`, when only the answer counts. */
export function fitsPolicy(
  { audience, conditions }: { readonly audience: string; readonly conditions: Conditions },
  claims: Claims,
): boolean {
  return (
    textsOf(claims.aud).includes(audience) &&
    Object.keys(conditions).every((claim) => holds(conditions, claim, claims))
  );
}

/** @returns what does not fit, a sentence each, for the token's holder; none = the policy fits. */
export function matchPolicy(
  policy: { readonly audience: string; readonly conditions: Conditions },
  claims: Claims,
): string[] {
  const audience = { aud: [policy.audience] };
  // Not as a pattern: an audience with a star in it is that audience.
  const isMeant = textsOf(claims.aud).includes(policy.audience);
  const failures = isMeant ? [] : [showFailure(audience, 'aud', claims)];
  for (const claim of Object.keys(policy.conditions)) {
    if (holds(policy.conditions, claim, claims)) continue;
    failures.push(showFailure(policy.conditions, claim, claims));
  }
  return failures;
}

function showFailure(conditions: Conditions, claim: string, claims: Claims): string {
  const wanted = (conditions[claim] ?? []).map(showText).join(' or ');
  const value = claimAt(claims, claim);
  if (value === undefined) return `the token has no ${claim}, the policy wants ${wanted}`;
  const texts = textsOf(value);
  const found =
    texts.length === 0 ? 'nothing that can be compared' : texts.map(showText).join(', ');
  return `${claim} is ${showText(found)}, the policy wants ${wanted}`;
}
