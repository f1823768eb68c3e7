// A bearer token that is not for a repository which anyone may read: it takes nothing away there.
import { expect } from 'bun:test';
import { addUser, basic, setVisibility } from '../support/people.ts';
import { onBothEngines } from './engines.ts';
import { BLOB, PRIVATE, pushPrivate } from './hidden-repository.ts';

onBothEngines(
  'a token for something else',
  ({ test, registry }) => {
    const bearer = async (query: string, authorization?: string) => {
      const headers = authorization === undefined ? {} : { Authorization: authorization };
      const response = await fetch(`${registry().url}/token?${query}`, { headers });
      return `Bearer ${((await response.json()) as { token: string }).token}`;
    };
    const send = (path: string, authorization: string, method = 'GET') =>
      fetch(registry().url + path, { method, headers: { Authorization: authorization } });

    test('shows all tags of a public repository, and mounts from it', async () => {
      const { url } = registry();
      await pushPrivate(url);
      await setVisibility(registry(), { path: PRIVATE, visibility: 'public' });
      await addUser(registry(), { name: 'alice', password: 'a good long one' });
      const alice = basic('alice', 'a good long one');
      for (const token of [
        await bearer('scope=registry:catalog:*', alice),
        await bearer('scope=repository:alice/app:push'),
        await bearer('scope=repository:alice/app:push', alice),
      ]) {
        const tags = await send(`/v2/${PRIVATE}/tags/list`, token);
        expect(await tags.json()).toEqual({ name: PRIVATE, tags: ['v1'] });
      }
      const pusher = await bearer('scope=repository:alice/app:push', alice);
      const mount = `/v2/alice/app/blobs/uploads/?mount=${BLOB}&from=${PRIVATE}`;
      expect((await send(mount, pusher, 'POST')).status).toBe(201);
    });
  },
  { isPrivate: true },
);
