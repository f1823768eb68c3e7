// What is somebody else's cannot be read, changed or ended by its number or name, and is answered like what
// is not there. With right requests: only the right is missing.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { SYSTEM } from '../../src/metadata/audit.ts';
import { ADMIN_PASSWORD, startTestRegistry, type TestRegistry } from '../support/entrepot.ts';
import { addUser, basic, grant } from '../support/people.ts';
import { Browser } from './browser.ts';
import { until } from './until.ts';

const PASSWORD = 'violet kettle harbour';
const FRESH = 'marble lantern orchard';
const ABSENT = 987_654;
const BOB = { kind: 'user', name: 'bob' } as const;

let registry: TestRegistry;
let alice: Browser;
let bob: Browser;
let aliceId: number;

beforeAll(async () => {
  registry = await startTestRegistry({ isPrivate: true });
  aliceId = await addUser(registry, { name: 'alice', password: PASSWORD });
  const bobId = await addUser(registry, { name: 'bob', password: PASSWORD });
  // So that his rights are not the reason why everything is refused.
  await grant(registry, { to: { kind: 'user', id: bobId }, role: 'owner', path: 'shared' });
  [alice, bob] = [new Browser(registry.url), new Browser(registry.url)];
  await alice.signIn('alice', PASSWORD);
  await bob.signIn('bob', PASSWORD);
});

afterAll(async () => {
  await registry.stop();
  expect(registry.faults).toEqual([]);
});

async function made(browser: Browser, path: string, body: unknown): Promise<{ id: number }> {
  const answered = await browser.send('POST', `/api/v1${path}`, { body });
  expect([path, answered.status, answered.text]).toEqual([path, 201, answered.text]);
  return JSON.parse(answered.text);
}

/** Without the number that was asked for, and that of the request. */
function shape(text: string, id: number): string {
  return text.replaceAll(String(id), 'N').replaceAll(/"requestId":"[^"]*"/g, '');
}

/** Bob asks for something of alice's, and for what is not there: he must not be able to tell them apart. */
async function expectHidden(method: string, pathOf: (id: number) => string, id: number) {
  const body = method === 'GET' || method === 'DELETE' ? {} : { body: {} };
  const theirs = await bob.send(method, `/api/v1${pathOf(id)}`, body);
  const none = await bob.send(method, `/api/v1${pathOf(ABSENT)}`, body);
  expect([pathOf(id), theirs.status]).toEqual([pathOf(id), 404]);
  expect([none.status, shape(none.text, ABSENT)]).toEqual([404, shape(theirs.text, id)]);
}

describe('of alice, bob can neither see nor end', () => {
  test('an access token', async () => {
    const { id } = await made(alice, '/tokens', { name: 'laptop' });
    await expectHidden('DELETE', (n) => `/tokens/${n}`, id);
    await expectHidden('POST', (n) => `/tokens/${n}/rotate`, id);
    for (const owner of ['user:alice', 'user:admin']) {
      const { status } = await bob.send('GET', `/api/v1/tokens?owner=${owner}`);
      expect([owner, status]).toEqual([owner, 403]);
      const all = await bob.send('DELETE', `/api/v1/tokens?owner=${owner}`);
      expect([owner, all.status]).toEqual([owner, 403]);
    }
    const mine = JSON.parse((await alice.send('GET', '/api/v1/tokens')).text);
    expect(mine.items).toEqual([
      expect.objectContaining({ id, revokedAt: null, replacesId: null }),
    ]);
    expect(JSON.parse((await bob.send('GET', '/api/v1/tokens')).text).items).toEqual([]);
  });

  test('a session', async () => {
    const { items } = JSON.parse((await alice.send('GET', '/api/v1/sessions')).text);
    await expectHidden('DELETE', (n) => `/sessions/${n}`, items[0].id);
    expect(await alice.isSignedIn()).toBe(true);
  });

  test('a refresh token', async () => {
    const form = new URLSearchParams({ grant_type: 'password', access_type: 'offline' });
    form.set('username', 'alice');
    form.set('password', PASSWORD);
    form.set('client_id', 'test');
    const given = await fetch(`${registry.url}/token`, { method: 'POST', body: form });
    const { refresh_token } = (await given.json()) as { refresh_token: string };
    const { items } = JSON.parse((await alice.send('GET', '/api/v1/account/refresh-tokens')).text);
    await expectHidden('DELETE', (n) => `/account/refresh-tokens/${n}`, items[0].id);
    const use = new URLSearchParams({ grant_type: 'refresh_token', refresh_token });
    const used = await fetch(`${registry.url}/token`, { method: 'POST', body: use });
    expect(used.status).toBe(200);
    const path = `/api/v1/account/refresh-tokens/${items[0].id}`;
    expect((await alice.send('DELETE', path)).status).toBe(204);
    const again = await fetch(`${registry.url}/token`, { method: 'POST', body: use });
    expect(again.status).toBe(401);
  });

  test('a robot and a grant of her namespace, and her repositories', async () => {
    const { id } = await made(alice, '/robots', { path: 'alice', name: 'deployer' });
    await expectHidden('GET', (n) => `/robots/${n}`, id);
    await expectHidden('DELETE', (n) => `/robots/${n}`, id);
    const subject = { kind: 'user', id: aliceId } as const;
    const held = { subject, path: 'alice/app', role: 'reader', actor: SYSTEM };
    const right = await registry.program.commands.run('addGrant', held);
    await expectHidden('DELETE', (n) => `/grants/${n}`, right);
    await made(alice, '/repositories', { name: 'alice/app' });
    const { items } = JSON.parse((await bob.send('GET', '/api/v1/repositories')).text);
    expect(items).toEqual([]);
    const named = (path: string) => bob.send('GET', `/api/v1/grants?path=${path}`);
    const [theirs, none] = [await named('alice/app'), await named('alice/nil')];
    expect([theirs.status, none.status]).toEqual([404, 404]);
    expect(theirs.text.replace('alice/app', '').replace(/"requestId":"[^"]*"/, '')).toBe(
      none.text.replace('alice/nil', '').replace(/"requestId":"[^"]*"/, ''),
    );
  });
});

