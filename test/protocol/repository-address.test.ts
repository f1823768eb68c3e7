// How the management API names a repository: as one encoded part, or by its id.
import { expect } from 'bun:test';
import { ADMIN_PASSWORD, type TestRegistry } from '../support/entrepot.ts';
import { addAccessToken, addUser, grant } from '../support/people.ts';
import { ADMIN, askApi, basic, bearer } from './api-world.ts';
import { onBothEngines } from './engines.ts';
import { ABSENT, PRIVATE, pushPrivate } from './hidden-repository.ts';

onBothEngines(
  'addresses of repositories',
  ({ test, registry }) => {
    let pushing: Promise<number> | undefined;
    /** Only inside a test. @returns the id of the private repository. */
    const prepared = () => {
      pushing ??= prepare(registry());
      return pushing;
    };
    const ask = (path: string, headers: Record<string, string> = ADMIN) =>
      askApi(registry().url, { method: 'GET', path: `/repositories/${path}`, headers });

    test('a name is one encoded part, an id goes without', async () => {
      const id = await prepared();
      for (const path of ['team%2Fprivate', 'team%2fprivate', `id:${id}`, `id%3A${id}`]) {
        const { status, body } = await ask(path);
        expect([path, status, body.id, body.name]).toEqual([path, 200, id, PRIVATE] as never);
      }
      expect((await ask(`id:${id}`)).body).toMatchObject({
        visibility: 'private',
        tags: { count: 1, isMore: false },
        manifests: { count: 1, isMore: false },
      });
    });

    test('what is no name and no id is refused, what a proxy decoded is not found', async () => {
      const id = await prepared();
      const decoded = await ask('team/private');
      expect([decoded.status, decoded.text.includes('Nothing is served')]).toEqual([404, true]);
      for (const path of [
        'team%252Fprivate',
        'team%2F%2Fprivate',
        '%2Fteam%2Fprivate',
        'team%2F..%2Fprivate',
        'id:',
        'id:0',
        'id:-1',
        `id:0${id}`,
        'id:1e3',
        `id:${'9'.repeat(16)}`,
        '~1',
      ]) {
        const { status, text } = await ask(path);
        expect([path, status, text]).toEqual([
          path,
          400,
          expect.stringContaining('REQUEST_INVALID'),
        ]);
      }
    });

    test('under /v2/ an encoded slash stays refused', async () => {
      await prepared();
      const headers = basic('admin', ADMIN_PASSWORD);
      const answer = await fetch(`${registry().url}/v2/team%2Fprivate/tags/list`, { headers });
      expect(answer.status).toBe(400);
    });

    test('one that may not be seen is as one that is not there, by name and by id', async () => {
      const id = await prepared();
      const owner = { kind: 'user', id: await addUser(registry(), { name: 'alice' }) } as const;
      await grant(registry(), { to: owner, path: 'team/own', role: 'owner' });
      const { secret } = await addAccessToken(registry(), { owner });
      for (const headers of [{}, bearer(secret)]) {
        const pairs = [
          [encodeURIComponent(PRIVATE), encodeURIComponent(ABSENT)],
          [`id:${id}`, 'id:999999999'],
        ] as const;
        for (const [there, absent] of pairs) {
          const [one, other] = [await ask(there, headers), await ask(absent, headers)];
          expect(one.status).toBe('Authorization' in headers ? 404 : 401);
          expect(withoutNames(one.text, there)).toBe(withoutNames(other.text, absent));
        }
      }
    });
  },
  { isPrivate: true },
);

function withoutNames(text: string, address: string): string {
  return text
    .replaceAll(decodeURIComponent(address), 'NAME')
    .replace(/"requestId":"[^"]*"/, '"requestId":""');
}

async function prepare(registry: TestRegistry): Promise<number> {
  await pushPrivate(registry.url);
  const path = `/repositories/${encodeURIComponent(PRIVATE)}`;
  const { body } = await askApi(registry.url, { method: 'GET', path, headers: ADMIN });
  return Number(body.id);
}
