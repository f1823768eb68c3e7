// The walk over the tables of suite-rules.ts: every case in their words, and as what decide() is asked.
import type { Action } from './action.ts';
import type { Circumstances } from './condition.ts';
import type { decide, PathFacts, Question, Right, Scope, Standing } from './decide.ts';
import type { Principal } from './principal.ts';
import {
  type Case,
  CONDITION,
  type GrantWords,
  MOMENT,
  type MomentWords,
  PATHS,
  ROLE,
  RULES,
  SCOPE,
  STANDS,
  TAG,
  TAGS,
  type TagWords,
  THROUGH,
  VISIBILITY,
  WHAT,
  WHO,
  type Who,
} from './suite-rules.ts';

export type Decide = typeof decide;
export type Asked = Parameters<Decide>;

const ROLES = words(ROLE);
const THROUGHS = words(THROUGH);
const VISIBILITIES = words(VISIBILITY);
const SCOPES = words(SCOPE);
const MOMENTS = words(MOMENT);

const PLAIN_GRANT: GrantWords = {
  role: 'owner',
  stands: 'team',
  through: 'a grant of their own',
  tags: 'all tags',
  condition: 'at any time',
};

const PLAIN_CASE: Case = {
  who: 'user',
  what: 'pull',
  path: 'team/app',
  tag: 'no tag',
  visibility: 'private',
  grants: [],
  scope: 'no limit',
  condition: 'at any time',
  moment: 'office, Monday noon',
};

/** All cases: several tables that are walked whole, because their product would be millions. */
export function* cases(): Generator<Case> {
  for (const who of WHO) {
    for (const what of WHAT) {
      const from = { ...PLAIN_CASE, who, what };
      yield* everyRole(from);
      yield* everyPlace(from);
      yield* everyTag(from);
      yield* everyCondition(from);
      yield* everyPair(from);
    }
  }
}

function* everyRole(from: Case): Generator<Case> {
  for (const visibility of VISIBILITIES) {
    for (const scope of SCOPES) {
      yield { ...from, visibility, scope };
      for (const grant of grantsTo(from.who)) {
        for (const role of ROLES) {
          // At one that holds here, and at a sibling.
          for (const stands of ['', 'team', 'team/web']) {
            yield { ...from, visibility, scope, grants: [{ ...grant, role, stands }] };
          }
        }
      }
    }
  }
}

function* everyPlace(from: Case): Generator<Case> {
  for (const path of PATHS) {
    for (const scope of SCOPES) {
      for (const grant of grantsTo(from.who)) {
        for (const stands of words(STANDS)) {
          yield { ...from, path, scope, grants: [{ ...grant, role: 'administrator', stands }] };
        }
      }
    }
  }
}

function* everyTag(from: Case): Generator<Case> {
  for (const grant of grantsTo(from.who)) {
    // A policy says nothing of tags.
    if (grant.through === 'a trust policy') continue;
    for (const tags of words(TAGS)) {
      for (const tag of words(TAG) as TagWords[]) {
        for (const visibility of VISIBILITIES) {
          const limited: GrantWords = { ...grant, role: 'administrator', stands: '', tags };
          yield { ...from, tag, visibility, grants: [limited] };
        }
      }
    }
  }
}

function* everyCondition(from: Case): Generator<Case> {
  for (const moment of MOMENTS as MomentWords[]) {
    for (const condition of words(CONDITION)) {
      for (const visibility of VISIBILITIES) {
        const asked = { ...from, moment, condition, visibility };
        yield asked;
        for (const grant of grantsTo(from.who)) {
          // Nor of conditions.
          const own = grant.through === 'a trust policy' ? [grant.condition] : words(CONDITION);
          for (const each of own) yield { ...asked, grants: [{ ...grant, condition: each }] };
        }
      }
    }
  }
}

