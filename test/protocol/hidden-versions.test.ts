// What history, plans, leases, sizes and the trash could tell of what somebody may not see.
import { expect } from 'bun:test';
import { ADMIN, type ApiAnswer, askApi, basic, PASSWORD } from './api-world.ts';
import { onBothEngines } from './engines.ts';
import { digestOf, OCI_INDEX } from './push.ts';

type Row = Record<string, unknown>;

let spaces = 0;

onBothEngines(
  'what versions tell of what is hidden',
  ({ test, registry }) => {
    const ask = (who: string, method: string, path: string, body?: unknown): Promise<ApiAnswer> => {
      const headers = who === 'admin' ? ADMIN : basic(who, PASSWORD);
      return askApi(registry().url, { method, path, body, headers });
    };
    const good = async (method: string, path: string, body?: unknown): Promise<Row> => {
      const answer = await ask('admin', method, path, body);
      if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.text}`);
      return answer.body;
    };
    const push = async (name: string, reference: string, seed = reference): Promise<string> => {
      const manifest = { schemaVersion: 2, mediaType: OCI_INDEX, manifests: [] };
      const body = JSON.stringify({ ...manifest, annotations: { seed } });
      const headers = { ...ADMIN, 'Content-Type': OCI_INDEX };
      const at = `${registry().url}/v2/${name}/manifests/${reference}`;
      expect((await fetch(at, { method: 'PUT', body, headers })).status).toBe(201);
      return digestOf(body);
    };
    const at = (name: string, rest = '') => `/repositories/${encodeURIComponent(name)}${rest}`;
    const grant = (name: string, role: string, path: string, more: object = {}) =>
      good('POST', '/grants', { subject: { kind: 'user', name }, path, role, ...more });
    const newUser = async (): Promise<string> => {
      spaces += 1;
      await good('POST', '/users', { name: `user-${spaces}`, password: PASSWORD });
      return `user-${spaces}`;
    };
    const newSpace = (): string => {
      spaces += 1;
      return `space-${spaces}`;
    };
    const past = () => new Date(Date.now() - 1).toISOString();

    test('a private repository in a public namespace stays hidden in its history and plans', async () => {
      const [stranger, space] = [await newUser(), newSpace()];
      await good('PATCH', `/paths?path=${space}`, { visibility: 'public' });
      await good('PATCH', `/paths?path=${space}/secret`, { visibility: 'private' });
      await push(`${space}/open`, 'v1');
      const hidden = await push(`${space}/secret`, 'v1', 'hidden');
      const time = past();
      await push(`${space}/secret`, 'v1', 'other');
      const plan = await good('POST', '/plans', { kind: 'restore', path: space, time });
      for (const path of [
        `/tags-at?path=${space}&time=${new Date().toISOString().replace(/\d{3}Z/, '000Z')}`,
        `/plans?path=${space}`,
        `/plans/${plan.id}`,
        `/plans/${plan.id}/items`,
      ]) {
        const { status, text } = await ask(stranger, 'GET', path);
        expect([path, status >= 400 && !text.includes(hidden)]).toEqual([path, true]);
      }
      const open = `/tags-at?path=${space}/open&time=${past()}`;
      expect((await ask(stranger, 'GET', open)).status).toBe(200);
      await grant(stranger, 'reader', space);
      expect((await ask(stranger, 'GET', `/plans/${plan.id}/items`)).status).toBe(200);
    });

    test('who may pull some tags learns no digest of the others', async () => {
      const [reader, space] = [await newUser(), newSpace()];
      const name = `${space}/app`;
      await push(name, 'v1');
      const hidden = await push(name, 'secret');
      await grant(reader, 'reader', name, { tags: ['v*'] });
      const item = { repository: name, tag: 'secret' };
      const lease = { ttlSeconds: 600, items: [item] };
      const absent = { ttlSeconds: 600, items: [{ repository: name, tag: 'absent' }] };
      const answers = [
        await ask(reader, 'PUT', `/leases/${space}`, lease),
        await ask(reader, 'GET', at(name, '/tags/secret/sizes')),
      ];
      const like = [
        await ask(reader, 'PUT', `/leases/${space}`, absent),
        await ask(reader, 'GET', at(name, '/tags/absent/sizes')),
      ];
      for (const [number, { status, text }] of answers.entries()) {
        expect(status).toBe(404);
        expect(text).not.toContain(hidden);
        const same = like[number]?.text.replaceAll('absent', 'secret') ?? '';
        const plain = (one: string) => one.replace(/"requestId":"[^"]*"/, '');
        expect(plain(text)).toBe(plain(same));
      }
    });

    test('who sees what is public may not hold it', async () => {
      const [stranger, space] = [await newUser(), newSpace()];
      const name = `${space}/app`;
      const digest = await push(name, 'v1');
      for (const visibility of ['public', 'internal']) {
        await good('PATCH', `/paths?path=${space}`, { visibility });
        const lease = { ttlSeconds: 600, items: [{ repository: name, digest }] };
        const refused = await ask(stranger, 'PUT', `/leases/${space}`, lease);
        expect([refused.status, refused.text]).toEqual([403, expect.stringContaining('grant')]);
      }
      await grant(stranger, 'reader', name);
      const lease = { ttlSeconds: 600, items: [{ repository: name, tag: 'v1' }] };
      expect((await ask(stranger, 'PUT', `/leases/${space}`, lease)).status).toBe(200);
    });

    test('a filter over the trash says nothing of what one may not see', async () => {
      const [stranger, space] = [await newUser(), newSpace()];
      await push(`${space}/app`, 'v1');
      await good('DELETE', at(`${space}/app`));
      for (const verb of ['restore', 'purge']) {
        for (const path of [space, `${space}-none`, '']) {
          const { text } = await ask(stranger, 'POST', `/trash/${verb}`, { filter: { path } });
          expect(text).not.toContain('"refused":[{');
        }
      }
    });

    test('a repository that was moved away is not named to who reads where it was', async () => {
      const [keeper, space, elsewhere] = [await newUser(), newSpace(), newSpace()];
      await grant(keeper, 'owner', space);
      const name = `${space}/app`;
      await push(name, 'v1', 'one');
      const time = past();
      await push(name, 'v1', 'two');
      const plan = await good('POST', '/plans', { kind: 'restore', path: space, time });
      await good('POST', at(name, '/rename'), { to: `${elsewhere}/hidden` });
      await ask(keeper, 'POST', `/plans/${plan.id}/apply`, {});
      const items = await ask(keeper, 'GET', `/plans/${plan.id}/items`);
      expect(items.body.items).toMatchObject([{ state: 'skipped' }]);
      expect(items.text).not.toContain('hidden');
      await push(`${space}/other`, 'v1');
      const renamed = await ask(keeper, 'POST', at(`${space}/other`, '/rename'), { to: name });
      expect(renamed.status).toBe(403);
      expect(renamed.text).not.toContain('hidden');
    });

    test('an old name answers as none to who may not see the new one', async () => {
      const [keeper, space, elsewhere] = [await newUser(), newSpace(), newSpace()];
      await grant(keeper, 'maintainer', space);
      await push(`${space}/app`, 'v1', 'one');
      await good('POST', at(`${space}/app`, '/rename'), { to: `${elsewhere}/hidden` });
      const Authorization = basic(keeper, PASSWORD).Authorization;
      for (const [method, rest] of [
        ['GET', 'manifests/v1'],
        ['HEAD', 'manifests/v1'],
        ['GET', 'tags/list'],
        ['PUT', 'manifests/v2'],
        ['POST', 'blobs/uploads/'],
        ['POST', `blobs/uploads/?mount=${digestOf('x')}&from=${elsewhere}/hidden`],
        ['DELETE', 'manifests/v1'],
      ]) {
        const url = `${registry().url}/v2/${space}/app/${rest}`;
        const manifest = JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [] });
        const response = await fetch(url, {
          method: String(method),
          headers: { Authorization, 'Content-Type': OCI_INDEX },
          ...(method === 'PUT' && { body: manifest }),
        });
        const told = JSON.stringify([...response.headers]) + (await response.text());
        expect([method, rest, told.includes('hidden')]).toEqual([method, rest, false]);
      }
    });

    test('an id says nothing of a private repository, whatever is visible at the root', async () => {
      const stranger = await newUser();
      await push('hidden-by-id/app', 'v1');
      const { id } = await good('GET', at('hidden-by-id/app'));
      await good('PATCH', '/paths?path=hidden-by-id', { visibility: 'private' });
      for (const visibility of ['public', 'internal', 'private']) {
        await good('PATCH', '/paths?path=', { visibility });
        for (const headers of [{}, basic(stranger, PASSWORD)]) {
          for (const [method, rest] of [
            ['GET', ''],
            ['GET', '/tags'],
            ['DELETE', ''],
            ['PUT', '/tags/v1'],
          ] as const) {
            const body = method === 'PUT' ? { digest: digestOf('x') } : undefined;
            const [there, absent] = await Promise.all(
              [id, 999_999].map((one) =>
                askApi(registry().url, {
                  method,
                  path: `/repositories/id:${one}${rest}`,
                  body,
                  headers,
                }),
              ),
            );
            const said = `${visibility} ${method} ${rest} ${there?.text}`;
            expect([said, absent?.status]).toEqual([said, there?.status]);
          }
        }
      }
    });

    test('a new account takes no name where something lies in the trash, or that still answers', async () => {
      const [trashed, renamed] = [newSpace(), newSpace()];
      await push(`${trashed}/app`, 'v1');
      await good('DELETE', at(`${trashed}/app`));
      await push(`${renamed}/app`, 'v1');
      await good('POST', '/namespaces/rename', { path: renamed, to: newSpace() });
      for (const name of [trashed, renamed]) {
        const user = await ask('admin', 'POST', '/users', { name, password: PASSWORD });
        const organisation = await ask('admin', 'POST', '/organisations', { name, owner: 'admin' });
        expect([name, user.status, organisation.status]).toEqual([name, 409, 409]);
      }
    });

    test('a namespace is not rid of its quota by being deleted by those whom it limits', async () => {
      const [keeper, space] = [await newUser(), newSpace()];
      await good('POST', '/organisations', { name: space, owner: keeper });
      await good('PUT', `/policies/quota?path=${space}`, { repositories: { hard: 1 } });
      await push(`${space}/app`, 'v1');
      const namespace = `/namespaces?path=${space}`;
      expect((await ask(keeper, 'DELETE', `${namespace}&dryRun=true`)).status).toBe(403);
      expect((await ask(keeper, 'DELETE', namespace)).status).toBe(403);
      expect((await ask('admin', 'GET', `/policies?path=${space}`)).text).toContain('"hard":1');
      // What it may lift itself goes with what lies there.
      await good('PUT', `/policies/quota?path=${space}/app`, { tags: { hard: 9 } });
      expect((await ask(keeper, 'DELETE', at(`${space}/app`))).status).toBe(200);
      // What limits somebody else's part of it is not left behind by moving away from it either.
      const owner = await newUser();
      await push(`${space}/part/app`, 'v1');
      await good('PUT', `/policies/quota?path=${space}/part`, { tags: { hard: 9 } });
      await grant(owner, 'owner', `${space}/part`);
      const move = { path: `${space}/part`, to: `${owner}/part`, grants: 'leave' };
      expect((await ask(owner, 'POST', '/namespaces/rename', move)).status).toBe(403);
      await grant(owner, 'owner', space);
      expect((await ask(owner, 'POST', '/namespaces/rename', move)).status).toBe(200);
    });
  },
  { isPrivate: true },
);
