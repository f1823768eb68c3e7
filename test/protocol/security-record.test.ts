// What is written down: every sign-in, good and bad, by whatever way, and every refused act, with who, by
// what, from where and in which request. That no secret is, is held by api-secrets.test.ts.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { TOTP } from 'otpauth';
import { everyEvent } from '../../src/access/audit/read-audit.ts';
import { newSecret } from '../../src/access/tokens/secret.ts';
import type { AuditEvent } from '../../src/metadata/audit-events.ts';
import { startTestRegistry, type TestRegistry } from '../support/entrepot.ts';
import { addAccessToken, addUser, basic } from '../support/people.ts';
import { Browser } from './browser.ts';
import { until } from './until.ts';

const PASSWORD = 'violet kettle harbour';
const WRONG = 'not this one either';

let registry: TestRegistry;

beforeAll(async () => {
  registry = await startTestRegistry({ isPrivate: true });
});

afterAll(async () => {
  await registry.stop();
  expect(registry.faults).toEqual([]);
});

async function events(): Promise<AuditEvent[]> {
  const { sql } = registry.program.access.api;
  const all: AuditEvent[] = [];
  for await (const event of everyEvent(sql, { until: Date.now() + 60_000 })) all.push(event);
  return all;
}

/** The one event of that request, once it is written: refusals are, a second later. */
async function eventOf(requestId: string | null, action: string): Promise<AuditEvent> {
  let found: AuditEvent[] = [];
  await until(async () => {
    found = (await events()).filter((one) => one.requestId === requestId && one.action === action);
    return found.length > 0;
  }, `${action} of the request ${requestId} is on record`);
  expect(found).toHaveLength(1);
  return found[0] as AuditEvent;
}

describe('a sign-in', () => {
  const WAYS: readonly (readonly [string, (name: string, password: string) => Promise<Headers>])[] =
    [
      [
        'at the API',
        async (name, password) => {
          const headers = { 'User-Agent': 'a client' };
          const body = { name, password };
          return (
            await new Browser(registry.url).send('POST', '/api/v1/session', { body, headers })
          ).headers;
        },
      ],
      [
        'by Basic at /v2/',
        async (name, password) => {
          const headers = { Authorization: basic(name, password), 'User-Agent': 'a client' };
          return (await fetch(`${registry.url}/v2/`, { headers })).headers;
        },
      ],
      [
        'for a token',
        async (name, password) => {
          const body = new URLSearchParams({ grant_type: 'password', username: name, password });
          const headers = { 'User-Agent': 'a client' };
          return (await fetch(`${registry.url}/token`, { method: 'POST', body, headers })).headers;
        },
      ],
    ];

  test.each(WAYS)(
    '%s is on record, good or bad, with all that leads to its request',
    async (way, go) => {
      const name = `signer${WAYS.findIndex(([one]) => one === way)}`;
      const id = await addUser(registry, { name, password: PASSWORD });
      const from = { address: '127.0.0.1', client: 'a client', target: `user ${name}` };
      const before = Date.now();
      const bad = await eventOf((await go(name, WRONG)).get('x-request-id'), 'sign-in');
      expect(bad).toMatchObject({ ...from, outcome: 'refused', principal: 'anonymous' });
      const good = await eventOf((await go(name, PASSWORD)).get('x-request-id'), 'sign-in');
      expect(good).toMatchObject({
        ...from,
        outcome: 'done',
        principal: `user:${id}`,
        actor: name,
      });
      for (const { at } of [bad, good]) {
        expect(at).toBeGreaterThanOrEqual(before - 1_000);
        expect(at).toBeLessThanOrEqual(Date.now() + 1_000);
      }
      const lines = registry.accessLines.filter((line) => line.id === bad.requestId);
      expect(lines).toMatchObject([{ code: 'UNAUTHORIZED', status: 401 }]);
      expect(lines[0]?.userAgent()).toBe('a client');
    },
  );

  test('with an access token is noted with the token, when, from where and by what', async () => {
    const id = await addUser(registry, { name: 'holder' });
    const { secret } = await addAccessToken(registry, { owner: { kind: 'user', id } });
    const headers = { Authorization: basic('x', secret), 'User-Agent': 'a client' };
    const tokens = `${registry.url}/api/v1/tokens`;
    await until(async () => {
      const { items } = (await (await fetch(tokens, { headers })).json()) as {
        items: { lastUsedFrom: string | null; lastUsedBy: string | null }[];
      };
      const [token] = items;
      return token?.lastUsedFrom === '127.0.0.1' && token.lastUsedBy === 'a client';
    }, 'the use is noted');
  }, 30_000);

  test('with an access token that is none is in the access log, and refused', async () => {
    const secret = newSecret('ept');
    const headers = { Authorization: `Bearer ${secret}` };
    const answered = await fetch(`${registry.url}/v2/`, { headers });
    const id = answered.headers.get('x-request-id');
    const lines = registry.accessLines.filter((line) => line.id === id);
    expect(lines).toMatchObject([{ code: 'UNAUTHORIZED', status: 401 }]);
    expect(JSON.stringify(lines)).not.toContain(secret);
    expect(await answered.text()).not.toContain(secret);
  });
});

test('a refused act of somebody known is on record, by the credential that was shown', async () => {
  const id = await addUser(registry, { name: 'eve', password: PASSWORD });
  const token = await addAccessToken(registry, { owner: { kind: 'user', id } });
  const headers = { Authorization: basic('eve', token.secret) };
  const at = `${registry.url}/v2/others/app/blobs/uploads/`;
  const refused = await fetch(at, { method: 'POST', headers });
  expect(refused.status).toBe(403);
  const event = await eventOf(refused.headers.get('x-request-id'), 'repository.push');
  expect(event).toMatchObject({
    actor: 'eve',
    principal: `user:${id}`,
    credential: `access-token:${token.id}`,
    target: 'others/app',
    outcome: 'refused',
    address: '127.0.0.1',
  });
  expect(JSON.parse(event.detail).why).toContain('no grant gives eve the right to push');
});

test('a wrong second factor is on record, at a sign-in and before a change', async () => {
  await addUser(registry, { name: 'tess', password: PASSWORD });
  const browser = new Browser(registry.url);
  await browser.signIn('tess', PASSWORD);
  const begun = JSON.parse((await browser.send('POST', '/api/v1/account/totp')).text);
  const code = new TOTP({ secret: begun.secret }).generate();
  const confirmed = await browser.send('POST', '/api/v1/account/totp/confirm', { body: { code } });
  expect(confirmed.status).toBe(200);
  // The code that turned it on was used: it is wrong from now on.
  const body = { name: 'tess', password: PASSWORD, code };
  const again = await new Browser(registry.url).send('POST', '/api/v1/session', { body });
  expect(again.status).toBe(401);
  const entered = await eventOf(again.headers.get('x-request-id'), 'sign-in');
  expect(entered).toMatchObject({ outcome: 'refused', target: 'user tess' });
  const off = { body: { proof: { code } } };
  const change = await browser.send('POST', '/api/v1/account/totp/remove', off);
  expect(change.status).toBe(403);
  const proved = await eventOf(change.headers.get('x-request-id'), 'second-factor.prove');
  expect(proved).toMatchObject({ outcome: 'refused', target: 'user tess', actor: 'tess' });
});
