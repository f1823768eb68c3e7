// Signing in and out: where the token goes, and what is asked for.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Secret, TOTP } from 'otpauth';
import { ADMIN_PASSWORD } from '../../../test/support/entrepot.ts';
import { type CliSession, openCliSession } from '../suite-session.ts';

let session: CliSession;
beforeAll(async () => {
  session = await openCliSession();
});
afterAll(() => session.close());

const file = () => join(session.home, '.config/entrepot/servers.json');
const kept = () => JSON.parse(readFileSync(file(), 'utf8'));

test('the token is kept for its owner only, named after the machine, with an end; not the password', async () => {
  const { url } = session.registry;
  expect(statSync(file()).mode & 0o777).toBe(0o600);
  expect(statSync(join(file(), '..')).mode & 0o777).toBe(0o700);
  const text = readFileSync(file(), 'utf8');
  expect(text).not.toContain(ADMIN_PASSWORD);
  expect(kept()).toMatchObject({ current: url, servers: { [url]: { name: 'admin' } } });
  const [token] =
    await session.json<{ id: number; name: string; expiresAt: string }[]>('token list');
  expect(token?.name).toBe('entrepot on build-7');
  expect(Date.parse(token?.expiresAt ?? '')).toBeGreaterThan(Date.now() + 89 * 86_400_000);
});

test('signing in again revokes the token of before, and leaves no session behind', async () => {
  const { url } = session.registry;
  const before = kept().servers[url];
  await session.done(`login ${url} --expires never`, { answers: ['admin', ADMIN_PASSWORD] });
  const live = await session.json<{ id: number; expiresAt: null }[]>('token list');
  expect(live).toMatchObject([{ id: kept().servers[url].tokenId, expiresAt: null }]);
  const old = await session.as(before.token, 'whoami');
  expect(old.code).toBe(1);
  expect(old.err).toContain(`entrepot login ${url}`);
  const headers = { authorization: `Bearer ${kept().servers[url].token}` };
  const sessions = await fetch(`${url}/api/v1/sessions`, { headers });
  expect(await sessions.json()).toEqual({ items: [] });
});

test('logout revokes, and forgets; whoami says who', async () => {
  const { url } = session.registry;
  expect(await session.done('whoami')).toMatch(/^Name +admin$/m);
  const { token } = kept().servers[url];
  await session.done('logout');
  expect(kept()).toEqual({ servers: {} });
  expect((await session.as(token, 'whoami')).code).toBe(1);
  const again = await session.cli('logout --server localhost:1');
  expect(again).toMatchObject({ code: 1, err: 'You are not signed in to http://localhost:1.\n' });
  const nowhere = await session.cli('whoami');
  expect(nowhere.code).toBe(2);
  expect(nowhere.err).toContain('Which server?');
  await session.done(`login ${url} --user admin --password-stdin`, { input: ADMIN_PASSWORD });
});

test('an access token of elsewhere is kept, and never revoked by logout', async () => {
  const { url } = session.registry;
  const token = (await session.done('token create mine')).trim();
  const env = { XDG_CONFIG_HOME: join(session.home, 'other') };
  await session.done(`login ${url} --token-stdin`, { env, input: `${token}\n` });
  await session.done('logout', { env });
  expect((await session.as(token, 'whoami')).code).toBe(0);
  const wrong = await session.cli(`login ${url} --token-stdin`, { env, input: 'ept_wrong' });
  expect(wrong.code).toBe(1);
});

test('with a second factor a code is asked for; without a person there is a sentence', async () => {
  const { url } = session.registry;
  await session.done('user create dora --password-stdin', { input: 'a garden of tulips' });
  const authorization = `Basic ${btoa('dora:a garden of tulips')}`;
  const call = async (path: string, body: object) => {
    const headers = { authorization, 'content-type': 'application/json' };
    const reply = await fetch(`${url}/api/v1${path}`, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
    });
    if (!reply.ok) throw new Error(await reply.text());
    return reply.json() as Promise<Record<string, string>>;
  };
  const begun = await call('/account/totp', {});
  const secret = new URL(begun.uri ?? '').searchParams.get('secret') ?? '';
  const totp = new TOTP({ secret: Secret.fromBase32(secret) });
  await call('/account/totp/confirm', { code: totp.generate() });
  const env = { XDG_CONFIG_HOME: join(session.home, 'dora') };
  const line = `login ${url} --user dora`;
  const alone = await session.cli(`${line} --password-stdin`, { env, input: 'a garden of tulips' });
  expect(alone).toMatchObject({ code: 1 });
  expect(alone.err).toContain('entrepot login --token-stdin');
  // The next step: each code works once.
  const code = totp.generate({ timestamp: Date.now() + 30_000 });
  await session.done(line, { env, answers: ['a garden of tulips', code] });
  expect(await session.done('whoami', { env })).toMatch(/^Name +dora$/m);
});

test('what is wrong is a sentence, and no secret is in it', async () => {
  const { url } = session.registry;
  const wrong = await session.cli(`login ${url} --user admin --password-stdin`, {
    input: 'hunter2',
  });
  expect(wrong).toMatchObject({ code: 1, out: '' });
  expect(wrong.err).toBe('The user name or the password is wrong.\n');
  const nobody = await session.cli(`login ${url}`);
  expect(nobody).toMatchObject({ code: 2 });
  expect(nobody.err).toContain('Nobody is here to be asked: use --user.');
  for (const address of ['ftp://x', 'https://me:secret@x', 'https://x/?a=b']) {
    const odd = await session.cli(`whoami --server ${address}`);
    expect(odd.code).toBe(2);
    expect(odd.err).not.toContain('secret');
  }
  const other = await session.cli(`whoami --server ${url}/livez`);
  expect(other.code).toBe(1);
});

test('a damaged file is named, and a folder that cannot be written is a sentence', async () => {
  const env = { XDG_CONFIG_HOME: join(session.home, 'damaged') };
  const token = (await session.done('token create other')).trim();
  await session.done(`login ${session.registry.url} --token-stdin`, { env, input: token });
  const path = join(env.XDG_CONFIG_HOME, 'entrepot/servers.json');
  chmodSync(path, 0o600);
  writeFileSync(path, '{"servers": 1}');
  const damaged = await session.cli('whoami', { env });
  expect(damaged).toMatchObject({ code: 1 });
  expect(damaged.err).toContain(`${path} is damaged`);
  const blocked = { XDG_CONFIG_HOME: path };
  const refused = await session.cli(`login ${session.registry.url} --token-stdin`, {
    env: blocked,
    input: token,
  });
  expect(refused.code).toBe(1);
  expect(refused.err).toMatch(/servers\.json cannot be (read|written): /);
});
