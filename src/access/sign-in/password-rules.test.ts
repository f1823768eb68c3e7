// Which passwords may be chosen.
import { describe, expect, test } from 'bun:test';
import { RegistryError } from '../../oci/errors.ts';
import { commonWordIn } from './common-passwords.ts';
import { LONGEST_PASSWORD_BYTES } from './password.ts';
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
    'Zq8!vK2p#t4W',
    'ünïcödé wörds',
    '👍👍🐢🐢🦊🦊🐼🐻🐙🐙🐳🐝',
    'onlylowercaseletters',
    '846271930529',
    'dragonfly pond at dusk',
    'x'.repeat(20) + 'yz'.repeat(54),
  ])('may be %s', (password) => {
    expect(refusal(password)).toBeUndefined();
  });

  test('has twelve characters, at most 128, and fits into what is compared', () => {
    expect(refusal('kv9-pqx-zml')).toContain('at least 12 characters');
    expect(refusal('👍🐢🦊🐼👍🐢🦊🐼')).toContain('at least 12 characters');
    expect(refusal('violet ketle')).toBeUndefined();
    const signs = Array.from({ length: 128 }, (_, at) => String.fromCodePoint(0x1f600 + (at % 60)));
    const longest = signs.join('');
    expect(refusal(longest)).toBeUndefined();
    expect(Buffer.byteLength(longest)).toBeLessThanOrEqual(LONGEST_PASSWORD_BYTES);
    expect(refusal(`${longest}!`)).toContain('at most 128 characters');
  });

  test.each([
    'marguerite12',
    'Marguerite1998',
    'm.dupont@example.org',
    'M.Dupont!2019',
    '12marguerite',
  ])('is not made of who it is for: %s', (password) => {
    expect(refusal(password)).toContain('user name');
  });

  test('may hold a short name by chance', () => {
    expect(refusal('janitor-blues', { name: 'jan', email: '' })).toBeUndefined();
    expect(refusal('something else', { name: 'jan', email: '' })).toBeUndefined();
    expect(refusal('846271930529', { name: '2024', email: '7@example.org' })).toBeUndefined();
    expect(refusal('846271938462', { name: '846271938462', email: null })).toContain('user name');
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
    expect(refusal(password)).toBeDefined();
  });

  test.each([
    'administrator',
    'password1234',
    'Passw0rd2024!',
    'qwerty123456',
    'qwertyuiop123',
    '1qaz2wsx3edc',
    'iloveyou2025!!',
    'passwordpassword',
    'welcome20251123',
    '123456789012',
    '111111111111',
    'abcdefghijkl',
    'aaaabbbbaaaabbbb',
  ])('is refused though it is long enough: %s', (password) => {
    expect(refusal(password)).toContain('everybody tries first');
  });

  test('is one of more than ten thousand that are long enough', () => {
    const words = ['password', 'welcome1', 'football', 'sunshine'];
    let found = 0;
    for (const word of words) {
      for (let end = 1_000; end < 4_000; end += 1) {
        if (refusal(`${word}${end}`)?.includes('everybody tries first')) found += 1;
      }
    }
    expect(found).toBe(12_000);
  });
});
