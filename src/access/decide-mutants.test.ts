// Whether the walk over the rules can fail: each wrong rule, planted around decide(), must be found by it.
import { describe, expect, test } from 'bun:test';
import { ACTIONS } from './action.ts';
import type { Condition } from './condition.ts';
import { decide, isInScope, type PathFacts, type Right, type Standing } from './decide.ts';
import { asAsked, cases, type Decide, isAllowedByRules } from './suite-cases.ts';

const WALK = [...cases()].map((asked) => ({
  arguments: asAsked(asked),
  isAllowed: isAllowedByRules(asked),
}));

function isFound(wrong: Decide): boolean {
  return WALK.some((one) => wrong(...one.arguments).isAllowed !== one.isAllowed);
}

const YES = { isAllowed: true, reason: '' };
const NO = { isAllowed: false, reason: '' };

/** With every right that has a part in it changed, wherever it comes from. */
function withRights(change: (right: Right) => Right): Decide {
  return (standing, facts, question, circumstances) =>
    decide(
      { ...standing, rights: standing.rights.map(change) },
      {
        ...facts,
        forAnyone: facts.forAnyone.map(change),
        forSignedIn: facts.forSignedIn.map(change),
      },
      question,
      circumstances,
    );
}

function withStanding(change: (standing: Standing) => Standing): Decide {
  return (standing, ...rest) => decide(change(standing), ...rest);
}

function withFacts(change: (facts: PathFacts) => PathFacts): Decide {
  return (standing, facts, ...rest) => decide(standing, change(facts), ...rest);
}

/** Which rights count depends on the question too. */
function withRightsFor(change: (right: Right, path: string) => Right): Decide {
  return (standing, facts, question, circumstances) =>
    withRights((right) => change(right, question.path))(standing, facts, question, circumstances);
}

function without<K extends 'tags' | 'condition'>(key: K) {
  return ({ [key]: _, ...right }: Right): Right => right as Right;
}

function inAuckland<T extends { readonly condition?: Condition }>(limited: T): T {
  const { condition } = limited;
  if (condition?.windows === undefined) return limited;
  const windows = condition.windows.map((window) => ({ ...window, zone: 'Pacific/Auckland' }));
  return { ...limited, condition: { ...condition, windows } };
}

function endingAtMidnight(right: Right): Right {
  const { condition } = right;
  if (condition?.windows === undefined) return right;
  const windows = condition.windows.map((window) =>
    window.from > window.to ? { ...window, to: 24 * 60 } : window,
  );
  return { ...right, condition: { ...condition, windows } };
}

