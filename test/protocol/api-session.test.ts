// Sessions of browsers: the cookie, what it is good for, and what pages of other sites cannot do with it.
import { expect } from 'bun:test';
import { ENDPOINTS } from '../../src/http/api/endpoints.ts';
import { ADMIN_PASSWORD } from '../support/entrepot.ts';
import { ADMIN, askApi, basic, bearer, PASSWORD } from './api-world.ts';
import { onBothEngines } from './engines.ts';

const HEADER = { 'X-Entrepot-Request': '1' };

async function signIn(url: string, name = 'admin', password = ADMIN_PASSWORD): Promise<string> {
  const body = { name, password };
  const answer = await askApi(url, { method: 'POST', path: '/session', body });
  expect(answer.status).toBe(201);
  const [cookie = ''] = (answer.headers.get('set-cookie') ?? '').split(';');
  expect(cookie).toMatch(/^entrepot=eps_[0-9A-Za-z]{42}$/);
  return cookie;
}

onBothEngines(
  'sessions',
  ({ test, registry }) => {
    test('a cookie says who it is, and no script and no other site gets it', async () => {
      const { url } = registry();
      const body = { name: 'admin', password: ADMIN_PASSWORD };
      const answer = await askApi(url, { method: 'POST', path: '/session', body });
      const attributes = (answer.headers.get('set-cookie') ?? '').split('; ').slice(1);
      expect(attributes).toEqual(['Path=/', 'Max-Age=2592000', 'HttpOnly', 'SameSite=Lax']);
      const headers = { Cookie: await signIn(url) };
      const me = await askApi(url, { method: 'GET', path: '/whoami', headers });
      expect(me.body).toMatchObject({
        name: 'admin',
        credential: expect.stringMatching(/^session:/),
      });
    });

    test('it opens neither /v2/ nor the token service', async () => {
      const { url } = registry();
      const headers = { Cookie: await signIn(url) };
      for (const path of ['/v2/', '/v2/_catalog', '/v2/team/app/tags/list']) {
        expect([path, (await fetch(url + path, { headers })).status]).toEqual([path, 401]);
      }
      const scope = 'repository:team/app:push';
      const token = await fetch(`${url}/token?service=x&scope=${scope}`, { headers });
      expect(await token.json()).toMatchObject({ scope: '' });
    });

    test('bearer tokens of /token open nothing here', async () => {
      const { url } = registry();
      const { token } = (await (await fetch(`${url}/token`, { headers: ADMIN })).json()) as {
        token: string;
      };
      const answer = await askApi(url, { method: 'GET', path: '/whoami', headers: bearer(token) });
      expect(answer.status).toBe(401);
      expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="entrepot"');
    });

    test('without the header of our own pages it changes nothing, at any address', async () => {
      const { url } = registry();
      const Cookie = await signIn(url);
      const writing = ENDPOINTS.filter(({ method, audience }) => {
        return method !== 'get' && audience !== 'public';
      });
      expect(writing.length).toBeGreaterThan(40);
      for (const { method, path: pattern } of writing) {
        const path = pattern.replaceAll(/\{\w+\}/g, '1');
        const asked = { method: method.toUpperCase(), path, body: {}, headers: { Cookie } };
        const answer = await askApi(url, asked);
        expect([method, path, answer.status]).toEqual([method, path, 403]);
        expect(answer.text).toContain('X-Entrepot-Request');
      }
    });

    test('pages of other sites change nothing, whatever they send', async () => {
      const { url } = registry();
      const Cookie = await signIn(url);
      const foreign = [
        { 'Sec-Fetch-Site': 'cross-site' },
        { 'Sec-Fetch-Site': 'same-site' },
        { 'Sec-Fetch-Site': 'none' },
        { Origin: 'https://evil.example' },
        { Origin: 'null' },
        { Origin: url.replace('http:', 'https:') },
      ];
      const body = { name: 'nobody', actions: ['pull'] };
      for (const one of foreign) {
        for (const credentials of [{ Cookie }, ADMIN, {}]) {
          const headers = { ...HEADER, ...credentials, ...one };
          const answer = await askApi(url, { method: 'POST', path: '/roles', body, headers });
          expect([one, answer.status]).toEqual([one, 403]);
        }
        const session = { name: 'admin', password: ADMIN_PASSWORD };
        const asked = { method: 'POST', path: '/session', body: session, headers: one };
        expect((await askApi(url, asked)).status).toBe(403);
      }
      const ours = { Cookie, ...HEADER, Origin: url, 'Sec-Fetch-Site': 'same-origin' };
      const made = { name: 'ours', actions: ['pull'] };
      const asked = { method: 'POST', path: '/roles', body: made, headers: ours };
      expect((await askApi(url, asked)).status).toBe(201);
    });

    test('a form is no JSON', async () => {
      const { url } = registry();
      for (const type of ['text/plain', 'application/x-www-form-urlencoded', '']) {
        const answer = await fetch(`${url}/api/v1/roles`, {
          method: 'POST',
          headers: { ...ADMIN, 'Content-Type': type },
          body: '{"name":"form","actions":["pull"]}',
        });
        expect(answer.status).toBe(400);
      }
    });

    test('a sign-in gives another secret, and ends what the browser had before', async () => {
      const { url } = registry();
      const before = await signIn(url);
      const asked = {
        method: 'POST',
        path: '/session',
        body: { name: 'admin', password: ADMIN_PASSWORD },
        headers: { Cookie: before },
      };
      const after = await askApi(url, asked);
      expect(after.headers.get('set-cookie')).not.toContain(before);
      const whoami = { method: 'GET', path: '/whoami', headers: { Cookie: before } };
      expect((await askApi(url, whoami)).status).toBe(401);
    });

    test('signing out ends it at once, and the list shows no more of it', async () => {
      const { url } = registry();
      const [first, second] = [await signIn(url), await signIn(url)];
      const headers = { Cookie: first, ...HEADER };
      const out = await askApi(url, { method: 'DELETE', path: '/session', headers });
      expect(out.status).toBe(204);
      expect(out.headers.get('set-cookie')).toMatch(/^entrepot=; Path=\/; Max-Age=0;/);
      expect((await askApi(url, { method: 'GET', path: '/whoami', headers })).status).toBe(401);
      const others = { Cookie: second, ...HEADER };
      const ended = await askApi(url, { method: 'DELETE', path: '/sessions', headers: others });
      expect(ended.status).toBe(200);
      const list = await askApi(url, { method: 'GET', path: '/sessions', headers: others });
      expect(list.body.items).toMatchObject([{ isCurrent: true, method: 'password' }]);
    });

    test('a new password keeps the session in which it was set, and ends all others', async () => {
      const { url } = registry();
      const user = { name: 'erin', password: PASSWORD };
      await askApi(url, { method: 'POST', path: '/users', body: user, headers: ADMIN });
      const here = await signIn(url, 'erin', PASSWORD);
      const elsewhere = await signIn(url, 'erin', PASSWORD);
      const body = { oldPassword: PASSWORD, newPassword: 'another quiet morning' };
      const headers = { Cookie: here, ...HEADER };
      const path = '/account/password';
      const changed = await askApi(url, { method: 'POST', path, body, headers });
      expect(changed.status).toBe(204);
      const [renewed = ''] = (changed.headers.get('set-cookie') ?? '').split(';');
      const statusWith = async (auth: Record<string, string>) =>
        (await askApi(url, { method: 'GET', path: '/whoami', headers: auth })).status;
      expect(await statusWith({ Cookie: renewed })).toBe(200);
      expect(await statusWith({ Cookie: here })).toBe(401);
      expect(await statusWith({ Cookie: elsewhere })).toBe(401);
      expect(await statusWith(basic('erin', PASSWORD))).toBe(401);
      expect(await statusWith(basic('erin', 'another quiet morning'))).toBe(200);
    });

    test('what is outside /v2/ is kept by nobody and runs on no page', async () => {
      const { url } = registry();
      for (const path of ['/', '/livez', '/token', '/api/v1/whoami', '/auth/oidc/x', '/nothing']) {
        const { headers } = await fetch(url + path);
        expect(headers.get('x-content-type-options')).toBe('nosniff');
        expect(headers.get('content-security-policy')).toBe(
          "default-src 'none'; frame-ancestors 'none'",
        );
        expect(headers.get('referrer-policy')).toBe('no-referrer');
        expect(headers.get('cache-control')).toBe('no-store');
        expect(headers.has('strict-transport-security')).toBe(false);
      }
    });
  },
  { isPrivate: true },
);
