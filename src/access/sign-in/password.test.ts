// Comparing passwords: right or wrong, two at once, and a queue with an end.
import { describe, expect, spyOn, test } from 'bun:test';
import { SealError, sealWith } from '../seal.ts';
import { Passwords } from './password.ts';
import { PasswordCache } from './password-cache.ts';
import { refusalOf } from './suite-sign-in.ts';

const SEAL = sealWith(new Uint8Array(32).fill(7));

describe('passwords', () => {
  test('are kept as argon2id with 19 MiB', async () => {
    const passwords = new Passwords(SEAL);
    const hash = await passwords.hash('correct horse');
    expect(SEAL.open(hash, 'password')).toStartWith('$argon2id$v=19$m=19456,t=2,p=1$');
    const [, , , , salt = ''] = SEAL.open(hash, 'password').split('$');
    expect(Buffer.from(salt, 'base64').length).toBeGreaterThanOrEqual(16);
    expect(SEAL.open(await passwords.hash('correct horse'), 'password')).not.toContain(salt);
    expect(await passwords.verify({ password: 'correct horse', hash })).toBe(true);
    expect(await passwords.verify({ password: 'correct horse ', hash })).toBe(false);
    expect(await passwords.verify({ password: '', hash })).toBe(false);
  });

  test('count to their last character', async () => {
    const passwords = new Passwords(SEAL);
    const start = 'a long sentence, '.repeat(8).slice(0, 127);
    const hash = await passwords.hash(`${start}x`);
    expect(await passwords.verify({ password: `${start}y`, hash })).toBe(false);
    expect(await passwords.verify({ password: start, hash })).toBe(false);
    expect(await passwords.verify({ password: `${start}x`, hash })).toBe(true);
  });

  test('cannot be tried by who has the hash without the key', async () => {
    const hash = await new Passwords(SEAL).hash('correct horse');
    expect(hash).not.toContain('argon2');
    const stranger = new Passwords(sealWith(new Uint8Array(32).fill(8)));
    const tried = stranger.verify({ password: 'correct horse', hash });
    expect(await tried.catch((error: unknown) => error)).toBeInstanceOf(SealError);
    // Nor does a hash that somebody without the key put there count.
    const planted = await Bun.password.hash('correct horse', 'argon2id');
    const counts = new Passwords(SEAL).verify({ password: 'correct horse', hash: planted });
    expect(await counts.catch((error: unknown) => error)).toBeInstanceOf(SealError);
  });

  test('are the same however a keyboard composes a letter', async () => {
    const passwords = new Passwords(SEAL);
    const hash = await passwords.hash('caf\u00e9-terrasse');
    expect(await passwords.verify({ password: 'cafe\u0301-terrasse', hash })).toBe(true);
  });

  test('of nobody, and ones too long to be kept, are compared all the same and never right', async () => {
    const passwords = new Passwords(SEAL);
    let compared = 0;
    const onTurn = () => {
      compared += 1;
      return false;
    };
    expect(await passwords.verify({ password: 'nobody', hash: undefined, onTurn })).toBe(false);
    const long = 'x'.repeat(1_025);
    const hash = await passwords.hash(long);
    expect(await passwords.verify({ password: long, hash, onTurn })).toBe(false);
    expect(compared).toBe(2);
  });

  test('are compared two at once; sixty-four wait, and the next is told so', async () => {
    const passwords = new Passwords(SEAL);
    const stop = () => {
      throw new Error('given up');
    };
    // Nothing was given the time to end: all of these stand in the queue.
    const asked = Array.from({ length: 66 }, () =>
      passwords.verify({ password: 'x', hash: undefined, onTurn: stop }).catch(() => 'given up'),
    );
    const refusal = await refusalOf(passwords.verify({ password: 'x', hash: undefined }));
    expect(refusal).toMatchObject({
      code: 'TOOMANYREQUESTS',
      detail: { retryAfterSeconds: 2 },
    });
    expect(new Set(await Promise.all(asked))).toEqual(new Set(['given up']));
    // All places are free again.
    expect(await passwords.verify({ password: 'x', hash: undefined })).toBe(false);
  });

  test('never run more than two at once', async () => {
    const verify = Bun.password.verify;
    let running = 0;
    let most = 0;
    const spy = spyOn(Bun.password, 'verify').mockImplementation(async (...asked) => {
      running += 1;
      most = Math.max(most, running);
      const isEqual = await verify(...asked);
      running -= 1;
      return isEqual;
    });
    try {
      const passwords = new Passwords(SEAL);
      const asked = Array.from({ length: 6 }, () =>
        passwords.verify({ password: 'x', hash: undefined }),
      );
      await Promise.all(asked);
      expect(spy).toHaveBeenCalledTimes(6);
      expect(most).toBe(2);
    } finally {
      spy.mockRestore();
    }
  });
});

describe('the memory of passwords', () => {
  const proven = { userId: 1, epoch: 1, password: 'correct horse' };

  test('holds five minutes from the comparison, and no use makes them longer', () => {
    let time = 0;
    const cache = new PasswordCache(() => time);
    cache.remember(proven);
    time = 5 * 60_000 - 1;
    expect(cache.has(proven)).toBe(true);
    time += 1;
    expect(cache.has(proven)).toBe(false);
  });

  test('is of one user, one epoch and one password', () => {
    const cache = new PasswordCache(() => 0);
    cache.remember(proven);
    expect(cache.has({ ...proven, epoch: 2 })).toBe(false);
    expect(cache.has({ ...proven, userId: 2 })).toBe(false);
    expect(cache.has({ ...proven, password: 'correct horse ' })).toBe(false);
    expect(cache.has({ userId: 1, epoch: 1, password: 'correct horse' })).toBe(true);
  });

  test('is bounded: the oldest are forgotten', () => {
    const cache = new PasswordCache(() => 0);
    cache.remember(proven);
    for (let userId = 2; userId <= 10_001; userId += 1) cache.remember({ ...proven, userId });
    expect(cache.has(proven)).toBe(false);
    expect(cache.has({ ...proven, userId: 2 })).toBe(true);
  });
});
