import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import {
  etagOf,
  ifMatchHolds,
  ifNoneMatchHolds,
  ifRangeHolds,
  matchesStrongly,
  matchesWeakly,
  parseEntityTags,
} from './condition.ts';
import { digestOf } from './digest.ts';

const CURRENT = etagOf(digestOf('sha256', 'a'.repeat(64)));
const OTHER = etagOf(digestOf('sha256', 'b'.repeat(64)));

test('the tag of a digest is the digest in quotes', () => {
  expect(CURRENT).toBe(`"sha256:${'a'.repeat(64)}"`);
});

describe('a list of entity tags', () => {
  test.each([
    ['"a"', ['"a"']],
    ['W/"a"', ['W/"a"']],
    ['"a", W/"b" ,"c"', ['"a"', 'W/"b"', '"c"']],
    ['"a,b", "c"', ['"a,b"', '"c"']],
    ['""', ['""']],
    [', ,"a",,', ['"a"']],
    ['"é"', ['"é"']],
    ['', []],
    ['a', []],
    ['"a', []],
    ['"a" "b"', []],
    ['"a", b', []],
    ['w/"a"', []],
    ['W/ "a"', []],
    ['"a b"', []],
    ['"a", *', []],
  ])('%j', (header, tags) => {
    const read = parseEntityTags(header);
    expect(read).not.toBe('*');
    if (read !== '*') expect(read.map((tag) => (tag.weak ? 'W/' : '') + tag.opaque)).toEqual(tags);
  });

  test('* stands for anything', () => {
    expect(parseEntityTags(' * ')).toBe('*');
  });

  test('is read back as it was written', () => {
    const tag = fc.record({
      weak: fc.boolean(),
      opaque: fc.stringMatching(/^[!#-~]{0,12}$/).map((text) => `"${text}"`),
    });
    fc.assert(
      fc.property(fc.array(tag), fc.constantFrom(',', ', ', ' ,\t'), (tags, comma) => {
        const header = tags.map(({ weak, opaque }) => (weak ? 'W/' : '') + opaque).join(comma);
        expect(parseEntityTags(header)).toEqual(tags);
      }),
    );
  });
});

test('a weak tag matches weakly only', () => {
  const weak = [{ weak: true, opaque: '"a"' }];
  expect(matchesWeakly(weak, '"a"')).toBeTrue();
  expect(matchesStrongly(weak, '"a"')).toBeFalse();
  expect(matchesStrongly([{ weak: false, opaque: '"a"' }], '"a"')).toBeTrue();
});

describe('If-Match', () => {
  test.each([
    [null, CURRENT, true],
    [undefined, undefined, true],
    ['*', CURRENT, true],
    ['*', undefined, false],
    [CURRENT, CURRENT, true],
    [`${OTHER}, ${CURRENT}`, CURRENT, true],
    [`W/${CURRENT}`, CURRENT, false],
    [OTHER, CURRENT, false],
    [CURRENT, undefined, false],
    [CURRENT.slice(1, -1), CURRENT, false],
  ])('%j against %j: %p', (header, current, holds) => {
    expect(ifMatchHolds(header, current)).toBe(holds);
  });
});

describe('If-None-Match', () => {
  test.each([
    [null, CURRENT, true],
    [undefined, CURRENT, true],
    ['*', CURRENT, false],
    ['*', undefined, true],
    [CURRENT, CURRENT, false],
    [`W/${CURRENT}`, CURRENT, false],
    [`${OTHER}, W/${CURRENT}`, CURRENT, false],
    [OTHER, CURRENT, true],
    [CURRENT, undefined, true],
    [CURRENT.slice(1, -1), CURRENT, true],
  ])('%j against %j: %p', (header, current, holds) => {
    expect(ifNoneMatchHolds(header, current)).toBe(holds);
  });
});

describe('If-Range', () => {
  test.each([
    [null, true],
    [undefined, true],
    [CURRENT, true],
    [` ${CURRENT}`, true],
    [OTHER, false],
    [`W/${CURRENT}`, false],
    [`${CURRENT}, ${CURRENT}`, false],
    ['*', false],
    ['Sat, 29 Oct 1994 19:43:31 GMT', false],
    ['', false],
  ])('%j: %p', (header, holds) => {
    expect(ifRangeHolds(header, CURRENT)).toBe(holds);
  });
});
