// Tags, and references that are a tag or a digest.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { parseReference } from './reference.ts';
import { isTag, parseTag, type Tag } from './tag.ts';

const DIGEST = `sha256:${'0'.repeat(64)}`;

test('a tag made by the grammar is accepted, and is a reference', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/), (text) => {
      expect(parseTag(text)).toBe(text as Tag);
      expect(parseReference(text)).toEqual({ kind: 'tag', tag: text as Tag });
    }),
  );
});

describe('refused as a tag', () => {
  test.each(['', '.a', '-a', 'a b', 'a/b', 'a+b', 'a\0', 'a\n', 'é', 'a'.repeat(129)])(
    '%j',
    (text) => {
      expect(isTag(text)).toBeFalse();
      expect(() => parseReference(text)).toThrow(expect.objectContaining({ code: 'TAG_INVALID' }));
    },
  );
});

test('a tag of 128 characters is the longest', () => {
  expect(isTag('a'.repeat(128))).toBeTrue();
});

test('what holds a colon is a digest or nothing', () => {
  expect(parseReference(DIGEST)).toMatchObject({ kind: 'digest', digest: DIGEST });
  for (const text of ['a:b', ':', 'sha256:x', `${DIGEST}:`]) {
    expect(() => parseReference(text)).toThrow(expect.objectContaining({ code: 'DIGEST_INVALID' }));
  }
});
