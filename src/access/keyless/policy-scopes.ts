// What a trust policy gives to one pipeline: its grants, with the pipeline's claims put into the names.
import { LIMITS } from '../../oci/limits.ts';
import type { Action } from '../action.ts';
import type { Scope } from '../decide.ts';
import { isAtOrBelow, literalPrefix } from '../pattern.ts';
import { type Claims, claimAt, showText, textOf } from './claims.ts';

/** A grant of a policy, as it is stored: names may have templates such as `team-a/{project_path}`. */
export interface PolicyGrant {
  readonly actions: readonly Action[];
  readonly names: readonly string[];
}

/** What is kept of a pipeline's claims with its token: those that its policy's names use, and who it is. */
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

/**
 * The claims that go with a token. Those of names whole or not at all: a part of a claim would be another
 * name. A list is left out too, because nobody can say which of its entries is meant. `sub` is for people,
 * and when it was shortened no name can be made of it.
 */
export function recordClaims(grants: readonly PolicyGrant[], claims: Claims): RecordedClaims {
  const entries = claimsInTemplates(grants).flatMap((name) => {
    const text = textOf(claimAt(claims, name));
    const isShort = text !== undefined && text.length <= LIMITS.repositoryNameLength;
    return isShort ? [[name, text] as const] : [];
  });
  const sub = textOf(claims.sub);
  return { ...(sub !== undefined && { sub: showText(sub) }), ...Object.fromEntries(entries) };
}

/** A name with a letter in the place of each template; undefined when a claim is not named well. */
export function withoutTemplates(
  name: string,
  isClaim: (claim: string) => boolean,
): string | undefined {
  let isFit = true;
  const bare = name.replace(TEMPLATE, (_, claim: string) => {
    isFit &&= isClaim(claim);
    return 'x';
  });
  return isFit ? bare : undefined;
}

/** Whether a name, whatever the claims say, can only be at or below a path. */
export function isTemplateWithin(name: string, path: string): boolean {
  const open = name.search(/[{*?]/);
  if (open < 0) return isAtOrBelow(name, path);
  return path === '' || name.slice(0, open).startsWith(`${path}/`);
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
    const value = Object.hasOwn(claims, claim) ? lowerCase(claims[claim] ?? '') : '';
    if (!NAME_PART.test(value)) isComplete = false;
    return value;
  });
  return isComplete ? filled : undefined;
}

/**
 * Forges keep the case of names, repositories have none. Of ASCII only: other letters become letters of
 * ASCII too (the sign of Kelvin a `k`), and with them somebody could be named like somebody else.
 */
function lowerCase(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/** Whether all that a pattern can match lies at or below a path. */
function isWithin(pattern: string, path: string): boolean {
  if (path === '') return true;
  if (!/[*?]/.test(pattern)) return isAtOrBelow(pattern, path);
  const prefix = literalPrefix(pattern);
  return prefix.startsWith(`${path}/`) || (prefix === path && pattern === `${path}/**`);
}
