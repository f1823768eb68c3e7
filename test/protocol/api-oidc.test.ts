// From the registry to a real provider and back, as a browser goes: a session at the end, and nowhere else.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { startTestRegistry, type TestRegistry } from '../support/entrepot.ts';
import { CLIENT_ID, OidcServer, signInAtProvider } from '../support/oidc-server.ts';
import { ADMIN, askApi } from './api-world.ts';
import { until } from './until.ts';

/** The provider knows the registry by this name, whatever port it got. */
const HOST = 'registry.test';
const START = '/auth/oidc/company';

let provider: OidcServer;
let registry: TestRegistry;

beforeAll(async () => {
  const redirectUri = `http://${HOST}${START}/callback`;
  provider = await OidcServer.start({ redirectUri, claimsInIdToken: true });
  const claims = { preferred_username: 'frida', name: 'Frida', email: 'frida@company.test' };
  provider.people.set('7', { ...claims, email_verified: true });
  provider.people.set('8', { preferred_username: 'gerd', name: 'Gerd' });
  const company = {
    name: 'company',
    label: 'The company',
    issuer: provider.issuer,
    clientId: CLIENT_ID,
    clientSecret: undefined,
    scopes: ['profile', 'email'],
    claims: {
      name: 'preferred_username',
      email: 'email',
      displayName: 'name',
      groups: 'groups',
    },
    teams: [],
    rules: { allowSignUp: true, linkByEmail: false, emailDomains: [] },
    offline: false,
  };
  registry = await startTestRegistry({
    isPrivate: true,
    access: { external: { oidc: [company], ldap: undefined } },
  });
});

afterAll(async () => {
  await registry.stop();
  await provider.stop();
  expect(registry.faults).toEqual([]);
});

function browse(path: string, cookies: readonly string[] = []): Promise<Response> {
  const headers = { Host: HOST, Cookie: cookies.join('; ') };
  return fetch(registry.url + path, { headers, redirect: 'manual' });
}

function cookieOf({ headers }: Response | { headers: Headers }): string {
  return (headers.get('set-cookie') ?? '').split(';')[0] ?? '';
}

async function signIn(subject: string, path = START): Promise<Response> {
  const begun = await browse(path);
  const back = await signInAtProvider(begun.headers.get('location') ?? '', subject);
  expect(back.host).toBe(HOST);
  return browse(back.pathname + back.search, [cookieOf(begun)]);
}

async function whoami(cookie: string) {
  return askApi(registry.url, {
    method: 'GET',
    path: '/whoami',
    headers: { Host: HOST, Cookie: cookie },
  });
}

describe('signing in at a provider', () => {
  test('the sign-in page learns where to go', async () => {
    const ways = await askApi(registry.url, { method: 'GET', path: '/sign-in' });
    const company = { name: 'company', title: 'The company', url: START };
    expect(ways.body.providers).toEqual([company] as never);
  });

  test('ends with a session of the user, at the page that was asked for', async () => {
    const done = await signIn('7', `${START}?return=${encodeURIComponent('/team/app?tab=tags')}`);
    expect(done.status).toBe(303);
    expect(done.headers.get('location')).toBe('/team/app?tab=tags');
    const me = await whoami(cookieOf(done));
    expect(me.body).toMatchObject({ kind: 'user', name: 'frida' });
    const front = await browse('/');
    expect([front.status, front.headers.get('content-type')]).toEqual([
      200,
      'text/plain; charset=utf-8',
    ]);
  });

  test('leads nowhere else, whatever is asked for', async () => {
    for (const evil of ['https://evil.example/', '//evil.example', '/\\evil.example', 'x']) {
      const done = await signIn('7', `${START}?return=${encodeURIComponent(evil)}`);
      expect([evil, done.headers.get('location')]).toEqual([evil, '/']);
    }
  });

  test('the cookie of the way goes to the callback alone, and for ten minutes', async () => {
    const begun = await browse(START);
    const attributes = (begun.headers.get('set-cookie') ?? '').split('; ').slice(1);
    expect(attributes).toEqual([
      `Path=${START}/callback`,
      'Max-Age=600',
      'HttpOnly',
      'SameSite=Lax',
    ]);
  });

  test('an answer that another browser began signs nobody in', async () => {
    const begun = await browse(START);
    const back = await signInAtProvider(begun.headers.get('location') ?? '', '7');
    const path = back.pathname + back.search;
    for (const cookies of [[], ['entrepot-oidc=made-up'], [cookieOf(await browse(START))]]) {
      const answer = await browse(path, cookies);
      expect(answer.status).toBe(400);
      expect(answer.headers.has('set-cookie')).toBe(false);
    }
  });

  test('a second account is linked to who is signed in, and to nobody else', async () => {
    const session = cookieOf(await signIn('7'));
    const headers = { Host: HOST, Cookie: session, 'X-Entrepot-Request': '1' };
    const path = '/account/identities';
    const body = { provider: 'company' };
    const link = async () => askApi(registry.url, { method: 'POST', path, body, headers });
    const begun = await link();
    const back = await signInAtProvider(String(begun.body.redirectTo), '8');
    const callback = back.pathname + back.search;
    // Without the session it is nobody's.
    expect((await browse(callback, [cookieOf(begun)])).status).toBe(403);
    const again = await link();
    const second = await signInAtProvider(String(again.body.redirectTo), '8');
    const done = await browse(second.pathname + second.search, [cookieOf(again), session]);
    expect([done.status, done.headers.has('set-cookie')]).toEqual([303, false]);
    const linked = await askApi(registry.url, { method: 'GET', path, headers });
    expect(linked.body.items).toHaveLength(2);
    expect((await whoami(cookieOf(await signIn('8')))).body).toMatchObject({ name: 'frida' });
  });

  test('who is disabled comes in no more', async () => {
    await signIn('7');
    const path = '/users/frida/disable';
    await askApi(registry.url, { method: 'POST', path, headers: ADMIN });
    const refused = await signIn('7');
    expect([refused.status, refused.headers.has('set-cookie')]).toEqual([403, false]);
    await isOnRecord(refused, 'disabled');
  });

  /** Refusals are written a moment later. */
  async function isOnRecord({ headers }: Response, why: string): Promise<void> {
    const query = `requestId=${headers.get('x-request-id')}&action=sign-in&outcome=refused`;
    let items: { target: string; detail: string }[] = [];
    await until(async () => {
      const asked = { method: 'GET', path: `/audit?${query}`, headers: ADMIN };
      const { text } = await askApi(registry.url, asked);
      items = JSON.parse(text).items;
      return items.length > 0;
    }, 'the refusal is on record');
    expect(items).toMatchObject([{ target: 'account of oidc:company' }]);
    expect(items[0]?.detail).toContain(why);
  }

  test('a sign-in that somebody made up is on record', async () => {
    await isOnRecord(await browse(`${START}/callback?code=x&state=y`), 'why');
  });

  test('an unknown provider, or another method, is refused', async () => {
    expect((await browse('/auth/oidc/none')).status).toBe(404);
    expect((await browse('/auth/none')).status).toBe(404);
    const post = await fetch(registry.url + START, { method: 'POST' });
    expect(post.status).toBe(405);
  });
});