/** Grants add up: what one does not give another may. */
function* everyPair(from: Case): Generator<Case> {
  const limited: Partial<GrantWords>[] = [
    { role: 'reader', stands: 'team/app' },
    { role: 'writer', stands: 'team/app', tags: 'prod only' },
    { role: 'maintainer', stands: '', condition: 'on Friday night' },
    { role: 'custom: pull and delete', stands: 'team', tags: 'all but prod' },
    { role: 'owner', stands: 'team/web' },
  ];
  const every = grantsTo(from.who).filter(({ through }) => through !== 'a trust policy');
  for (const first of every) {
    for (const second of every) {
      for (const one of limited) {
        for (const other of limited) {
          for (const tag of ['no tag', 'tag prod-1'] as const) {
            yield {
              ...from,
              tag,
              grants: [
                { ...first, ...one },
                { ...second, ...other },
              ],
            };
          }
        }
      }
    }
  }
}

/** Nobody puts a robot into a team; the others are asked with grants that must not reach them, too. */
function grantsTo(who: Who): GrantWords[] {
  const own = 'a grant of their own';
  const open = ['being signed in', 'being anyone'];
  const possible = THROUGHS.filter((through) => {
    if (through === 'a trust policy') return who === 'workload';
    return who === 'user' || through === own || open.includes(through);
  });
  return possible.map((through) => ({ ...PLAIN_GRANT, through }));
}

/** What the rules say. */
export function isAllowedByRules(asked: Case): boolean {
  return RULES.some((rule) => rule.meets(asked));
}

/** What decide() is asked. */
export function asAsked(asked: Case): Asked {
  const { path, what, tag, moment } = asked;
  const { address, now } = MOMENT[moment];
  const question: Question = { action: what, path, ...TAG[tag] };
  const circumstances: Circumstances = { address: () => address, now };
  return [standingOf(asked), factsOf(asked), question, circumstances];
}

const PRINCIPALS: Readonly<Record<Who, Principal>> = {
  anonymous: { kind: 'anonymous', name: 'anonymous' },
  user: { kind: 'user', id: 1, name: 'alice' },
  robot: { kind: 'robot', id: 2, name: 'team:deployer' },
  workload: { kind: 'workload', id: 3, name: 'team/app@main' },
};

function standingOf({ who, grants, scope, condition }: Case): Standing {
  const scopes = SCOPE[scope]?.scopes;
  const own = CONDITION[condition]?.condition;
  const rights = grants.filter(
    ({ through }) => through !== 'being anyone' && through !== 'being signed in',
  );
  const given = rights.filter(({ through }) => through === 'a trust policy').map(policyScope);
  return {
    principal: PRINCIPALS[who],
    rights: rights.filter(({ through }) => through !== 'a trust policy').map(rightOf),
    ...(who === 'workload' && { policy: { name: 'builds', scopes: given } }),
    ...(scopes !== undefined && { scopes }),
    ...(own !== undefined && { condition: own }),
  };
}

function factsOf({ visibility, grants }: Case): PathFacts {
  const of = (through: GrantWords['through']) =>
    grants.filter((grant) => grant.through === through).map(rightOf);
  return {
    visibility,
    visibilityFrom: 'team',
    creation: 'push',
    forAnyone: of('being anyone'),
    forSignedIn: of('being signed in'),
  };
}

function actionsOf(role: GrantWords['role']): Action[] {
  return ROLE[role].split(' ').filter((word) => word !== '') as Action[];
}

function rightOf({ role, stands, through, tags, condition }: GrantWords): Right {
  const patterns = TAGS[tags]?.tags;
  const own = CONDITION[condition]?.condition;
  return {
    path: stands,
    actions: actionsOf(role),
    role,
    through,
    ...(patterns !== undefined && { tags: patterns }),
    ...(own !== undefined && { condition: own }),
  };
}

function policyScope({ role, stands }: GrantWords): Scope {
  return { actions: actionsOf(role), names: [stands === '' ? '**' : `${stands}/**`] };
}

function words<K extends string>(table: Readonly<Record<K, unknown>>): K[] {
  return Object.keys(table) as K[];
}
