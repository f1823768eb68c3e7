// A database of version 0.2, which kept no account of what is held: after the upgrade everything that was
// pulled is pulled, it is counted, and only what nothing names is collected.
import { afterEach, describe, expect } from 'bun:test';
import { join } from 'node:path';
import { countUsage } from '../../src/jobs/usage-counters.ts';
import { collect } from '../../src/lifecycle/collection/collect.ts';
import { collectionCommands } from '../../src/lifecycle/collection/collection.command.ts';
import { usageCommands } from '../../src/lifecycle/usage/usage.command.ts';
import type { Commands } from '../../src/metadata/command.ts';
import { GroupCommit } from '../../src/metadata/group-commit.ts';
import { MIGRATIONS, migrateSqlite } from '../../src/metadata/migrate.ts';
import { migratePostgres } from '../../src/metadata/migrate-postgres.ts';
import { openPostgresPool, PostgresCommands, PostgresSql } from '../../src/metadata/postgres.ts';
import type { Sql } from '../../src/metadata/sql.ts';
import { openSqliteWriter } from '../../src/metadata/sqlite.ts';
import { statement } from '../../src/metadata/statement.ts';
import { temporaryFolder } from '../../src/metadata/suite-drivers.ts';
import { readScopes, recountUsage } from '../../src/metadata/usage-scopes.ts';
import { postgresMissing, startPostgres } from '../support/postgres.ts';
import { requires } from '../support/requires.ts';

const BEFORE = MIGRATIONS.filter(({ name }) => name < '0003');
const DAY_MS = 24 * 60 * 60 * 1000;

const table = { ...collectionCommands(), ...usageCommands() };

interface Upgraded {
  readonly sql: Sql;
  readonly commands: Commands<typeof table>;
}

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

/** How version 0.2 left a tagged image, one without a tag, and a blob that nothing names. */
function rowsOfOldVersion(digest: (text: string) => string): string[] {
  const names = ['tagged', 'its layer', 'untagged', 'orphan'];
  return [
    `insert into namespaces (id, path, parent_id, created_at) values (2, 'team', 1, 0)`,
    `insert into repositories (id, name, namespace_id, listed, visibility, created_at)
      values (1, 'team/app', 2, 1, 'private', 0)`,
    ...names.map(
      (name, index) => `insert into blobs (id, digest, size, storage_key, state, created_at)
        values (${index + 1}, ${digest(name)}, 100, null, 'stored', 0)`,
    ),
    ...names.map(
      (_, index) =>
        `insert into payloads (blob_id, bytes) values (${index + 1}, ${digest('bytes')})`,
    ),
    `insert into repository_blobs (repository_id, blob_id, created_at) values (1, 2, 0), (1, 4, 0)`,
    `insert into manifests (id, repository_id, blob_id, media_type, created_at)
      values (1, 1, 1, 'application/x', 0), (2, 1, 3, 'application/x', 0)`,
    `insert into manifest_references (parent_id, child_id, kind) values (1, 2, 'layer')`,
    `insert into tags (id, repository_id, name, manifest_id, sequence) values (1, 1, 'v1', 1, 1)`,
    `insert into tag_events (tag_id, sequence, old_blob_id, new_blob_id, at, actor, cause)
      values (1, 1, null, 1, 0, 'someone', 'push')`,
  ];
}

const hexOf = (text: string) => Bun.CryptoHasher.hash('sha256', text, 'hex');

async function openSqlite(): Promise<Upgraded> {
  const folder = temporaryFolder();
  closing.push(() => folder.remove());
  const sql = openSqliteWriter(join(folder.path, 'entrepot.db'), Date.now);
  await migrateSqlite(sql, { version: '0.2.0', migrations: BEFORE });
  for (const text of rowsOfOldVersion((name) => `x'01${hexOf(name)}'`)) sql.execute(text);
  await migrateSqlite(sql, { version: '0.3.0' });
  const commit = new GroupCommit({ connection: sql, commands: table });
  closing.push(() => commit.close());
  return { sql, commands: commit as unknown as Commands<typeof table> };
}

async function openPostgres(): Promise<Upgraded> {
  const url = await (await startPostgres()).createDatabase();
  await migratePostgres(url, { version: '0.2.0', migrations: BEFORE });
  const pool = openPostgresPool(url, 4);
  for (const text of rowsOfOldVersion((name) => `'\\x01${hexOf(name)}'::bytea`)) {
    await pool.unsafe(text);
  }
  await migratePostgres(url, { version: '0.3.0' });
  const runner = new PostgresCommands(pool, table);
  closing.push(() => runner.close());
  return { sql: new PostgresSql(pool), commands: runner as unknown as Commands<typeof table> };
}

const held = statement()((q) =>
  q
    .selectFrom('repository_blobs')
    .select(['blob_id as id', 'unheld_since as unheldSince'])
    .orderBy('blob_id'),
);
const stored = statement()((q) =>
  q.selectFrom('blobs').select('id').where('state', '=', 'stored').orderBy('id'),
);

async function collectInDays(parts: Upgraded, days: number): Promise<void> {
  const settings = { graceMs: DAY_MS, rowsPerSecond: 0 };
  const now = () => Date.now() + days * DAY_MS;
  const turn = { extend: async () => {}, isStopping: () => false, early: 0 };
  for (let run = 0; run < 10; run += 1) {
    const { isOver } = await collect({ ...parts, settings, now, pause: async () => {} }, turn);
    if (isOver) return;
  }
  throw new Error('the collector finds no end');
}

const missing = postgresMissing();
const engines = [
  { engine: 'SQLite', open: openSqlite, test: requires('sqlite', true, '') },
  {
    engine: 'PostgreSQL',
    open: openPostgres,
    test: requires('postgres', missing === undefined, missing ?? ''),
  },
] as const;

for (const { engine, open, test } of engines) {
  describe(`an upgrade from 0.2 on ${engine}`, () => {
    test('counts what is there, and collects only what nothing names', async () => {
      const parts = await open();
      await countUsage(parts as never, { extend: async () => {}, isStopping: () => false });
      const [team] = await readScopes(parts.sql, ['team']);
      expect(team).toMatchObject({
        state: 'exact',
        tags: 1,
        repositories: 1,
        blobs: 4,
        bytes: 400,
      });

      await collectInDays(parts, 0);
      expect(await parts.sql.all(stored, {})).toHaveLength(4);

      await collectInDays(parts, 400);
      // The layer is held from now on; the orphan is gone; both images stay, no policy says otherwise.
      expect(await parts.sql.all(held, {})).toEqual([{ id: 2, unheldSince: null }]);
      expect((await parts.sql.all(stored, {})).map(({ id }) => id)).toEqual([1, 2, 3]);
      const [after] = await readScopes(parts.sql, ['team']);
      expect(after).toMatchObject(await recountUsage(parts.sql, 'team'));
      expect(after).toMatchObject({ blobs: 3, bytes: 300 });
    }, 60_000);
  });
}
