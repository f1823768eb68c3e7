// Secrets of this registry: random, recognisable, and told apart from mistyped ones.
import { expect, test } from 'bun:test';
import { hashSecret, hintOf, looksLikeSecret, newSecret, secretKind } from './secret.ts';

test('36 of 62 characters are random: 214 bits, each character as likely as any other', () => {
  const counts = new Map<string, number>();
  const seen = new Set<string>();
  const MADE = 2_000;
  for (let at = 0; at < MADE; at += 1) {
    const secret = newSecret('ept');
    expect(secret).toMatch(/^ept_[0-9A-Za-z]{42}$/);
    const body = secret.slice(4, 40);
    seen.add(body);
    for (const character of body) counts.set(character, (counts.get(character) ?? 0) + 1);
  }
  expect(seen.size).toBe(MADE);
  expect(counts.size).toBe(62);
  // Each is expected 1,161 times, give or take 34: eight times that never happens by chance.
  const expected = (MADE * 36) / 62;
  for (const count of counts.values()) expect(Math.abs(count - expected)).toBeLessThan(275);
});

test('a mistyped one is known as such without a look into the database', () => {
  const secret = newSecret('epr');
  expect(secretKind(secret)).toBe('epr');
  for (let at = 4; at < secret.length; at += 1) {
    const wrong = secret[at] === 'x' ? 'y' : 'x';
    const mistyped = secret.slice(0, at) + wrong + secret.slice(at + 1);
    expect(secretKind(mistyped)).toBeUndefined();
    expect(looksLikeSecret(mistyped)).toBe(true);
  }
  expect(secretKind(`ept${secret.slice(3)}`)).toBe('ept');
  expect(secretKind('a password')).toBeUndefined();
  expect(looksLikeSecret('a password')).toBe(false);
});

test('what is kept of it is its hash, and four characters to tell it from others', () => {
  const secret = newSecret('ept');
  expect(hashSecret(secret)).toHaveLength(32);
  expect(hashSecret(secret)).not.toEqual(hashSecret(newSecret('ept')));
  expect(hintOf(secret)).toBe(secret.slice(-4));
});