const WRONG: Readonly<Record<string, Decide>> = {
  'everything is allowed': () => YES,
  'nothing is allowed': () => NO,
  'internal is public': withFacts((facts) =>
    facts.visibility === 'internal' ? { ...facts, visibility: 'public' } : facts,
  ),
  'public is internal': withFacts((facts) =>
    facts.visibility === 'public' ? { ...facts, visibility: 'internal' } : facts,
  ),
  'public lets push': (standing, facts, question, circumstances) =>
    facts.visibility === 'public' && question.action === 'push'
      ? YES
      : decide(standing, facts, question, circumstances),
  'robots are signed-in users': withStanding((standing) => {
    const { principal } = standing;
    return principal.kind === 'robot'
      ? { ...standing, principal: { ...principal, kind: 'user' } }
      : standing;
  }),
  'workloads are robots': withStanding((standing) => {
    const { principal } = standing;
    return principal.kind === 'workload'
      ? { ...standing, principal: { ...principal, kind: 'robot' } }
      : standing;
  }),
  'rights count without a sign-in': withStanding((standing) =>
    standing.principal.kind === 'anonymous'
      ? { ...standing, principal: { kind: 'robot', id: 1, name: '' } }
      : standing,
  ),
  'grants to the signed-in are grants to anyone': withFacts((facts) => ({
    ...facts,
    forAnyone: [...facts.forAnyone, ...facts.forSignedIn],
  })),
  'grants to anyone are grants to the signed-in': withFacts((facts) => ({
    ...facts,
    forAnyone: [],
    forSignedIn: [...facts.forAnyone, ...facts.forSignedIn],
  })),
  'scopes are forgotten': withStanding(({ scopes: _, ...standing }) => standing),
  'no scopes are all scopes': withStanding(({ scopes, ...standing }) =>
    scopes === undefined || scopes.length === 0 ? standing : { ...standing, scopes },
  ),
  'scopes narrow what anyone may': (standing, facts, question, circumstances) =>
    standing.scopes === undefined || isInScope(standing.scopes, question)
      ? decide(standing, facts, question, circumstances)
      : NO,
  'scopes give': (standing, facts, question, circumstances) =>
    standing.scopes !== undefined && isInScope(standing.scopes, question)
      ? YES
      : decide(standing, facts, question, circumstances),
  'scopes do not narrow what is internal': (standing, facts, question, circumstances) =>
    standing.principal.kind === 'user' &&
    facts.visibility === 'internal' &&
    question.action === 'pull'
      ? YES
      : decide(standing, facts, question, circumstances),
  'scopes do not narrow a policy': withStanding(({ scopes, ...standing }) =>
    standing.policy !== undefined || scopes === undefined ? standing : { ...standing, scopes },
  ),
  'scopes of one action are for all': withStanding((standing) =>
    standing.scopes === undefined
      ? standing
      : { ...standing, scopes: standing.scopes.map((one) => ({ ...one, actions: ACTIONS })) },
  ),
  'scopes of one name are for all': withStanding((standing) =>
    standing.scopes === undefined
      ? standing
      : {
          ...standing,
          scopes: standing.scopes.map((one) => ({
            ...one,
            names: one.names.length > 0 ? ['**'] : [],
          })),
        },
  ),
  'a scope of one name holds below it': withStanding((standing) =>
    standing.scopes === undefined
      ? standing
      : {
          ...standing,
          scopes: standing.scopes.map((one) => ({
            ...one,
            names: one.names.flatMap((name) => [name, `${name}/**`]),
          })),
        },
  ),
  'a grant holds where the name begins alike': withRightsFor((right, path) =>
    path.startsWith(right.path) ? { ...right, path } : right,
  ),
  'a grant holds only where it stands': withRightsFor((right, path) =>
    right.path === path ? right : { ...right, actions: [] },
  ),
  'a grant holds above where it stands': withRightsFor((right, path) =>
    right.path.startsWith(`${path}/`) ? { ...right, path } : right,
  ),
  'a grant at the root is for the root': withRightsFor((right, path) =>
    right.path === '' && path !== '' ? { ...right, actions: [] } : right,
  ),
  'only the last grant counts': withStanding((standing) => ({
    ...standing,
    rights: standing.rights.slice(-1),
  })),
  'who pushes may delete': withRights((right) =>
    right.actions.includes('push') ? { ...right, actions: [...right.actions, 'delete'] } : right,
  ),
  'who may something may pull': withRights((right) => ({
    ...right,
    actions: [...right.actions, 'pull'],
  })),
  'owners administer': withRights((right) =>
    right.actions.includes('manage')
      ? { ...right, path: '', actions: [...right.actions, 'administer'] }
      : right,
  ),
  'a part of the registry is administered': (standing, facts, question, circumstances) =>
    question.action === 'administer' &&
    standing.principal.kind === 'user' &&
    standing.scopes === undefined &&
    standing.rights.some(
      (right) => right.actions.includes('administer') && question.path.startsWith(right.path),
    )
      ? YES
      : decide(standing, facts, question, circumstances),
  'tags are forgotten': withRights(without('tags')),
  'a limit to tags is for tags only': (standing, facts, question, circumstances) =>
    question.tag === undefined && standing.rights.some((right) => right.tags !== undefined)
      ? NO
      : decide(standing, facts, question, circumstances),
  'exclusions are forgotten': withRights((right) =>
    right.tags === undefined
      ? right
      : { ...right, tags: right.tags.filter((pattern) => !pattern.startsWith('!')) },
  ),
  'exclusions are never taken back': withRights((right) =>
    right.tags === undefined
      ? right
      : { ...right, tags: right.tags.toSorted((a, b) => b.localeCompare(a)) },
  ),
  'no tags are all tags': withRights((right) =>
    right.tags?.length === 0 ? without('tags')(right) : right,
  ),
  'every tag is any tag': (standing, facts, { everyTag: _, ...question }, circumstances) =>
    decide(standing, facts, question, circumstances),
  'who manages some tags manages all': (standing, facts, question, circumstances) =>
    question.action === 'manage'
      ? withRights(without('tags'))(standing, facts, question, circumstances)
      : decide(standing, facts, question, circumstances),
  'conditions of grants are forgotten': withRights(without('condition')),
  'conditions of credentials are forgotten': withStanding(
    ({ condition: _, ...standing }) => standing,
  ),
  'networks are forgotten': withRights((right) => {
    const { condition } = right;
    if (condition?.networks === undefined) return right;
    const { networks: _, ...rest } = condition;
    return { ...right, condition: rest };
  }),
  'windows are of another zone': withRights(inAuckland),
  'windows end at midnight': withRights(endingAtMidnight),
  'windows are of every day': withRights((right) => {
    const { condition } = right;
    if (condition?.windows === undefined) return right;
    const windows = condition.windows.map((one) => ({ ...one, days: [1, 2, 3, 4, 5, 6, 7] }));
    return { ...right, condition: { ...condition, windows } };
  }),
};

test('finds nothing wrong with the rule itself', () => {
  expect(isFound(decide)).toBe(false);
});

describe('finds the wrong rule', () => {
  test.each(Object.entries(WRONG))('%s', (_, wrong) => {
    expect(isFound(wrong)).toBe(true);
  });
});
