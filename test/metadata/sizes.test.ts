// Sizes against a slow recount in another way, on registries made up by seeds, on both engines.
import { afterEach, describe, expect, test } from 'bun:test';
import { sizeReports } from '../../src/lifecycle/sizes/reports.ts';
import { migrateSqlite } from '../../src/metadata/migrate.ts';
import { migratePostgres } from '../../src/metadata/migrate-postgres.ts';
import { openPostgresPool, PostgresReports } from '../../src/metadata/postgres.ts';
import type { ReportRunner, Reports } from '../../src/metadata/report.ts';
import { openSqliteReader, openSqliteWriter } from '../../src/metadata/sqlite.ts';
import { SqliteReports } from '../../src/metadata/sqlite-reports.ts';
import type { SqlValue } from '../../src/metadata/statement.ts';
import { temporaryFolder } from '../../src/metadata/suite-drivers.ts';
import { postgresMissing, startPostgres } from '../support/postgres.ts';
import { type ConditionalTest, requires } from '../support/requires.ts';
import { type MadeRegistry, makeRegistry, rowsOf } from './random-registry.ts';
import { recountTag, recountTogether } from './recount-sizes.ts';

/** More of them where nothing is waited for. */
const SEEDS = { sqlite: 60, postgres: 8 };

interface Opened {
  readonly runner: ReportRunner;
  close(): Promise<void>;
}

const LEASE = {
  id: 1,
  name: 'prod',
  principal: 'p',
  actor: 'a',
  detail: '',
  expires_at: 9,
  created_at: 1,
};
const TRASH = {
  ...{ kind: 'namespace', path: 'team/old', hidden_path: '~7', deleted_at: 5 },
  ...{ actor: 'a', principal: 'p', cause: 'c' },
};

async function fill(
  registry: MadeRegistry,
  insert: (text: string, values: SqlValue[]) => Promise<unknown> | unknown,
  place: (number: number) => string,
): Promise<void> {
  const rows = [
    { table: 'leases', row: LEASE },
    { table: 'trash', row: TRASH },
    ...rowsOf(registry),
  ];
  rows.sort((a, b) => (a.table === 'lease_items' ? 1 : 0) - (b.table === 'lease_items' ? 1 : 0));
  for (const { table, row } of rows) {
    const columns = Object.keys(row);
    const places = columns.map((_, index) => place(index + 1)).join(', ');
    const text = `insert into ${table} (${columns.join(', ')}) values (${places})`;
    await insert(text, Object.values(row as Record<string, SqlValue>));
  }
}

async function openSqlite(registry: MadeRegistry): Promise<Opened> {
  const folder = temporaryFolder();
  const path = `${folder.path}/entrepot.db`;
  const writer = openSqliteWriter(path, Date.now);
  await migrateSqlite(writer, { version: '0.3.0' });
  writer.execute('begin');
  await fill(
    registry,
    (text, values) => writer.query(text, values),
    () => '?',
  );
  writer.execute('commit');
  writer.close();
  const open = () => openSqliteReader(path, Date.now);
  const runner = new SqliteReports({ reports: sizeReports(), open });
  return {
    runner,
    async close() {
      await runner.close();
      folder.remove();
    },
  };
}

async function openPostgres(registry: MadeRegistry): Promise<Opened> {
  const url = await (await startPostgres()).createDatabase();
  await migratePostgres(url, { version: '0.3.0' });
  const pool = openPostgresPool(url, 2);
  await fill(
    registry,
    (text, values) => pool.unsafe(text, values as never[]),
    (number) => `$${number}`,
  );
  const runner = new PostgresReports(pool, sizeReports());
  return { runner, close: () => runner.close() };
}

function describeSizes(
  engine: keyof typeof SEEDS,
  { test: testOn, open }: { test: ConditionalTest; open(registry: MadeRegistry): Promise<Opened> },
): void {
  describe(`sizes on ${engine}`, () => {
    let opened: Opened | undefined;
    afterEach(async () => {
      await opened?.close();
      opened = undefined;
    });

    for (let seed = 1; seed <= SEEDS[engine]; seed += 1) {
      testOn(`agree with a recount, seed ${seed}`, async () => {
        const registry = makeRegistry(seed);
        opened = await open(registry);
        const reports = opened.runner as unknown as Reports<ReturnType<typeof sizeReports>>;
        const live = registry.repositories.filter(({ name }) => !name.startsWith('~'));
        const deleted = registry.repositories.filter(({ name }) => name.startsWith('~'));
        for (const repository of live) {
          for (const tag of repository.tags.keys()) {
            const sizes = await reports.run('tagSizes', { repository: repository.id, tag });
            expect({ tag, ...sizes }).toMatchObject({
              tag,
              ...recountTag(registry, repository, tag),
            });
          }
          const sizes = await reports.run('repositorySizes', { repository: repository.id });
          const recount = recountTogether(registry, { inside: [repository] });
          expect(sizes).toEqual(recount);
          const { bytes, apparent, blobs, tags } = recount.live;
          const usage = await reports.run('repositoryUsage', { repository: repository.id });
          expect(usage).toEqual({ bytes, apparent, blobs, tags });
        }
        for (const path of ['', 'team', 'team/app', 'team-b', 'nothing']) {
          const inside = live.filter(
            ({ name }) => path === '' || name === path || name.startsWith(`${path}/`),
          );
          const isAbove = path === '' || path === 'team';
          const recount = recountTogether(registry, { inside, deleted: isAbove ? deleted : [] });
          const sizes = await reports.run('namespaceSizes', { path });
          expect({ path, ...sizes }).toEqual({
            path,
            live: { ...recount.live, repositories: inside.length },
            history: recount.history,
          });
        }
      });
    }
  });
}

test('the registries that are made have something of everything', () => {
  const seen = new Set<string>();
  for (let seed = 1; seed <= SEEDS.postgres; seed += 1) {
    const registry = makeRegistry(seed);
    for (const repository of registry.repositories) {
      for (const { state, subject } of repository.manifests) {
        seen.add(state);
        if (subject !== undefined) seen.add('referrer');
      }
      for (const right of repository.rights.values()) seen.add(right);
      if (repository.leased.size > 0) seen.add('leased');
      if (repository.loose.size > 0) seen.add('loose');
      for (const tag of repository.tags.keys()) {
        const { exclusive, keptByHistory, shared } = recountTag(registry, repository, tag);
        if (exclusive > 0) seen.add('exclusive');
        if (keptByHistory > 0) seen.add('kept by history');
        if (shared > 0) seen.add('shared');
      }
    }
  }
  expect([...seen].sort()).toEqual(
    ['counted', 'deleted', 'exclusive', 'gone', 'kept by history', 'leased', 'live', 'loose']
      .concat(['referrer', 'released', 'shared', 'uncounted'])
      .sort(),
  );
});

const missing = postgresMissing();
describeSizes('sqlite', { test: test as ConditionalTest, open: openSqlite });
describeSizes('postgres', {
  test: requires('postgres', missing === undefined, missing ?? ''),
  open: openPostgres,
});
