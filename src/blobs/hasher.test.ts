// The hasher gives the published answers, and can be asked at any time.
import { describe, expect, test } from 'bun:test';
import type { DigestAlgorithm } from '../oci/digest.ts';
import { createHasher, hashBytes } from './hasher.ts';

// FIPS 180-4, the published example vectors: nothing, "abc", and a message of two blocks.
const EMPTY = '';
const ABC = 'abc';
const TWO_BLOCKS = 'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq';
const VECTORS: readonly (readonly [DigestAlgorithm, string, string])[] = [
  ['sha256', EMPTY, 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
  ['sha256', ABC, 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
  ['sha256', TWO_BLOCKS, '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1'],
  [
    'sha512',
    EMPTY,
    'cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e',
  ],
  [
    'sha512',
    ABC,
    'ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f',
  ],
];
const bytesOf = (text: string) => new TextEncoder().encode(text);

describe('hasher', () => {
  for (const [algorithm, text, hex] of VECTORS) {
    test(`${algorithm} of "${text}" is the published one, streamed and at once`, () => {
      const hasher = createHasher(algorithm);
      hasher.update(bytesOf(text));
      expect(hasher.algorithm).toBe(algorithm);
      expect(String(hasher.digest())).toBe(`${algorithm}:${hex}`);
      expect(String(hashBytes(algorithm, bytesOf(text)))).toBe(`${algorithm}:${hex}`);
    });
  }

  test.each(['sha256', 'sha512'] as const)(
    '%s: digest() is of the bytes so far, and hashing goes on',
    (algorithm) => {
      const hasher = createHasher(algorithm);
      expect(hasher.digest()).toBe(hashBytes(algorithm, bytesOf('')));
      hasher.update(bytesOf('a'));
      expect(hasher.digest()).toBe(hashBytes(algorithm, bytesOf('a')));
      expect(hasher.digest()).toBe(hashBytes(algorithm, bytesOf('a')));
      hasher.update(bytesOf('bc'));
      expect(hasher.digest()).toBe(hashBytes(algorithm, bytesOf('abc')));
    },
  );

  test('a chunk may be reused as soon as update() returns', () => {
    const hasher = createHasher('sha256');
    const chunk = bytesOf('abc');
    hasher.update(chunk);
    chunk.fill(0);
    expect(hasher.digest()).toBe(hashBytes('sha256', bytesOf('abc')));
  });

  test('the pieces do not matter, only the bytes', () => {
    const whole = new Uint8Array(10_000).map((_, at) => at * 7);
    for (const size of [1, 63, 64, 65, 4096]) {
      const hasher = createHasher('sha512');
      for (let at = 0; at < whole.length; at += size) hasher.update(whole.subarray(at, at + size));
      expect(hasher.digest()).toBe(hashBytes('sha512', whole));
    }
  });
});
