// Issuers that anybody can get a token from. A policy for one of them must say whose tokens it means, by
// a claim that others cannot have: `ref: refs/heads/main` alone is the main branch of everybody.

import { matchesGlob } from '../glob.ts';
import { type Claims, claimAt, textsOf } from './claims.ts';

/** Claim to patterns: one of them must fit. */
export type Conditions = Readonly<Record<string, readonly string[]>>;

/** Claim to the form that a pattern of it must have to mean one customer of the issuer. */
type Tenants = Readonly<Record<string, RegExp>>;

const EXACT = /^[^*?]+$/;
/** `octo/app`, `octo/*`, but not `octo*`, which somebody else can be named. */
const OWNER_FIRST = /^[^*?/]+\//;

const TENANTS: Readonly<Record<string, Tenants>> = {
  'https://token.actions.githubusercontent.com': {
    repository_owner: EXACT,
    repository_owner_id: EXACT,
    repository_id: EXACT,
    repository: OWNER_FIRST,
    workflow_ref: OWNER_FIRST,
    sub: /^repo:[^*?:/]+\//,
    enterprise: EXACT,
    enterprise_id: EXACT,
  },
  'https://gitlab.com': {
    project_path: OWNER_FIRST,
    namespace_path: /^[^*?/]+(\/|$)/,
    project_id: EXACT,
    namespace_id: EXACT,
    sub: /^project_path:[^*?:/]+\//,
  },
  'https://accounts.google.com': {
    sub: EXACT,
    email: /^[^@]+@[^*?@]+$/,
    hd: EXACT,
    'google.compute_engine.project_id': EXACT,
  },
  'https://agent.buildkite.com': {
    organization_slug: EXACT,
    organization_id: EXACT,
    sub: /^organization:[^*?:]+:/,
  },
  'https://app.terraform.io': {
    terraform_organization_name: EXACT,
    terraform_organization_id: EXACT,
    sub: /^organization:[^*?:]+:/,
  },
};

function tenantsOf(issuer: string): Tenants | undefined {
  const bare = issuer.replace(/\/$/, '');
  return Object.hasOwn(TENANTS, bare) ? TENANTS[bare] : undefined;
}

/** What is true of all tokens of an issuer, or says nothing of who holds it. */
const SAYS_NOTHING: readonly string[] = ['iss', 'aud', 'exp', 'nbf', 'iat', 'jti'];

/** @returns why these conditions would trust an issuer as a whole; undefined = they do not. */
export function tooOpen(issuer: string, conditions: Conditions): string | undefined {
  const tenants = tenantsOf(issuer);
  if (tenants === undefined) {
    const isNarrowed = Object.entries(conditions).some(
      ([claim, patterns]) => !SAYS_NOTHING.includes(claim) && patterns.every(saysSomething),
    );
    if (isNarrowed) return undefined;
    return `A policy trusts no issuer as a whole. Add a condition on a claim that says whose token it is, such as sub, with more than wildcards.`;
  }
  if (tenantClaims(tenants, conditions).length > 0) return undefined;
  return `Anybody can get a token from ${issuer}. Add a condition that says whose tokens are meant, with no wildcard before the end of the owner's name, on one of: ${Object.keys(tenants).join(', ')}.`;
}

function saysSomething(pattern: string): boolean {
  return /[^*?]/.test(pattern);
}

function tenantClaims(tenants: Tenants, conditions: Conditions): string[] {
  return Object.entries(tenants).flatMap(([claim, form]) => {
    const patterns = Object.hasOwn(conditions, claim) ? conditions[claim] : undefined;
    return patterns?.every((pattern) => form.test(pattern)) ? [claim] : [];
  });
}

/**
 * Whether the holder of a genuine token may hear what a policy wants: at an issuer for everybody only who
 * is one of those that the policy means.
 */
export function mayHear(issuer: string, conditions: Conditions, claims: Claims): boolean {
  const tenants = tenantsOf(issuer);
  if (tenants === undefined) return true;
  return tenantClaims(tenants, conditions).some((claim) => holds(conditions, claim, claims));
}

/** Whether one condition fits. A claim that is missing fits nothing. */
export function holds(conditions: Conditions, claim: string, claims: Claims): boolean {
  const texts = textsOf(claimAt(claims, claim));
  const patterns = conditions[claim] ?? [];
  return patterns.some((pattern) => texts.some((text) => isLike(pattern, text)));
}

export function isGlob(pattern: string): boolean {
  return /[*?]/.test(pattern);
}

/** Longest text that is compared with wildcards: GitHub's workflow_ref stays under 400. */
const LONGEST_COMPARED = 512;

function isLike(pattern: string, text: string): boolean {
  if (pattern === text || !isGlob(pattern)) return pattern === text;
  return text.length <= LONGEST_COMPARED && matchesGlob(pattern, text, { isPath: false });
}
