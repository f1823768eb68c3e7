// The token service, line by line of section 1 of the behaviours that clients depend on.
import { expect, setSystemTime } from 'bun:test';
import type { webcrypto } from 'node:crypto';
import { SYSTEM as ACTOR } from '../../src/metadata/audit.ts';
import { ADMIN_PASSWORD } from '../support/entrepot.ts';
import { addAccessToken, addUser, basic, grant, setVisibility } from '../support/people.ts';
import { onBothEngines } from './engines.ts';

const ADMIN = basic('admin', ADMIN_PASSWORD);

interface TokenAnswer {
  readonly token: string;
  readonly access_token: string;
  readonly expires_in: number;
  readonly issued_at: string;
  readonly scope: string;
  readonly refresh_token?: string;
}

onBothEngines(
  'the token service',
  ({ test, registry }) => {
    let users = 0;
    const name = () => {
      users += 1;
      return `user${users}`;
    };

    const ask = (query: string, authorization?: string) =>
      fetch(`${registry().url}/token?${query}`, {
        headers: authorization === undefined ? {} : { Authorization: authorization },
      });
    const answered = async (response: Response) => {
      expect([response.status, response.headers.get('content-type')]).toEqual([
        200,
        'application/json',
      ]);
      return (await response.json()) as TokenAnswer;
    };
    const get = async (query: string, authorization?: string) =>
      answered(await ask(query, authorization));
    const send = (form: Record<string, string>, authorization?: string) =>
      fetch(`${registry().url}/token`, {
        method: 'POST',
        body: new URLSearchParams(form),
        headers: authorization === undefined ? {} : { Authorization: authorization },
      });
    const post = async (form: Record<string, string>, authorization?: string) =>
      answered(await send(form, authorization));
    const statusWith = async (path: string, authorization: string, method = 'GET') => {
      const headers = { Authorization: authorization };
      return (await fetch(`${registry().url}${path}`, { method, headers })).status;
    };

    test('clients 1: the ping always challenges who shows nothing, even where everybody may pull', async () => {
      await setVisibility(registry(), { path: 'open', visibility: 'public' });
      for (const path of ['/v2/', '/v2']) {
        const response = await fetch(registry().url + path);
        expect(response.status).toBe(401);
        const { host } = new URL(registry().url);
        expect(response.headers.get('www-authenticate')).toBe(
          `Bearer realm="http://${host}/token",service="${host}"`,
        );
      }
      const { token } = await get('service=x');
      expect(await statusWith('/v2/', `Bearer ${token}`)).toBe(200);
      expect(await statusWith('/v2/', ADMIN)).toBe(200);
      expect(await statusWith('/v2/', basic('admin', 'wrong password'))).toBe(401);
    });

    test('clients 2: a challenge names the scope; a token without it hears insufficient_scope', async () => {
      const path = '/v2/scoped/app/manifests/v1';
      const challenge = async (authorization?: string, method = 'GET') => {
        const headers: Record<string, string> = authorization
          ? { Authorization: authorization }
          : {};
        const response = await fetch(registry().url + path, { method, headers });
        return [response.status, response.headers.get('www-authenticate')];
      };
      const expected = (scope: string, error = '') => [
        401,
        expect.stringMatching(new RegExp(`,scope="${scope}"${error}$`)),
      ];
      expect(await challenge()).toEqual(expected('repository:scoped/app:pull'));
      expect(await challenge(undefined, 'PUT')).toEqual(
        expected('repository:scoped/app:pull,push'),
      );
      expect(await challenge(undefined, 'DELETE')).toEqual(
        expected('repository:scoped/app:delete'),
      );
      const { token } = await get('scope=repository:scoped/app:pull', ADMIN);
      expect(await challenge(`Bearer ${token}`)).toEqual([404, null]);
      expect(await challenge(`Bearer ${token}`, 'PUT')).toEqual(
        expected('repository:scoped/app:pull,push', ',error="insufficient_scope"'),
      );
      expect(await challenge('Bearer not.a.token')).toEqual(
        expected('repository:scoped/app:pull', ',error="invalid_token"'),
      );
    });

    test('clients 3: the realm is on the host that the client used, whatever that is', async () => {
      const { port } = registry();
      const response = await fetch(`http://127.0.0.1:${port}/v2/`, {
        headers: { Host: 'r.test:5000' },
      });
      expect(response.headers.get('www-authenticate')).toContain(
        'realm="http://r.test:5000/token"',
      );
      const odd = await fetch(`http://127.0.0.1:${port}/v2/`, { headers: { Host: 'a"b' } });
      expect(odd.headers.get('www-authenticate')).not.toContain('a"b');
      // From an address that is no proxy of ours these are not believed.
      const claimed = await fetch(`http://127.0.0.1:${port}/v2/`, {
        headers: { 'X-Forwarded-Host': 'evil.test', 'X-Forwarded-Proto': 'https' },
      });
      expect(claimed.headers.get('www-authenticate')).not.toContain('evil.test');
    });

    test('clients 4: GET with repeated and with joined scopes, POST with a password, or with nothing', async () => {
      const joined = await get(
        'scope=repository:a:pull%20repository:b:pull,push&account=admin',
        ADMIN,
      );
      expect(joined.scope).toBe('repository:a:pull repository:b:pull,push');
      const repeated = await get('scope=repository:a:pull&scope=repository:b:push', ADMIN);
      expect(repeated.scope).toBe('repository:a:pull repository:b:push');
      const form = { grant_type: 'password', username: 'admin', password: ADMIN_PASSWORD };
      const posted = await post({
        ...form,
        service: 's',
        client_id: 'c',
        scope: 'repository:a:pull repository:b:push',
      });
      expect(posted.scope).toBe('repository:a:pull repository:b:push');
      // regclient asks for an anonymous token without a grant_type.
      expect((await post({ service: 's', scope: 'repository:a:pull' })).scope).toBe('');
      expect((await send({ grant_type: 'magic' })).status).toBe(400);
      expect((await send({ grant_type: 'password', username: 'admin' })).status).toBe(400);
      expect((await send({ ...form, password: 'wrong password' })).status).toBe(401);
      expect((await fetch(`${registry().url}/token`, { method: 'PUT' })).status).toBe(405);
    });

    test('clients 5: the answer has what clients read, and less than asked for is no error', async () => {
      const user = name();
      await addUser(registry(), { name: user, password: 'a good long one' });
      const mine = basic(user, 'a good long one');
      const answer = await get(
        `scope=repository:${user}/app:pull,push&scope=repository:theirs:pull`,
        mine,
      );
      expect(answer.scope).toBe(`repository:${user}/app:pull,push`);
      expect(answer.token).toBe(answer.access_token);
      expect(answer.expires_in).toBeGreaterThanOrEqual(60);
      expect(answer.issued_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$/);
      expect(Date.parse(answer.issued_at)).toBeLessThanOrEqual(Date.now());
      expect(answer.refresh_token).toBeUndefined();
      expect((await get('account=x&client_id=docker', mine)).scope).toBe('');
      const refused = await ask('service=x', basic(user, 'wrong password'));
      expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([
        401,
        expect.stringMatching(/^Basic realm=/),
      ]);
      expect(await refused.text()).toContain('The user name or the password is wrong.');
    });

    test('clients 5: what is no scope is left out, and a flood of them is bounded', async () => {
      const odd = ['repository:UPPER:pull', 'nonsense', 'repository:a', 'plugin:x:pull', ':::', ''];
      const query = odd.map((scope) => `scope=${encodeURIComponent(scope)}`).join('&');
      expect((await get(query, ADMIN)).scope).toBe('');
      const many = Array.from({ length: 400 }, (_, at) => `repository:r${at}:pull`).join(' ');
      const form = {
        grant_type: 'password',
        username: 'admin',
        password: ADMIN_PASSWORD,
        scope: many,
      };
      expect((await post(form)).scope.split(' ').length).toBe(200);
      expect((await send({ ...form, scope: 'x'.repeat(70_000) })).status).toBe(413);
    });

    test('clients 6: one token for two repositories; the same one twice is merged; the catalog', async () => {
      const { scope } = await get('scope=repository:x:pull&scope=repository:x:pull,push', ADMIN);
      expect(scope).toBe('repository:x:pull,push');
      expect((await get('scope=repository:x:*', ADMIN)).scope).toBe(
        'repository:x:pull,push,delete',
      );
      const { token } = await get('scope=registry:catalog:*', ADMIN);
      expect(await statusWith('/v2/_catalog', `Bearer ${token}`)).toBe(200);
      const { token: other } = await get('scope=repository:x:pull', ADMIN);
      expect(await statusWith('/v2/_catalog', `Bearer ${other}`)).toBe(401);
      const { token: nobody } = await get('scope=registry:catalog:*');
      expect(await statusWith('/v2/_catalog', `Bearer ${nobody}`)).toBe(200);
    });

    test('clients 7: whoever may push may cancel, without the right to delete', async () => {
      const user = name();
      const id = await addUser(registry(), { name: user, password: 'a good long one' });
      await grant(registry(), { to: { kind: 'user', id }, role: 'writer', path: 'cancel' });
      const { token } = await get(
        'scope=repository:cancel/app:pull,push',
        basic(user, 'a good long one'),
      );
      const headers = { Authorization: `Bearer ${token}` };
      const started = await fetch(`${registry().url}/v2/cancel/app/blobs/uploads/`, {
        method: 'POST',
        headers,
      });
      const location = started.headers.get('location') ?? '';
      expect(await statusWith(location, headers.Authorization, 'DELETE')).toBe(204);
    });

    test('clients 8: an access token is a password under any name, a user name, or a bearer token', async () => {
      const user = name();
      const id = await addUser(registry(), { name: user });
      const { secret } = await addAccessToken(registry(), { owner: { kind: 'user', id } });
      const catalog = '/v2/_catalog';
      for (const header of [
        basic(user, secret),
        basic('<token>', secret),
        basic('oauth2accesstoken', secret),
        basic(secret, ''),
        basic(secret, 'x-oauth-basic'),
        `Bearer ${secret}`,
      ]) {
        expect([header, await statusWith(catalog, header)]).toEqual([header, 200]);
      }
      const mistyped = `${secret.slice(0, -1)}${secret.endsWith('a') ? 'b' : 'a'}`;
      expect(await statusWith(catalog, basic(user, mistyped))).toBe(401);
    });

    test('refresh tokens: given when asked for, not to docker login, and of use until replaced', async () => {
      const user = name();
      const id = await addUser(registry(), { name: user, password: 'a good long one' });
      const mine = basic(user, 'a good long one');
      const docker = await get('client_id=docker&offline_token=true', mine);
      expect(docker.refresh_token).toBeUndefined();
      expect((await get('client_id=x&offline_token=true', mine)).refresh_token).toMatch(/^epr_/);
      expect((await get('client_id=x&offline_token=true')).refresh_token).toBeUndefined();
      const form = { grant_type: 'password', username: user, password: 'a good long one' };
      const { refresh_token: secret = '' } = await post({ ...form, access_type: 'offline' });
      const refresh = {
        grant_type: 'refresh_token',
        refresh_token: secret,
        scope: `repository:${user}/a:pull`,
      };
      const again = await post(refresh);
      expect([again.scope, again.refresh_token]).toEqual([`repository:${user}/a:pull`, undefined]);
      const { refresh_token: next = '' } = await post({ ...refresh, access_type: 'offline' });
      expect(next).toMatch(/^epr_/);
      expect(next).not.toBe(secret);
      const { token } = await post({ ...refresh, refresh_token: next });
      expect(await statusWith('/v2/', `Bearer ${token}`)).toBe(200);
      await registry().program.commands.run('disableUser', { id, actor: ACTOR });
      registry().program.access.standings.changed();
      expect(await statusWith('/v2/', `Bearer ${token}`)).toBe(401);
      expect((await send({ ...refresh, refresh_token: next })).status).toBe(401);
      expect((await send({ ...refresh, refresh_token: 'epr_nonsense' })).status).toBe(401);
    });

    test('a client that lost the answer to a refresh goes on with what it has, and a thief does not', async () => {
      const user = name();
      await addUser(registry(), { name: user, password: 'a good long one' });
      const form = { grant_type: 'password', username: user, password: 'a good long one' };
      const { refresh_token: first = '' } = await post({ ...form, access_type: 'offline' });
      const use = { grant_type: 'refresh_token', access_type: 'offline' };
      const { refresh_token: lost = '' } = await post({ ...use, refresh_token: first });
      const { refresh_token: next = '' } = await post({ ...use, refresh_token: first });
      expect(next).toMatch(/^epr_/);
      expect([first, lost]).not.toContain(next);
      try {
        setSystemTime(Date.now() + 60_000);
        const { access_type: _, ...kept } = { ...use, refresh_token: next };
        expect((await send(kept)).status).toBe(200);
        // What was taken for lost comes after all: somebody else has it.
        expect((await send({ ...use, refresh_token: lost })).status).toBe(401);
        expect((await send(kept)).status).toBe(401);
      } finally {
        setSystemTime();
      }
    });

    test('a bearer token gives no other, and the keys that verify it are public', async () => {
      const { token } = await get('scope=repository:x:pull', ADMIN);
      expect((await ask('scope=repository:x:pull', `Bearer ${token}`)).status).toBe(401);
      const response = await fetch(`${registry().url}/.well-known/jwks.json`);
      const { keys } = (await response.json()) as { keys: Record<string, string>[] };
      const [header = '', payload = '', signature = ''] = token.split('.');
      const { kid } = JSON.parse(Buffer.from(header, 'base64url').toString()) as { kid: string };
      const jwk = keys.find((key) => key.kid === kid) as webcrypto.JsonWebKey;
      expect(jwk).not.toHaveProperty('d');
      const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
      const key = await crypto.subtle.importKey('jwk', jwk, algorithm, false, ['verify']);
      const bytes = [
        Buffer.from(signature, 'base64url'),
        Buffer.from(`${header}.${payload}`),
      ] as const;
      expect(await crypto.subtle.verify({ name: 'ECDSA', hash: 'SHA-256' }, key, ...bytes)).toBe(
        true,
      );
    });

    test('a token that was changed, or signed by somebody else, does not count', async () => {
      const { token } = await get('scope=repository:x:pull', ADMIN);
      const [header = '', payload = '', signature = ''] = token.split('.');
      const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object;
      const more = Buffer.from(JSON.stringify({ ...claims, principal: 'user:2' })).toString(
        'base64url',
      );
      const none = Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url');
      for (const forged of [
        `${header}.${more}.${signature}`,
        `${none}.${payload}.`,
        `${header}.${payload}.${'A'.repeat(86)}`,
        `${header}.${payload}`,
        `..`,
      ]) {
        expect([forged, await statusWith('/v2/', `Bearer ${forged}`)]).toEqual([forged, 401]);
      }
      expect(await statusWith('/v2/', `Bearer ${token}`)).toBe(200);
    });
  },
  { isPrivate: true },
);
