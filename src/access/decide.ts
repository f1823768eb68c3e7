// May they? A pure function of what the database says today about who asks and about the path, and of the
// request. Asked before every use case; the verdict says which rule decided.
//
//   what anyone may                        visibility public, grants to anyone        no sign-in, no scope
//   what a signed-in user may besides      visibility internal, grants to signed-in   ∩ scopes of the credential
//   what this principal may besides        own grants, those of teams and             ∩ scopes of the credential
//                                          organisations, what they own, policies
//
// Grants add up along the path: one on `team` holds for `team/backend/api`. Scopes only narrow, but never
// below what anyone may do without signing in. Whatever path it is asked about, `administer` is of the root.
import type { Visibility } from '../metadata/access-schema.ts';
import type { Action } from './action.ts';
import { type Circumstances, type Condition, conditionFailure } from './condition.ts';
import { isAtOrBelow, matchesPath, matchesTag } from './pattern.ts';
import type { Principal } from './principal.ts';

/** A right that somebody has at a path and below it. */
export interface Right {
  readonly path: string;
  readonly actions: readonly Action[];
  /** Name of the role, for the reason. */
  readonly role: string;
  /** How the principal comes by it, for the reason: `team core`, `yourself`, `anyone`. */
  readonly through: string;
  /** Patterns; undefined = all tags. */
  readonly tags?: readonly string[];
  readonly condition?: Condition;
}

/** What a credential was limited to, or what a trust policy gives. */
export interface Scope {
  readonly actions: readonly Action[];
  /** Patterns of paths, see pattern.ts. */
  readonly names: readonly string[];
}

/** What the database says about who asks: `standing.ts` reads it. */
export interface Standing {
  readonly principal: Principal;
  /** Rights of its own, of its teams and organisations. */
  readonly rights: readonly Right[];
  /** Of a workload: what its policy gives, with the claims put in. */
  readonly policy?: { readonly name: string; readonly scopes: readonly Scope[] };
  /** Of the credential; undefined = everything that its owner may. */
  readonly scopes?: readonly Scope[];
  readonly condition?: Condition;
}

/** What the database says about a path, whether or not there is a repository. */
export interface PathFacts {
  /** Of the nearest setting. */
  readonly visibility: Visibility;
  /** Where that setting stands, for the reason; '' = the root. */
  readonly visibilityFrom: string;
  /** Whether pushing makes a repository here. */
  readonly creation: 'push' | 'explicit';
  /** Grants to anyone and to any signed-in user on this path and above. */
  readonly forAnyone: readonly Right[];
  readonly forSignedIn: readonly Right[];
}

export interface Question {
  readonly action: Action;
  /** A repository, a namespace, or '' for the registry as a whole. */
  readonly path: string;
  /** The tag that is read, moved or deleted; undefined = none in particular (blobs, digests, uploads). */
  readonly tag?: string;
  /** `true`: a right that is limited to some tags is not enough, as for a delete by digest. */
  readonly everyTag?: boolean;
  /**
   * `true`: what lies below is meant too. Rights hold there as well; a visibility is not enough, because a
   * nearer one may narrow it.
   */
  readonly everyPath?: boolean;
  /** The old name by which the path was asked for: a bearer token for that one is for this as well. */
  readonly askedAs?: string;
}

export interface Verdict {
  readonly isAllowed: boolean;
  /** Which rule decided, for a person. */
  readonly reason: string;
}

/** Pure: same facts, same question, same circumstances, same verdict. */
export function decide(
  standing: Standing,
  facts: PathFacts,
  asked: Question,
  circumstances: Circumstances,
): Verdict {
  // Nobody administers a part of a registry, not even its owner.
  const question = asked.action === 'administer' ? { action: asked.action, path: '' } : asked;
  const open = openVerdict(facts, question, circumstances);
  if (open !== undefined) return open;
  if (standing.principal.kind === 'anonymous') return refused(`${where(question)} is not public`);
  const outside = credentialFailure(standing, question, circumstances);
  if (outside !== undefined) return refused(outside);
  if (standing.principal.kind === 'workload') return policyVerdict(standing, question);
  return signedInVerdict(standing, facts, question, circumstances);
}

