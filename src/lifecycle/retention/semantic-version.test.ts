// Versions as tags spell them, and their order by semver 2.0.
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { compareVersions, isPreRelease, parseVersion } from './semantic-version.ts';

test.each([
  ['1.2.3', ['1', '2', '3', '']],
  ['v1.2.3', ['1', '2', '3', '']],
  ['1.2', ['1', '2', '0', '']],
  ['0.0.0', ['0', '0', '0', '']],
  ['1.2.3-rc.1', ['1', '2', '3', 'rc.1']],
  ['1.2-alpine', ['1', '2', '0', 'alpine']],
  ['1.2.3-0a.-', ['1', '2', '3', '0a.-']],
  ['1.2.3+build.01', ['1', '2', '3', '']],
  ['1.2.3_build.01', ['1', '2', '3', '']],
  ['1.2.3-rc.1_x', ['1', '2', '3', 'rc.1']],
])('%s is a version', (text, [major, minor, patch, pre = '']) => {
  const version = parseVersion(text);
  expect<unknown>(version).toEqual({
    major,
    minor,
    patch,
    preRelease: pre === '' ? [] : pre.split('.'),
  });
});

test.each([
  ...['latest', '1', 'v1', '', 'v', '1.2.3.4', '01.2.3', '1.02.3', '2024.01.15', '1.2.x', 'x1.2.3'],
  ...['1.2.3-', '1.2.3-rc..1', '1.2.3-01', '1.2.3_', '1.2.3_a_b', '1.2.3+a..b', '1.2.3 ', ' 1.2.3'],
])('%j is none', (text) => expect(parseVersion(text)).toBeUndefined());

function order(a: string, b: string): number {
  const [left, right] = [parseVersion(a), parseVersion(b)];
  if (left === undefined || right === undefined) throw new Error(`${a} or ${b} is no version`);
  return Math.sign(compareVersions(left, right));
}

const ASCENDING = [
  ...['0.0.1', '0.1.0-x', '0.1', '1.0.0-0', '1.0.0-2', '1.0.0-10', '1.0.0-alpha', '1.0.0-alpha.1'],
  ...['1.0.0-alpha.beta', '1.0.0-beta', '1.0.0-beta.2', '1.0.0-beta.11', '1.0.0-rc.1', '1.0.0'],
  ...['1.2', '1.2.1', '1.10.0', '2.0.0-B', '2.0.0-a', '2.0.0', '9.0.0', '10.0.0'],
  ...['18446744073709551616.0.0', '18446744073709551617.0.0'],
];

test('the order of semver', () => {
  for (const [i, a] of ASCENDING.entries()) {
    for (const [j, b] of ASCENDING.entries()) {
      expect([a, b, order(a, b)]).toEqual([a, b, Math.sign(i - j)]);
    }
  }
});

test('what says the same has the same place', () => {
  expect(order('1.2', 'v1.2.0')).toBe(0);
  expect(order('1.2.0+a', '1.2.0_b')).toBe(0);
});

const number = fc.oneof(fc.nat(3), fc.nat(200)).map(String);
const identifier = fc.oneof(number, fc.stringMatching(/^[a-c-]{1,3}$/));
const version = fc
  .tuple(number, number, number, fc.array(identifier, { maxLength: 3 }))
  .map(([a, b, c, pre]) => `${a}.${b}.${c}${pre.length > 0 ? `-${pre.join('.')}` : ''}`);

test('the order is total, and a release comes after what leads to it', () => {
  fc.assert(
    fc.property(version, version, version, (a, b, c) => {
      expect(order(a, b)).toBe(0 - order(b, a));
      if (order(a, b) <= 0 && order(b, c) <= 0) expect(order(a, c)).toBeLessThanOrEqual(0);
      expect(order(a, b) === 0).toBe(a === b);
      const [core = ''] = a.split('-', 1);
      const parsed = parseVersion(a);
      expect(order(a, core)).toBe(parsed !== undefined && isPreRelease(parsed) ? -1 : 0);
    }),
    { numRuns: 3_000 },
  );
});

test('the runtime orders them alike', () => {
  fc.assert(
    fc.property(version, version, (a, b) => expect(order(a, b)).toBe(Bun.semver.order(a, b))),
    { numRuns: 3_000 },
  );
});

test('a damaged text is none, and never an error', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const parsed = parseVersion(text);
      if (parsed !== undefined) expect(text).toMatch(/^[vV]?\d+\.\d+/);
    }),
  );
});
