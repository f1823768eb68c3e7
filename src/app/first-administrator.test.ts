// The first administrator: of a random password that is shown once and stored as a hash only.
import { expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTestRegistry } from '../../test/support/entrepot.ts';
import { findUserSecrets } from '../metadata/users.ts';
import { newPassword } from './first-administrator.ts';

test('its password has 100 random bits, in groups that a person can type', () => {
  const made = new Set<string>();
  const letters = new Set<string>();
  for (let at = 0; at < 200; at += 1) {
    const password = newPassword();
    // Of 32 letters and digits each, without l, o, 0 and 1.
    expect(password).toMatch(/^([a-km-np-z2-9]{5}-){3}[a-km-np-z2-9]{5}$/);
    made.add(password);
    for (const letter of password) letters.add(letter);
  }
  expect([made.size, letters.size]).toEqual([200, 33]);
});

test('is there after the first start, with nothing that anybody could know before', async () => {
  const first = await startTestRegistry({ isPrivate: true, access: { adminPassword: undefined } });
  try {
    const { firstPassword = '' } = first;
    const { signIn } = first.program.access;
    expect(firstPassword).toMatch(/^[a-z2-9-]{23}$/);
    const secrets = await findUserSecrets(signIn.sql, 'admin');
    expect(secrets?.passwordHash).not.toContain(firstPassword);
    const asked = { password: firstPassword, hash: secrets?.passwordHash ?? undefined };
    expect(await signIn.passwords.verify(asked)).toBe(true);
    for (const password of ['admin', '', 'password', 'entrepot']) {
      expect(await signIn.passwords.verify({ ...asked, password })).toBe(false);
    }
    const again = await startTestRegistry({ isPrivate: true, directory: first.directory });
    try {
      expect(again.firstPassword).toBeUndefined();
    } finally {
      await again.stop();
    }
  } finally {
    await first.stop();
  }
});

test.each(['short', 'administrator', 'admin20261123', 'password1234'])(
  'does not get a password that nobody may choose: %s',
  async (adminPassword) => {
    const directory = mkdtempSync(join(tmpdir(), 'entrepot-first-'));
    const started = startTestRegistry({ directory, access: { adminPassword } });
    const problem = await started
      .then(
        () => 'it started',
        (error: Error) => error.message,
      )
      .finally(() => rmSync(directory, { recursive: true }));
    expect(problem).toStartWith('ENTREPOT_ADMIN_PASSWORD cannot be used. ');
    expect(problem).not.toContain(adminPassword);
  },
);
