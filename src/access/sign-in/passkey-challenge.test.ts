// What a passkey signs: random, for one use, for a short time.
import { expect, test } from 'bun:test';
import { sealWith } from '../seal.ts';
import { CHALLENGE_LIFE_MS, newChallenge, openChallenge } from './passkey-challenge.ts';

let time = 1_000_000;
const parts = { seal: sealWith(new Uint8Array(32).fill(7)), now: () => time };

test('a challenge has 256 random bits, and none comes twice', () => {
  const seen = new Set<string>();
  for (let at = 0; at < 1_000; at += 1) {
    const { challenge } = newChallenge(parts, { use: 'sign-in', userId: 0 });
    expect(challenge).toHaveLength(32);
    seen.add(Buffer.from(challenge).toString('hex'));
  }
  expect(seen.size).toBe(1_000);
});

test('it opens for its use alone, and not for long', () => {
  const { challenge, state } = newChallenge(parts, { use: 'prove', userId: 5 });
  const text = Buffer.from(challenge).toString('base64url');
  expect(openChallenge(parts, { use: 'prove', state })).toMatchObject({ text, userId: 5 });
  for (const use of ['register', 'sign-in'] as const) {
    expect(() => openChallenge(parts, { use, state })).toThrow('Begin again');
  }
  time += CHALLENGE_LIFE_MS - 1;
  expect(openChallenge(parts, { use: 'prove', state })).toMatchObject({ text });
  time += 1;
  expect(() => openChallenge(parts, { use: 'prove', state })).toThrow('Begin again');
});