/** What anyone may, signed in or not. */
function openVerdict(
  facts: PathFacts,
  question: Question,
  circumstances: Circumstances,
): Verdict | undefined {
  if (isVisible(facts, question, 'public')) {
    return allowed(`${question.path || 'the registry'} is public${setAt(facts, question)}`);
  }
  return firstThatHolds(facts.forAnyone, question, circumstances).verdict;
}

function isVisible(
  { visibility }: PathFacts,
  { action, everyPath }: Question,
  to: Visibility,
): boolean {
  return action === 'pull' && visibility === to && everyPath !== true;
}

function credentialFailure(
  standing: Standing,
  question: Question,
  circumstances: Circumstances,
): string | undefined {
  const failure = conditionFailure(standing.condition, circumstances);
  if (failure !== undefined) return `this credential works ${failure}`;
  if (standing.scopes === undefined || isInScope(standing.scopes, question)) return undefined;
  return `the scopes of this credential do not include ${question.action} on ${where(question)}`;
}

export function isInScope(scopes: readonly Scope[], { action, path }: Question): boolean {
  return scopes.some(
    ({ actions, names }) =>
      actions.includes(action) && names.some((pattern) => matchesPath(pattern, path)),
  );
}

function policyVerdict(standing: Standing, question: Question): Verdict {
  const { policy } = standing;
  if (policy !== undefined && isInScope(policy.scopes, question)) {
    return allowed(
      `the trust policy ${policy.name} gives ${question.action} on ${where(question)}`,
    );
  }
  return refused(
    `the trust policy ${policy?.name ?? ''} does not give ${question.action} on ${where(question)}`,
  );
}

function signedInVerdict(
  standing: Standing,
  facts: PathFacts,
  question: Question,
  circumstances: Circumstances,
): Verdict {
  if (standing.principal.kind === 'user') {
    if (isVisible(facts, question, 'internal')) {
      return allowed(`${question.path || 'the registry'} is internal${setAt(facts, question)}`);
    }
    const signedIn = firstThatHolds(facts.forSignedIn, question, circumstances).verdict;
    if (signedIn !== undefined) return signedIn;
  }
  const own = firstThatHolds(standing.rights, question, circumstances);
  if (own.verdict !== undefined) return own.verdict;
  const { name } = standing.principal;
  const almost = own.failures.length === 0 ? '' : ` (${own.failures.join('; ')})`;
  return refused(
    `no grant gives ${name} the right to ${question.action} on ${where(question)}${almost}`,
  );
}

/** The first right that allows it, or why those that might have do not. */
function firstThatHolds(
  rights: readonly Right[],
  question: Question,
  circumstances: Circumstances,
): { verdict?: Verdict; failures: readonly string[] } {
  const failures: string[] = [];
  for (const right of rights) {
    if (!right.actions.includes(question.action) || !isAtOrBelow(question.path, right.path))
      continue;
    const failure = tagFailure(right, question) ?? conditionFailure(right.condition, circumstances);
    if (failure === undefined) return { verdict: allowed(showRight(right)), failures };
    failures.push(`${showRight(right)}: ${failure}`);
  }
  return { failures };
}

function tagFailure({ tags }: Right, { action, tag, everyTag }: Question): string | undefined {
  if (tags === undefined) return undefined;
  // Whoever manages could grant themselves the other tags.
  const needsAll = everyTag === true || action === 'manage' || action === 'administer';
  const isFit = !needsAll && (tag === undefined || matchesTag(tags, tag));
  return isFit ? undefined : `only tags ${tags.join(', ')}`;
}

function showRight({ role, through, path }: Right): string {
  return `${role} through ${through} on ${path || 'the root'}`;
}

function setAt({ visibilityFrom }: PathFacts, { path }: Question): string {
  if (visibilityFrom === path) return '';
  return `, set on ${visibilityFrom || 'the root'}`;
}

function where({ path, tag }: Question): string {
  if (path === '') return 'the registry';
  return tag === undefined ? path : `${path}:${tag}`;
}

function allowed(reason: string): Verdict {
  return { isAllowed: true, reason };
}

function refused(reason: string): Verdict {
  return { isAllowed: false, reason };
}
