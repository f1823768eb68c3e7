// The ready-made tests of patterns say what the one matcher says.
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { matchesGlob } from '../../access/glob.ts';
import { globTest, pairTest, tagTest } from './tag-patterns.ts';

const joined = (parts: fc.Arbitrary<string>, maxLength: number) =>
  fc.array(parts, { maxLength }).map((list) => list.join(''));
const pattern = joined(fc.constantFrom('a', 'b', '-', '*', '*', '?'), 6);
const text = joined(fc.constantFrom('a', 'b', '-'), 8);

test('a glob is answered as the matcher does', () => {
  let matched = 0;
  fc.assert(
    fc.property(pattern, text, (glob, subject) => {
      const expected = matchesGlob(glob, subject, { isPath: false });
      if (expected && glob.includes('*')) matched += 1;
      expect(globTest(glob)(subject)).toBe(expected);
    }),
    { numRuns: 10_000 },
  );
  expect(matched).toBeGreaterThan(500);
});

test('one star does not read a character twice', () => {
  expect(globTest('aba*ba')('aba')).toBe(false);
  expect(globTest('aba*ba')('ababa')).toBe(true);
});

test.each([
  [{}, 'v1', true],
  [{ tags: ['v*', 'main'] }, 'main', true],
  [{ tags: ['v*'] }, 'main', false],
  [{ tags: ['v*'], except: ['v1'] }, 'v1', false],
  [{ tags: ['v1'], except: ['v*'] }, 'v1', false],
  [{ except: ['v*'] }, 'main', true],
])('%j and the tag %s: %p', (limits, tag, fits) => expect(tagTest(limits)(tag)).toBe(fits));

const labels = { tier: 'production', empty: '', '': 'nothing' };

test.each([
  ['tier', true],
  ['tier=prod*', true],
  ['tier=prod', false],
  ['tier=*', true],
  ['empty', true],
  ['empty=', true],
  ['empty=?*', false],
  ['team', false],
  ['toString', false],
  ['__proto__', false],
])('the pair %s: %p', (pair, fits) => {
  expect(pairTest(pair)(labels)).toBe(fits);
  expect(pairTest(pair)(undefined)).toBe(false);
});
