import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import {
  type Digest,
  digestAlgorithm,
  digestFromBytes,
  digestHex,
  digestOf,
  digestToBytes,
  isDigest,
  parseDigest,
  parseDigestAlgorithm,
  referrersTag,
} from './digest.ts';
import { isTag } from './tag.ts';

const hex = (length: number) =>
  fc
    .uint8Array({ minLength: length / 2, maxLength: length / 2 })
    .map((bytes) => Buffer.from(bytes).toString('hex'));
const anyDigest: fc.Arbitrary<Digest> = fc.oneof(
  hex(64).map((text) => digestOf('sha256', text)),
  hex(128).map((text) => digestOf('sha512', text)),
);

describe('a digest', () => {
  test('goes to bytes and back unchanged', () => {
    fc.assert(
      fc.property(anyDigest, (digest) => {
        const bytes = digestToBytes(digest);
        expect(bytes.length).toBe(digestAlgorithm(digest) === 'sha256' ? 33 : 65);
        expect(digestFromBytes(bytes)).toBe(digest);
      }),
    );
  });

  test('is read from bytes in the middle of a larger buffer', () => {
    fc.assert(
      fc.property(anyDigest, fc.nat(20), (digest, offset) => {
        const bytes = digestToBytes(digest);
        const large = new Uint8Array(offset + bytes.length + 5).fill(0xee);
        large.set(bytes, offset);
        const part = large.subarray(offset, offset + bytes.length);
        expect(digestFromBytes(part)).toBe(digest);
      }),
    );
  });

  test('parses to itself, and its parts make it again', () => {
    fc.assert(
      fc.property(anyDigest, (digest) => {
        expect(parseDigest(digest)).toBe(digest);
        expect(digestOf(digestAlgorithm(digest), digestHex(digest))).toBe(digest);
      }),
    );
  });

  test('has a referrers tag that is a tag', () => {
    fc.assert(fc.property(anyDigest, (digest) => isTag(referrersTag(digest))));
    expect(referrersTag(digestOf('sha512', 'ab'.repeat(64)))).toBe(`sha512-${'ab'.repeat(32)}`);
  });
});

describe('what is not a digest is refused', () => {
  const good = `sha256:${'a'.repeat(64)}`;
  test.each([
    '',
    'sha256:',
    'sha256:baddigeststring',
    'sha256:../../x',
    good.toUpperCase(),
    good.slice(0, -1),
    `${good}a`,
    `${good}\n`,
    ` ${good}`,
    `sha512:${'a'.repeat(64)}`,
    `sha256:${'A'.repeat(64)}`,
    `sha256:${'g'.repeat(64)}`,
  ])('%j', (text) => {
    expect(isDigest(text)).toBeFalse();
    expect(() => parseDigest(text)).toThrow(expect.objectContaining({ code: 'DIGEST_INVALID' }));
  });

  test('and the sentence says when only the algorithm is unknown', () => {
    expect(() => parseDigest(`md5:${'a'.repeat(32)}`)).toThrow('algorithm');
    expect(() => parseDigestAlgorithm('md5')).toThrow('Use sha256 or sha512');
    expect(parseDigestAlgorithm('sha512')).toBe('sha512');
  });

  test.each([
    ['nothing', []],
    ['an algorithm that does not exist', [9, ...Array(32).fill(0)]],
    ['a hash that is too short', [1, ...Array(31).fill(0)]],
    ['a hash of the other algorithm', [1, ...Array(64).fill(0)]],
  ])('in the database: %s', (_what, bytes) => {
    expect(() => digestFromBytes(Uint8Array.from(bytes))).toThrow('unknown form');
  });
});
