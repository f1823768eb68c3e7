// What is sealed opens with its key, for its purpose, unchanged; and with nothing else.
import { expect, test } from 'bun:test';
import { SealError, sealWith } from './seal.ts';
import { newTotpSecret, openTotp, sealTotp } from './sign-in/totp.ts';

const seal = sealWith(new Uint8Array(32).fill(7));

test('opens again, and looks different each time', () => {
  const sealed = seal.seal('a secret', 'test');
  expect(seal.open(sealed, 'test')).toBe('a secret');
  expect(sealed).not.toContain(Buffer.from('a secret').toString('base64url').slice(0, 8));
  expect(seal.seal('a secret', 'test')).not.toBe(sealed);
});

test('does not open for another purpose, with another key, or changed in any byte', () => {
  const sealed = seal.seal('a secret', 'test');
  expect(() => seal.open(sealed, 'another')).toThrow(SealError);
  expect(() => sealWith(new Uint8Array(32).fill(8)).open(sealed, 'test')).toThrow(SealError);
  const bytes = Buffer.from(sealed.slice(3), 'base64url');
  for (let at = 0; at < bytes.length; at += 1) {
    const changed = Buffer.from(bytes);
    changed[at] = (changed[at] ?? 0) ^ 1;
    expect(() => seal.open(`v1.${changed.toString('base64url')}`, 'test')).toThrow(SealError);
  }
  for (const none of ['', 'v1.', 'v1.AAAA', 'plain']) {
    expect(() => seal.open(none, 'test')).toThrow(SealError);
  }
});

test('a key of another length is none', () => {
  expect(() => sealWith(new Uint8Array(16))).toThrow('32 bytes');
});

test('the seed of an authenticator app has 160 bits, and is of use to its user only', () => {
  const secret = newTotpSecret();
  expect(secret).toMatch(/^[A-Z2-7]{32}$/);
  expect(newTotpSecret()).not.toBe(secret);
  const sealed = sealTotp(seal, { userId: 1, secret });
  expect(sealed).not.toContain(secret);
  expect(openTotp(seal, { userId: 1, sealed })).toBe(secret);
  expect(() => openTotp(seal, { userId: 2, sealed })).toThrow(SealError);
});
