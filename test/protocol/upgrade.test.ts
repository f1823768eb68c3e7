// A data directory of the version before access control, under this one: everything is there, it is private,
// and the administrator who is made reads it. The way back is closed, and says so.
import { describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import type { DatabaseSettings } from '../../src/app/database.ts';
import { SchemaTooNewError } from '../../src/metadata/migrate.ts';
import { temporaryFolder } from '../../src/metadata/suite-drivers.ts';
import { startTestRegistry, type TestRegistry } from '../support/entrepot.ts';
import { addUser, basic } from '../support/people.ts';
import { postgresMissing, startPostgres } from '../support/postgres.ts';
import { type ConditionalTest, requires } from '../support/requires.ts';
import { pushByFirstVersion, startFirstVersion } from './first-version.ts';
import { BLOB, CONFIG, DIGEST, MANIFEST } from './hidden-repository.ts';
import { OCI_MANIFEST } from './push.ts';

type OpenDatabase = (directory: string) => Promise<DatabaseSettings>;

async function withUpgraded(
  open: OpenDatabase,
  work: (registry: TestRegistry, database: DatabaseSettings) => Promise<void>,
): Promise<void> {
  const folder = temporaryFolder();
  const database = await open(folder.path);
  await startFirstVersion(database);
  await pushByFirstVersion(database);
  const registry = await startTestRegistry({
    database,
    directory: folder.path,
    isPrivate: true,
    access: { adminPassword: undefined },
  });
  try {
    await work(registry, database);
  } finally {
    await registry.stop();
    folder.remove();
  }
  expect(registry.faults).toEqual([]);
}

const READS = [
  'team/old/manifests/v1',
  `team/old/manifests/${DIGEST}`,
  `team/old/blobs/${BLOB}`,
  'team/old/tags/list',
];

function describeUpgrade(engine: string, run: ConditionalTest, open: OpenDatabase): void {
  describe(`an upgrade from 0.1.0 on ${engine}`, () => {
    run('keeps everything, for the administrator that it makes and nobody else', async () => {
      await withUpgraded(open, async (registry) => {
        const { url } = registry;
        const ask = async (path: string, Authorization?: string) => {
          const headers = Authorization === undefined ? {} : { Authorization };
          const answer = await fetch(`${url}/v2/${path}`, { headers });
          return { status: answer.status, body: await answer.text() };
        };
        const { firstPassword } = registry;
        const admin = basic('admin', firstPassword ?? '');
        expect(await ask('team/old/manifests/v1', admin)).toEqual({ status: 200, body: MANIFEST });
        expect(await ask(`team/old/blobs/${BLOB}`, admin)).toEqual({ status: 200, body: CONFIG });
        const tags = await ask('team/old/tags/list', admin);
        expect(JSON.parse(tags.body)).toEqual({ name: 'team/old', tags: ['v1'] });
        const listed = await ask('_catalog', admin);
        expect(JSON.parse(listed.body)).toEqual({ repositories: ['team/old'] });
        await addUser(registry, { name: 'alice', password: 'correct horse battery' });
        const alice = basic('alice', 'correct horse battery');
        for (const path of READS) {
          expect([path, (await ask(path)).status]).toEqual([path, 401]);
          expect([path, (await ask(path, alice)).status]).toEqual([path, 404]);
        }
        expect(JSON.parse((await ask('_catalog', alice)).body)).toEqual({ repositories: [] });
      });
    });

    run('goes on with what is there: a tag moves on from where it was', async () => {
      await withUpgraded(open, async ({ url, firstPassword }) => {
        const Authorization = basic('admin', firstPassword ?? '');
        const headers = { Authorization, 'Content-Type': OCI_MANIFEST };
        const next = `${MANIFEST} `;
        const at = `${url}/v2/team/old/manifests/v1`;
        const stale = { ...headers, 'If-Match': '"sha256:other"' };
        expect((await fetch(at, { method: 'PUT', body: next, headers: stale })).status).toBe(412);
        const fresh = { ...headers, 'If-Match': `"${DIGEST}"` };
        expect((await fetch(at, { method: 'PUT', body: next, headers: fresh })).status).toBe(201);
        const before = await fetch(`${url}/v2/team/old/manifests/${DIGEST}`, { headers });
        expect(await before.text()).toBe(MANIFEST);
      });
    });

    run('is not undone by starting the older program, which says why', async () => {
      await withUpgraded(open, async (_registry, database) => {
        const older = startFirstVersion(database);
        await expect(older).rejects.toThrow(SchemaTooNewError);
        await expect(startFirstVersion(database)).rejects.toThrow(/0002-access.*0\.2\.0.*0\.1\.0/);
      });
    });
  });
}

describeUpgrade('SQLite', test, async (directory) => ({
  kind: 'sqlite',
  path: join(directory, 'entrepot.db'),
}));

const missing = postgresMissing();
describeUpgrade(
  'PostgreSQL',
  requires('postgres', missing === undefined, missing ?? ''),
  async () => ({ kind: 'postgres', url: await (await startPostgres()).createDatabase() }),
);
