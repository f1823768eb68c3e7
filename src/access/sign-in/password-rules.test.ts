// Which passwords may be chosen.
import { describe, expect, test } from 'bun:test';
import { RegistryError } from '../../oci/errors.ts';
import { commonWordIn } from './common-passwords.ts';
import { checkNewPassword, type PasswordOwner } from './password-rules.ts';

const OWNER = { name: 'marguerite', email: 'm.dupont@example.org' };

/** The sentence of the refusal; undefined when it may be chosen. */
function refusal(password: string, owner: PasswordOwner = OWNER): string | undefined {
  try {
    checkNewPassword(password, owner);
    return undefined;
  } catch (error) {
    if (!(error instanceof RegistryError) || error.code !== 'REQUEST_INVALID') throw error;
    return error.message;
  }
}

describe('a new password', () => {
  test.each([
    'violet-kettle-42',
    'xkcdstyle horse staple',
    'Zq8!vK2p',
    'ünïcödé wörds',
    '👍👍🐢🐢🦊🦊🐼🐻',
    'onlylowercaseletters',
    '8462719305',
    'dragonfly pond at dusk',
    'x'.repeat(20) + 'yz'.repeat(200),
  ])('may be %s', (password) => {
    expect(refusal(password)).toBeUndefined();
  });

  test('has eight characters, and fits into what is compared', () => {
    expect(refusal('kv9-pqx')).toContain('at least 8 characters');
    expect(refusal('👍🐢🦊🐼')).toContain('at least 8 characters');
    expect(refusal('violet ketl')).toBeUndefined();
    expect(refusal(`ab${'ü'.repeat(511)}`)).toBeUndefined();
    expect(refusal(`abc${'ü'.repeat(511)}`)).toContain('at most 1024 bytes');
  });

  test.each(['marguerite', 'Marguerite1998', 'm.dupont@example.org', 'M.Dupont!', '12marguerite'])(
    'is not made of who it is for: %s',
    (password) => {
      expect(refusal(password)).toContain('user name');
    },
  );

  test('may hold a short name by chance', () => {
    expect(refusal('janitor-blues', { name: 'jan', email: '' })).toBeUndefined();
    expect(refusal('something else', { name: 'jan', email: '' })).toBeUndefined();
    expect(refusal('8462719305', { name: '2024', email: '7@example.org' })).toBeUndefined();
    expect(refusal('84627193', { name: '84627193', email: null })).toContain('user name');
  });

  test('is never in the refusal', () => {
    for (const password of ['Password123', 'kv9pqx', 'Marguerite1998']) {
      expect(refusal(password)).not.toContain(password);
    }
  });
});

describe('a common password', () => {
  test.each([
    'password',
    'Password1!',
    'p@ssw0rd',
    'P4$$w0rd99',
    'passw0rd2024',
    '123password',
    'qwertyuiop',
    'poiuytrewq',
    'qwerty123',
    '12345678',
    '87654321',
    '1234567890',
    '11111111',
    '12121212',
    'abcabcabc',
    'abcdefgh',
    'letmein1',
    'Summer2025',
    'iloveyou!',
    '1q2w3e4r',
    'Admin1234',
    'entrepot1',
    'changeme!!',
    'adm1n1strat0r',
  ])('is recognised: %s', (password) => {
    expect(commonWordIn(password)).toBeDefined();
    expect(refusal(password)).toContain('everybody tries first');
  });

  test('is one of more than three thousand of eight characters and more', () => {
    const words = ['password', 'welcome', 'football', 'sunshine'];
    let found = 0;
    for (const word of words) {
      for (let end = 0; end < 1_000; end += 1) {
        if (commonWordIn(`${word}${end}`) !== undefined) found += 1;
      }
    }
    expect(found).toBe(4_000);
  });
});
