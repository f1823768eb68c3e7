// Whoever has a limited credential gets nothing out of the management API that it is not for; what is taken
// away is gone with the next request.
import { expect } from 'bun:test';
import { type ApiAnswer, askApi, basic, bearer, PASSWORD, World } from './api-world.ts';
import { onBothEngines } from './engines.ts';

onBothEngines(
  'limited credentials',
  ({ test, registry }) => {
    let made: Promise<World> | undefined;
    const world = () => {
      made ??= World.make(registry().url);
      return made;
    };
    const post = async (headers: Record<string, string>, path: string, body: unknown) =>
      askApi(registry().url, { method: 'POST', path, body, headers });
    const token = async (by: Record<string, string>, rest: object): Promise<ApiAnswer> =>
      post(by, '/tokens', { name: 'made', ...rest });
    const owner = basic('alice', PASSWORD);

    test('a token with scopes makes none without, and none with more', async () => {
      await world();
      const scopes = [{ actions: ['pull', 'manage'], names: ['alice', 'alice/**', 'acme/app'] }];
      const limited = bearer((await token(owner, { scopes })).body.secret);
      const wider = [
        undefined,
        [{ actions: ['push'], names: ['acme/app'] }],
        [{ actions: ['pull'], names: ['acme/**'] }],
        [{ actions: ['pull'], names: ['**'] }],
        [{ actions: ['pull'], names: ['acme/app', 'acme/other'] }],
      ];
      for (const one of wider) {
        const answer = await token(limited, one === undefined ? {} : { scopes: one });
        expect([one, answer.status]).toEqual([one, 403]);
      }
      const narrower = [{ actions: ['pull'], names: ['acme/app'] }];
      const made = await token(limited, { scopes: narrower });
      expect(made.status).toBe(201);
      // Nor does it take over one by a new secret for it.
      const whole = Number((await token(owner, {})).body.id);
      expect((await post(limited, `/tokens/${whole}/rotate`, {})).status).toBe(403);
      expect((await post(limited, `/tokens/${made.body.id}/rotate`, {})).status).toBe(201);
    });

    test('what it makes has its conditions and ends with it', async () => {
      await world();
      const scopes = [{ actions: ['pull', 'manage'], names: ['alice'] }];
      const condition = { networks: ['127.0.0.0/8'] };
      const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
      const limited = await token(owner, { scopes, condition, expiresAt });
      const by = bearer(limited.body.secret);
      const made = await token(by, { scopes });
      expect(made.body).toMatchObject({ condition, expiresAt });
      const later = new Date(Date.now() + 7_200_000).toISOString();
      expect((await token(by, { scopes, expiresAt: later })).body).toMatchObject({ expiresAt });
      const elsewhere = { networks: ['0.0.0.0/0'] };
      expect((await token(by, { scopes, condition: elsewhere })).status).toBe(403);
    });

    test('no token changes how its owner signs in', async () => {
      await world();
      const whole = bearer((await token(owner, {})).body.secret);
      const changes: [string, object][] = [
        ['/account/password', { oldPassword: PASSWORD, newPassword: 'taken over in silence' }],
        ['/account/totp', {}],
        ['/account/identities/unlink', { provider: 'oidc:x', subject: 'x' }],
      ];
      for (const [path, body] of changes) {
        expect([path, (await post(whole, path, body)).status]).toEqual([path, 403]);
      }
    });

    test('an administrator by a token with scopes administers only when they say so', async () => {
      const { url } = await world();
      const admin = (await world()).callers.get('administrator') ?? {};
      const with_ = async (actions: string[]) => {
        const scopes = [{ actions, names: ['**'] }];
        return bearer((await token(admin, { scopes })).body.secret);
      };
      const users = { method: 'GET', path: '/users' };
      const pulls = await with_(['pull', 'push', 'delete', 'manage']);
      expect((await askApi(url, { ...users, headers: pulls })).status).toBe(403);
      const all = await with_(['administer']);
      expect((await askApi(url, { ...users, headers: all })).status).toBe(200);
    });

    test('who owns the root manages everything, and administers nothing', async () => {
      const setup = await world();
      await setup.admin('POST', '/users', { name: 'dora', password: PASSWORD });
      await setup.grant('user', 'dora', 'owner', '');
      const dora = basic('dora', PASSWORD);
      const ask = async (method: string, path: string, body?: unknown) =>
        (await askApi(setup.url, { method, path, body, headers: dora })).status;
      const subject = { kind: 'user', name: 'bob' };
      const grant = { subject, path: '' };
      expect(await ask('POST', '/grants', { ...grant, role: 'owner' })).toBe(201);
      expect(await ask('POST', '/grants', { ...grant, role: 'administrator' })).toBe(403);
      const policy = { path: '', name: 'all', ...setup.policy() };
      expect(await ask('POST', '/trust-policies', policy)).toBe(403);
      expect(await ask('PUT', '/declaration', { path: '' })).toBe(403);
      const { items } = await setup.admin('GET', '/grants?subject=user:admin');
      const [first] = items as { id: number }[];
      expect(await ask('DELETE', `/grants/${first?.id}`)).toBe(403);
      for (const path of ['/users', '/audit', '/signing-keys', '/invitations']) {
        expect([path, await ask('GET', path)]).toEqual([path, 403]);
      }
    });

    test('a token without scopes makes one that lives longer: it may all that its owner may', async () => {
      await world();
      const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
      const whole = bearer((await token(owner, { expiresAt })).body.secret);
      expect((await token(whole, {})).body).toMatchObject({ expiresAt: null });
    });

    test('a token for one path lists nothing of what lies below', async () => {
      const { url } = await world();
      const scopes = [{ actions: ['pull', 'manage'], names: ['acme'] }];
      const headers = bearer((await token(owner, { scopes })).body.secret);
      const lists = [
        ...['/robots', '/trust-policies', '/paths/below', '/policies/below', '/leases'],
        ...['/audit', '/audit/follow'],
      ];
      for (const path of [
        ...lists.map((one) => `${one}?path=acme`),
        '/grants?path=acme&below=true',
      ]) {
        const answer = await askApi(url, { method: 'GET', path, headers });
        expect([path, answer.status]).toEqual([path, 403]);
      }
      const here = { method: 'GET', path: '/grants?path=acme', headers };
      expect((await askApi(url, here)).status).toBe(200);
    });

    test('what is taken away is gone with the next request', async () => {
      const setup = await world();
      const { url } = setup;
      const whoami = { method: 'GET', path: '/whoami' };
      const given = await token(owner, {});
      const headers = bearer(given.body.secret);
      expect((await askApi(url, { ...whoami, headers })).status).toBe(200);
      await askApi(url, { method: 'DELETE', path: `/tokens/${given.body.id}`, headers });
      expect((await askApi(url, { ...whoami, headers })).status).toBe(401);
      const grant = await setup.grant('user', 'carol', 'reader', 'acme/other');
      const paths = {
        method: 'GET',
        path: '/paths?path=acme/other',
        headers: basic('carol', PASSWORD),
      };
      expect((await askApi(url, paths)).status).toBe(200);
      await setup.admin('DELETE', `/grants/${grant}`);
      expect((await askApi(url, paths)).status).toBe(404);
      await setup.admin('POST', '/users/carol/disable');
      expect((await askApi(url, paths)).status).toBe(401);
      await setup.admin('POST', '/users/carol/enable');
    });

    test('a robot of elsewhere is nobody to whom anything could be given or explained', async () => {
      const { url } = await world();
      const headers = basic('carol', PASSWORD);
      const asked = async (name: string) => {
        const subject = { kind: 'robot', name };
        const query = `subject=robot:${name}&action=pull&repository=carol`;
        const declared = {
          path: 'carol',
          grants: [{ role: 'reader', to: `robot:${name}`, on: 'carol' }],
        };
        const answers = [
          await post(headers, '/grants', { subject, path: 'carol', role: 'reader' }),
          await askApi(url, { method: 'GET', path: `/explain?${query}`, headers }),
          await askApi(url, {
            method: 'PUT',
            path: '/declaration?dryRun=true',
            body: declared,
            headers,
          }),
        ];
        return answers.map(
          ({ status, text }) =>
            `${status} ${text.replace(/"requestId":"[^"]*"/, '').replaceAll(name, 'X')}`,
        );
      };
      const there = await asked('acme:robot-1');
      expect(there.map((answer) => answer.slice(0, 3))).toEqual(['404', '404', '404']);
      expect(there).toEqual(await asked('acme:robot-9'));
      const administers = '/explain?subject=user:alice&action=administer&repository=carol';
      expect((await askApi(url, { method: 'GET', path: administers, headers })).status).toBe(403);
    });

    test('what one may not see looks just like what is not there', async () => {
      const { url } = await world();
      const headers = basic('carol', PASSWORD);
      const pairs: [string, string][] = [
        ['/grants?path=acme', '/grants?path=none'],
        ['/robots?path=acme', '/robots?path=none'],
        ['/paths?path=acme', '/paths?path=none'],
        ['/organisations/acme', '/organisations/none'],
        ['/organisations/acme/members', '/organisations/none/members'],
        ['/robots/1', '/robots/999999'],
        ['/tokens?owner=robot:1', '/tokens?owner=robot:999999'],
        ['/users/alice', '/users/none'],
        [
          '/explain?subject=user:alice&action=pull&repository=acme',
          '/explain?subject=user:none&action=pull&repository=none',
        ],
      ];
      const bare = ({ status, text }: ApiAnswer) =>
        `${status} ${text.replace(/"requestId":"[^"]*"/, '').replaceAll(/acme|none/g, 'X')}`;
      for (const [there, absent] of pairs) {
        const ask = (path: string) => askApi(url, { method: 'GET', path, headers });
        expect(bare(await ask(there))).toBe(bare(await ask(absent)));
      }
    });
  },
  { isPrivate: true },
);
