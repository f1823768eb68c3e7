// Rights to some tags of a repository: nothing else there can be moved or taken away by them.
import { expect } from 'bun:test';
import { ADMIN_PASSWORD } from '../support/entrepot.ts';
import { addUser, basic, grant } from '../support/people.ts';
import { onBothEngines } from './engines.ts';
import { BLOB, DIGEST, MANIFEST, PRIVATE, pushPrivate } from './hidden-repository.ts';
import { OCI_MANIFEST } from './push.ts';

onBothEngines(
  'a right to some tags',
  ({ test, registry }) => {
    test('moves those and no others, and takes nothing away that is of no tag', async () => {
      const { url } = registry();
      await pushPrivate(url);
      const id = await addUser(registry(), { name: 'dev', password: 'a good long one' });
      const to = { kind: 'user', id } as const;
      await grant(registry(), { to, role: 'maintainer', path: PRIVATE, tags: ['dev-*'] });
      const dev = basic('dev', 'a good long one');
      const send = async (method: string, path: string, who = dev) => {
        const headers = { Authorization: who, 'Content-Type': OCI_MANIFEST };
        const body = method === 'PUT' ? MANIFEST : null;
        const response = await fetch(`${url}/v2/${PRIVATE}/${path}`, { method, headers, body });
        return response.status;
      };
      expect(await send('PUT', 'manifests/dev-1')).toBe(201);
      expect(await send('PUT', `manifests/${DIGEST}?tag=dev-1&tag=dev-2`)).toBe(201);
      for (const path of ['manifests/v2', `manifests/${DIGEST}?tag=dev-1&tag=v2`]) {
        expect([path, await send('PUT', path)]).toEqual([path, 403]);
      }
      expect(await send('PUT', 'manifests/dev-1?tag=v2')).toBe(400);
      expect(await send('DELETE', 'manifests/v1')).toBe(403);
      const admin = basic('admin', ADMIN_PASSWORD);
      for (const tag of ['v1', 'dev-1', 'dev-2']) {
        expect(await send('DELETE', `manifests/${tag}`, tag === 'v1' ? admin : dev)).toBe(202);
      }
      // Nobody's tag needs it, and somebody may pull it by its digest.
      for (const path of [`manifests/${DIGEST}`, `blobs/${BLOB}`]) {
        expect([path, await send('DELETE', path)]).toEqual([path, 403]);
      }
      expect(await send('GET', `blobs/${BLOB}`, admin)).toBe(200);
      expect(await send('DELETE', `blobs/${BLOB}`, admin)).toBe(202);
    });
  },
  { isPrivate: true },
);
