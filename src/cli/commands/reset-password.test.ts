// `entrepot admin reset-password`, with the server running and without.
import { afterEach, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import {
  ADMIN_PASSWORD,
  startTestRegistry,
  type TestRegistry,
} from '../../../test/support/entrepot.ts';
import { listAudit } from '../../access/audit/read-audit.ts';
import { SYSTEM } from '../../metadata/audit.ts';
import { findUser } from '../../metadata/users.ts';
import { runCli } from '../suite-terminal.ts';

const ends: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function started(directory?: string): Promise<TestRegistry> {
  const registry = await startTestRegistry({
    isPrivate: true,
    ...(directory !== undefined && { directory }),
  });
  ends.push(() => registry.stop());
  writeKey(registry.directory, new Uint8Array(32));
  return registry;
}

/** Where the command looks for the key of the server; that of test registries is all zeros. */
function writeKey(directory: string, key: Uint8Array): void {
  writeFileSync(join(directory, 'seal.key'), `${Buffer.from(key).toString('base64')}\n`);
}

async function signsIn(registry: TestRegistry, password: string, name = 'admin'): Promise<boolean> {
  const authorization = `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`;
  const reply = await fetch(`${registry.url}/v2/`, { headers: { authorization } });
  return reply.status === 200;
}

/** Waits for what the server must see within a second. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error('it never came to hold');
    await Bun.sleep(20);
  }
}

test('a running server takes the new password and no longer the old one', async () => {
  const registry = await started();
  expect(await signsIn(registry, ADMIN_PASSWORD)).toBe(true);
  const ran = await runCli(['admin', 'reset-password', '--data', registry.directory]);
  expect(ran).toMatchObject({ code: 0, err: expect.stringContaining('admin has a new password') });
  expect(ran.out).toMatch(/^[a-z0-9]{5}(-[a-z0-9]{5}){3}\n$/);
  await until(async () => !(await signsIn(registry, ADMIN_PASSWORD)));
  expect(await signsIn(registry, ran.out.trim())).toBe(true);
  const sql = registry.program.answer.v2.pull.sql;
  const { events } = await listAudit(sql, { filter: { action: 'user.set-password' } });
  expect(events).toMatchObject([{ actor: SYSTEM.name, principal: 'system', target: 'user admin' }]);
  expect(JSON.parse(events[0]?.detail ?? '')).toEqual({ systemUser: userInfo().username });
  expect(JSON.stringify(events)).not.toContain(ran.out.trim());
}, 30_000);

test('without the server, for anybody, from standard input, and without their second factor', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'entrepot-reset-'));
  ends.push(() => rmSync(directory, { recursive: true }));
  const first = await startTestRegistry({ isPrivate: true, directory });
  const passwordHash = null;
  const user = {
    name: 'alice',
    displayName: '',
    email: null,
    passwordHash,
    adoptsNamespace: false,
  };
  const id = await first.program.commands.run('createUser', { ...user, actor: SYSTEM });
  const passkey = { user: id, credentialId: new Uint8Array([1]), publicKey: new Uint8Array([2]) };
  const added = { ...passkey, counter: 0, transports: '[]', name: 'key' };
  const change = { userId: id, actor: SYSTEM, passkey: added, codes: [], most: 5 };
  await first.program.commands.run('addPasskey', change);
  await first.program.commands.run('disableUser', { id, actor: SYSTEM });
  await first.stop();
  writeKey(directory, new Uint8Array(32));

  const line = ['admin', 'reset-password', 'alice', '--disable-second-factor', '--password-stdin'];
  const ran = await runCli([...line, '--data', directory], { input: 'tulips in the rain\n' });
  expect({ code: ran.code, out: ran.out }).toEqual({ code: 0, out: '' });
  expect(ran.err).toContain('alice has a new password and no second factor.');
  expect(ran.err).toContain('entrepot user enable alice');

  const registry = await started(directory);
  await registry.program.commands.run('enableUser', { id, actor: SYSTEM });
  expect(await signsIn(registry, 'tulips in the rain', 'alice')).toBe(true);
  expect((await findUser(registry.program.answer.v2.pull.sql, 'alice'))?.id).toBe(id);
}, 30_000);

test.each([
  [['bob'], '', 'There is no user "bob" in this database.'],
  [['--password-stdin'], '', 'Standard input holds no password.'],
  [['--password-stdin'], 'two\nlines\n', 'Standard input holds several lines'],
  [['--password-stdin'], 'short\n', 'A password has at least'],
  [['--data', '/nowhere'], '', 'There is no database /nowhere/entrepot.db.'],
] as [string[], string, string][])(
  '%p with "%s" is refused',
  async (args, input, sentence) => {
    const registry = await started();
    const place = args.includes('--data') ? [] : ['--data', registry.directory];
    const ran = await runCli(['admin', 'reset-password', ...args, ...place], { input });
    expect(ran).toMatchObject({ code: 1, out: '', err: expect.stringContaining(sentence) });
    expect(await signsIn(registry, ADMIN_PASSWORD)).toBe(true);
  },
  30_000,
);

test('with another key than that of the server nothing is changed', async () => {
  const registry = await started();
  const line = ['admin', 'reset-password', '--data', registry.directory];
  writeKey(registry.directory, new Uint8Array(32).fill(1));
  const ran = await runCli(line);
  expect(ran).toMatchObject({ code: 1, out: '' });
  expect(ran.err).toContain('the key file is not the one');
  rmSync(join(registry.directory, 'seal.key'));
  expect((await runCli(line)).err).toContain('seal.key cannot be read');
  expect(await signsIn(registry, ADMIN_PASSWORD)).toBe(true);
}, 30_000);
