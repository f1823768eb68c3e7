// What a trust policy gives to one pipeline: its grants, with the pipeline's claims put into the names.
import type { Action } from '../action.ts';
import type { Scope } from '../decide.ts';
import { isAtOrBelow, literalPrefix } from '../pattern.ts';

/** A grant of a policy, as it is stored: names may have templates such as `team-a/{project_path}`. */
export interface PolicyGrant {
  readonly actions: readonly Action[];
  readonly names: readonly string[];
}

/** What is kept of a pipeline's claims with its token: those that its policy's names use. */
export type RecordedClaims = Readonly<Record<string, string>>;

export function parseRecordedClaims(json: string | null): RecordedClaims {
  return json === null ? {} : (JSON.parse(json) as RecordedClaims);
}

const TEMPLATE = /\{([^{}]+)\}/g;

/** Names of the claims that the templates of a policy use. */
export function claimsInTemplates(grants: readonly PolicyGrant[]): string[] {
  const found = grants.flatMap(({ names }) =>
    names.flatMap((name) => [...name.matchAll(TEMPLATE)].map((match) => match[1] as string)),
  );
  return [...new Set(found)];
}

/** What a claim may put into a name: parts of repository names, so never a pattern. */
const NAME_PART = /^[a-z0-9]+(?:(?:\.|_|__|-+|\/)[a-z0-9]+)*$/;

/**
 * The scopes of one pipeline. A name whose claim is missing, or could not stand in a repository name,
 * gives nothing; nor does one outside the namespace that the policy belongs to.
 */
export function resolvePolicy(
  policy: { readonly path: string; readonly grants: string },
  claims: RecordedClaims,
): Scope[] {
  const grants = JSON.parse(policy.grants) as PolicyGrant[];
  return grants.map(({ actions, names }) => ({
    actions,
    names: names
      .map((name) => fill(name, claims))
      .filter((name) => name !== undefined)
      .filter((name) => isWithin(name, policy.path)),
  }));
}

function fill(name: string, claims: RecordedClaims): string | undefined {
  let isComplete = true;
  const filled = name.replace(TEMPLATE, (_, claim: string) => {
    // Forges keep the case of names, repositories have none.
    const value = Object.hasOwn(claims, claim) ? claims[claim]?.toLowerCase() : undefined;
    if (value === undefined || !NAME_PART.test(value)) isComplete = false;
    return value ?? '';
  });
  return isComplete ? filled : undefined;
}

/** Whether all that a pattern can match lies at or below a path. */
function isWithin(pattern: string, path: string): boolean {
  if (path === '') return true;
  if (!pattern.includes('*')) return isAtOrBelow(pattern, path);
  const prefix = literalPrefix(pattern);
  return prefix.startsWith(`${path}/`) || (prefix === path && pattern === `${path}/**`);
}
