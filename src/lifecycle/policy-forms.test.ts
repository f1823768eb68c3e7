// What is a policy and what is not; which rule meets which tag; which limits are exceeded.
import { expect, test } from 'bun:test';
import type { PathPolicy } from '../metadata/policies.ts';
import type { PolicyKind } from '../metadata/version-schema.ts';
import { ruleThatMeets, showRule } from './immutability/rules.ts';
import { POLICY_FORMS, rightToSet } from './policy-kinds.ts';
import { showAmount, showBytes } from './quota/amount-text.ts';
import { excessesOf } from './quota/quota.ts';

function policy(path: string, document: unknown, kind: PolicyKind = 'immutability'): PathPolicy {
  return { path, kind, document: JSON.stringify(document), updatedAt: 0, updatedBy: 'admin' };
}

/** Rules with so many patterns each. */
function patterns(rules: number, each: number, more: object = {}): object[] {
  const tags = Array.from({ length: each }, (_, at) => `v${at}`);
  return Array.from({ length: rules }, () => ({ ...more, tags }));
}

test('forms take what can be meant, and nothing else', () => {
  const cases: [PolicyKind, unknown, boolean][] = [
    ['immutability', { rules: [] }, true],
    ['immutability', { rules: [{ tags: ['v*'], except: ['v*-rc?'], mayExpire: true }] }, true],
    ['immutability', {}, false],
    ['immutability', { rules: [{ tags: [] }] }, false],
    ['immutability', { rules: [{ tags: ['!v1'] }] }, false],
    ['immutability', { rules: [{ tags: ['v1'], until: 'tomorrow' }] }, false],
    ['immutability', { rules: Array.from({ length: 51 }, () => ({ tags: ['v1'] })) }, false],
    ['immutability', { rules: patterns(5, 40) }, true],
    ['immutability', { rules: patterns(5, 41) }, false],
    ['retention', { rules: patterns(10, 20, { keep: 'all' }) }, true],
    ['retention', { rules: patterns(10, 21, { keep: 'all' }) }, false],
    ['quota', { bytes: { hard: 0 } }, true],
    ['quota', { tags: { soft: 5, hard: 5 }, contact: 'Zoë' }, true],
    ['quota', { tags: { soft: 6, hard: 5 } }, false],
    ['quota', { tags: {}, bytes: {} }, false],
    ['quota', { tags: { hard: 1 }, contact: 'two\nlines' }, false],
    ['trash', { days: 1 }, true],
    ['trash', { days: 365 }, true],
    ['trash', { days: 0 }, false],
    ['trash', { days: 366 }, false],
  ];
  for (const [kind, document, isTaken] of cases) {
    const { success } = POLICY_FORMS[kind].safeParse(document);
    expect({ kind, document, isTaken: success }).toEqual({ kind, document, isTaken });
  }
});

test('a quota is set from above, everything else where it holds', () => {
  expect(rightToSet({ kind: 'trash', path: 'team' })).toEqual({ action: 'manage', path: 'team' });
  const rights = ['team/a/b', 'team', ''].map((path) => rightToSet({ kind: 'quota', path }));
  expect(rights).toEqual([
    { action: 'manage', path: 'team/a' },
    { action: 'administer', path: '' },
    { action: 'administer', path: '' },
  ]);
});

test('the first rule of the nearest policy that meets a tag holds', () => {
  const policies = [
    policy('', { rules: [{ tags: ['*'] }] }),
    policy('team', {
      rules: [
        { tags: ['v*', 'release'], except: ['v*-rc*', 'v0'], mayExpire: true },
        { tags: ['*-rc*'] },
      ],
    }),
    policy('team', { days: 3 }, 'trash'),
  ];
  const met = (tag: string, from = policies) => ruleThatMeets(from, { tag });
  expect(met('v1')).toMatchObject({ path: 'team', rule: { mayExpire: true } });
  expect(met('v1-rc1')?.rule.tags).toEqual(['*-rc*']);
  expect([met('v0'), met('latest'), met('V1')]).toEqual([undefined, undefined, undefined]);
  expect(met('latest', policies.slice(0, 1))?.path).toBe('');
  expect(met('latest', [])).toBeUndefined();
  const rule = met('v1')?.rule ?? { tags: [] };
  expect(showRule(rule)).toBe('v*, release except v*-rc*, v0');
});

test('a limit is exceeded by what is beyond it, in what has grown', () => {
  const quota = { bytes: { soft: 10, hard: 20 }, tags: { hard: 1 } };
  const kinds = (before: [number, number], after: [number, number]) => {
    const usage = ([bytes, tags]: [number, number]) => ({ bytes, tags, repositories: 0 });
    const change = { before: usage(before), after: usage(after) };
    return excessesOf({ path: 'team', quota }, change).map((one) => `${one.resource} ${one.kind}`);
  };
  expect(kinds([0, 0], [10, 1])).toEqual([]);
  expect(kinds([0, 0], [11, 1])).toEqual(['bytes soft']);
  expect(kinds([0, 0], [21, 2])).toEqual(['bytes hard', 'bytes soft', 'tags hard']);
  // One that was exceeded before it was set forbids nothing that adds nothing.
  expect(kinds([50, 5], [50, 5])).toEqual([]);
  expect(kinds([50, 5], [40, 5])).toEqual([]);
});

test('amounts as a person reads them', () => {
  expect([0, 999, 1_000, 10_250_000, 999_999_999_999, 2e15].map(showBytes)).toEqual([
    '0 B',
    '999 B',
    '1 kB',
    '10.2 MB',
    '999 GB',
    '2 PB',
  ]);
  expect(showAmount('bytes', 5_000)).toBe('5000 bytes (5 kB)');
  expect([1, 2].map((count) => showAmount('tags', count))).toEqual(['1 tag', '2 tags']);
  expect([1, 2].map((count) => showAmount('repositories', count))).toEqual([
    '1 repository',
    '2 repositories',
  ]);
});