describe('bob cannot become more than he is', () => {
  /** Right in every way but that he may not. */
  const WISHES = [
    ['POST', '/users', { name: 'mallory', password: FRESH }],
    ['POST', '/users/alice/password', { password: FRESH }],
    ['POST', '/users/alice/disable', {}],
    ['DELETE', '/users/alice/second-factor', undefined],
    ['DELETE', '/users/alice', undefined],
    ['PATCH', '/users/bob', { email: 'alice@example.com' }],
    ['POST', '/invitations', { email: 'mallory@example.com' }],
    ['POST', '/organisations', { name: 'acme', owner: 'bob' }],
    ['POST', '/roles', { name: 'everything', actions: ['pull', 'push', 'delete', 'manage'] }],
    ['POST', '/grants', { path: '', role: 'administrator', subject: BOB }],
    ['POST', '/grants', { path: '', role: 'reader', subject: BOB }],
    ['POST', '/grants', { path: 'alice', role: 'reader', subject: BOB }],
    ['POST', '/robots', { path: 'alice', name: 'spy' }],
    ['PATCH', '/paths?path=alice', { visibility: 'public' }],
    ['POST', '/tokens', { name: 'x', owner: 'user:alice' }],
    ['POST', '/signing-keys/replace', {}],
    ['GET', '/audit', undefined],
    ['GET', '/users', undefined],
    ['GET', '/explain?subject=user:alice&action=pull&repository=alice/app', undefined],
  ] as const;

  test.each(WISHES)('by %s %s', async (method, path, body) => {
    const wish = { ...(body !== undefined && { body }) };
    const { status, text } = await bob.send(method, `/api/v1${path}`, wish);
    // 404 where that there is such a place is nobody's business.
    expect([status, text]).toEqual([status === 404 ? 404 : 403, text]);
    const headers = { Authorization: basic('admin', ADMIN_PASSWORD) };
    const admin = new Browser(registry.url);
    const users = await admin.send('GET', '/api/v1/users', { headers });
    expect(users.text).not.toContain('mallory');
    expect(await alice.isSignedIn()).toBe(true);
    const whoami = JSON.parse((await bob.send('GET', '/api/v1/whoami')).text);
    expect(whoami).toMatchObject({ name: 'bob', isAdministrator: false });
  });

  test('and is on record with what he tried', async () => {
    const admin = new Browser(registry.url);
    const headers = { Authorization: basic('admin', ADMIN_PASSWORD) };
    const path = '/api/v1/audit?actor=bob&outcome=refused&limit=200';
    let items: { target: string; detail: string }[] = [];
    await until(async () => {
      items = JSON.parse((await admin.send('GET', path, { headers })).text).items;
      return items.length >= 10;
    }, 'the refusals are written');
    for (const item of items) {
      expect(item).toMatchObject({ actor: 'bob', outcome: 'refused', address: '127.0.0.1' });
      expect(item.detail).toContain('why');
    }
  }, 30_000);
});
