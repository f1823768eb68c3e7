// What people write as retention policies, and what is refused with which words.
import { expect, test } from 'bun:test';
import { durationMs } from './duration.ts';
import { needsAnnotations, needsLabels, type RetentionPolicy } from './policy.ts';
import { parseRetentionPolicy } from './policy-form.ts';

const WHOLE: RetentionPolicy = {
  rules: [
    { keep: 'last-pushed', count: 10, tags: ['main-*'], except: ['main-old-*'] },
    { keep: 'last-pulled', count: 3 },
    { keep: 'highest-versions', count: 5, each: 'minor', preReleases: 'count' },
    { keep: 'pushed-within', within: '30d' },
    { keep: 'pulled-within', within: '2w' },
    { keep: 'all', tags: ['prod-?'] },
    { keep: 'label', label: 'tier=prod*' },
    { keep: 'annotation', annotation: 'org.example/keep' },
  ],
  expireByLabel: 'always',
  untaggedAfter: '14d',
  signaturesWithoutImageAfter: '1y',
  immutable: 'keep',
  schedule: { everyHours: 24 },
};

test('a policy is read as it is written', () => {
  expect(parseRetentionPolicy(JSON.stringify(WHOLE))).toEqual(WHOLE);
  expect(parseRetentionPolicy('{"rules":[]}')).toEqual({ rules: [] });
  const off = parseRetentionPolicy('{"schedule":"off","rules":[]}');
  expect(JSON.stringify(off)).toBe('{"rules":[],"schedule":"off"}');
});

const many = (length: number) => Array.from({ length }, () => 'a');

test.each([
  ['{', /no JSON/],
  [[], /the whole/],
  [{}, /rules/],
  [{ rules: [], until: 3 }, /until/],
  [{ rules: [{ keep: 'last', count: 1 }] }, /rules.0.keep/],
  [{ rules: [{ keep: 'last-pushed' }] }, /rules.0.count/],
  [{ rules: [{ keep: 'last-pushed', count: 0 }] }, /rules.0.count/],
  [{ rules: [{ keep: 'last-pushed', count: 1.5 }] }, /rules.0.count/],
  [{ rules: [{ keep: 'last-pushed', count: 1, within: '1d' }] }, /within/],
  [{ rules: [{ keep: 'all', tags: [] }] }, /rules.0.tags/],
  [{ rules: [{ keep: 'all', tags: ['^v[0-9]+$'] }] }, /rules.0.tags.0: is no pattern of tags/],
  [{ rules: [{ keep: 'all', tags: ['!main'] }] }, /rules.0.tags.0/],
  [{ rules: [{ keep: 'all', tags: ['a'.repeat(129)] }] }, /rules.0.tags.0/],
  [{ rules: [{ keep: 'all', tags: many(31) }] }, /rules.0.tags/],
  [{ rules: [{ keep: 'all', except: many(31) }] }, /rules.0.except/],
  [{ rules: many(31).map(() => ({ keep: 'all' })) }, /rules: /],
  [{ rules: [{ keep: 'pushed-within', within: '30' }] }, /within: is no duration/],
  [{ rules: [{ keep: 'pushed-within', within: '0d' }] }, /within: is no duration/],
  [{ rules: [{ keep: 'label', label: '=x' }] }, /rules.0.label: is neither/],
  [{ rules: [{ keep: 'label', label: 'a'.repeat(257) }] }, /rules.0.label/],
  [{ rules: [], untaggedAfter: '59m' }, /untaggedAfter: must be an hour/],
  [{ rules: [], untaggedAfter: 'soon' }, /untaggedAfter: is no duration/],
  [{ rules: [], expireByLabel: true }, /expireByLabel/],
  [{ rules: [], schedule: { everyHours: 0 } }, /schedule/],
])('%j is refused', (value, expected) => {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  expect(() => parseRetentionPolicy(text)).toThrow(expected);
});

test('labels and annotations are wanted when something needs them', () => {
  const policy = (rules: RetentionPolicy['rules']): RetentionPolicy => ({ rules });
  const label = policy([{ keep: 'label', label: 'a' }]);
  const annotation = policy([{ keep: 'annotation', annotation: 'a' }]);
  const expiry: RetentionPolicy = { rules: [], expireByLabel: 'unless-kept' };
  const all = [policy([{ keep: 'all' }]), label, annotation, expiry];
  expect(all.map(needsLabels)).toEqual([false, true, false, true]);
  expect(all.map(needsAnnotations)).toEqual([false, false, true, true]);
});

test.each([
  ['90s', 90_000],
  ['5m', 300_000],
  ['12h', 43_200_000],
  ['30d', 2_592_000_000],
  ['2w', 1_209_600_000],
  ['1y', 31_536_000_000],
  ['100y', 3_153_600_000_000],
  ['101y', undefined],
  ['9999999999w', undefined],
  ['0s', undefined],
  ['-1d', undefined],
  ['1.5d', undefined],
  ['1 d', undefined],
  ['2W', undefined],
  ['constructor', undefined],
])('the duration %s', (text, expected) => expect<unknown>(durationMs(text)).toBe(expected));
