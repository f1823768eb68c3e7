// The storm of `usage-storm.test.ts` with all else that decides what stays: leases, rollbacks, the trash, plans,
// names, quotas and the collector, whose clock is two months ahead. Then everything is counted anew.
import { describe, expect } from 'bun:test';
import { allCommands } from '../../src/app/commands.ts';
import { purgePlace, settleMovedUsage } from '../../src/jobs/trash-upkeep.ts';
import { GroupCommit } from '../../src/metadata/group-commit.ts';
import { migrateSqlite } from '../../src/metadata/migrate.ts';
import { migratePostgres } from '../../src/metadata/migrate-postgres.ts';
import { openPostgresPool, PostgresCommands, PostgresSql } from '../../src/metadata/postgres.ts';
import { openSqliteWriter } from '../../src/metadata/sqlite.ts';
import { statement } from '../../src/metadata/statement.ts';
import { readScopes, recountUsage } from '../../src/metadata/usage-scopes.ts';
import { postgresMissing, startPostgres } from '../support/postgres.ts';
import { requires } from '../support/requires.ts';
import { recomputeLiveness } from './recompute-liveness.ts';
import {
  context,
  numbers,
  type Pushed,
  type Registry,
  runJobs,
  VersionsStorm,
} from './versions-storm.ts';

const missing = postgresMissing();

async function openSqlite(): Promise<Registry> {
  const sql = openSqliteWriter(':memory:', Date.now);
  await migrateSqlite(sql, { version: '0.3.0' });
  const commit = new GroupCommit({ connection: sql, commands: allCommands() });
  return { sql, commands: commit as never, close: () => commit.close() };
}

async function openPostgres(): Promise<Registry> {
  const url = await (await startPostgres()).createDatabase();
  await migratePostgres(url, { version: '0.3.0' });
  const pool = openPostgresPool(url, 12);
  const runner = new PostgresCommands(pool, allCommands());
  return { sql: new PostgresSql(pool), commands: runner as never, close: () => runner.close() };
}

const jobRows = statement()((q) =>
  q.selectFrom('jobs').select(['kind', 'arguments']).orderBy('id'),
);

/** What would be done behind the answers. */
async function runLeftJobs(parts: Registry): Promise<void> {
  const all = { ...parts, now: Date.now, sleep: async () => {} } as never;
  for (const { kind, arguments: text } of await parts.sql.all(jobRows, {})) {
    const args = JSON.parse(text);
    if (kind === 'settle-moved') await settleMovedUsage(all, { context, usage: args });
    if (kind === 'purge-place') await purgePlace(all, { context, item: args });
  }
}

const scopeRows = statement()((q) => q.selectFrom('usage_scopes').select('path').orderBy('path'));
const changeRows = statement()((q) => q.selectFrom('usage_changes').select('id'));
const scopeBlobRows = statement()((q) =>
  q
    .selectFrom('scope_blobs as sb')
    .innerJoin('usage_scopes as s', 's.id', 'sb.scope_id')
    .select('s.path')
    .select((e) => e.fn.countAll<number>().as('count'))
    .groupBy('s.path'),
);
const tagRows = statement()((q) =>
  q
    .selectFrom('tags as t')
    .innerJoin('manifests as m', 'm.id', 't.manifest_id')
    .select([
      't.id',
      'm.id as manifest',
      'm.deleted_at as deletedAt',
      'm.repository_id as repository',
    ]),
);
const partRows = statement()((q) =>
  q
    .selectFrom('manifest_references as ref')
    .innerJoin('blobs as b', 'b.id', 'ref.child_id')
    .leftJoin('repository_blobs as rb', (j) =>
      j
        .onRef('rb.blob_id', '=', 'ref.child_id')
        .onRef('rb.repository_id', '=', 'ref.repository_id')
        .on('rb.deleted_at', 'is', null),
    )
    .select(['ref.parent_id as parent', 'ref.kind', 'rb.blob_id as right', 'b.state'])
    .where('ref.kind', 'in', ['config', 'layer']),
);

async function check(parts: Registry, seed: string): Promise<void> {
  const { sql } = parts;
  await runLeftJobs(parts);
  await runJobs(parts);
  expect(await sql.all(changeRows, {})).toEqual([]);
  const paths = (await sql.all(scopeRows, {})).map(({ path }) => path);
  const counted = new Map((await sql.all(scopeBlobRows, {})).map((r) => [r.path, Number(r.count)]));
  for (const { path, bytes, blobs, tags, repositories, state } of await readScopes(sql, paths)) {
    // What lies in the trash counts for its own paths there; `listed` says 2 of it.
    const now = await recountUsage(sql, path);
    const kept = {
      seed,
      path,
      state,
      bytes,
      blobs,
      tags,
      repositories,
      rows: counted.get(path) ?? 0,
    };
    const rest = path.startsWith('~') ? { repositories } : {};
    expect(kept).toEqual({ seed, path, state: 'exact', ...now, rows: now.blobs, ...rest });
  }
  const { differences } = await recomputeLiveness(sql);
  // A blob that comes back beside a live manifest which nobody tagged is found by the collector.
  const serious = differences.filter(
    (one) => !/needed and unheld|lost its tags and is live/.test(one),
  );
  expect({ seed, serious }).toEqual({ seed, serious: [] });
  const broken = new Map<number, string>();
  for (const part of await sql.all(partRows, {})) {
    if (part.right === null || part.state !== 'stored') broken.set(part.parent, part.kind);
  }
  const tags = await sql.all(tagRows, {});
  for (const tag of tags) {
    expect({ seed, tag, lost: broken.get(tag.manifest) }).toEqual({
      seed,
      tag: { ...tag, deletedAt: null },
      lost: undefined,
    });
  }
}

const engines = [
  { engine: 'SQLite', open: openSqlite, test: requires('sqlite', true, ''), clients: 1, seeds: 40 },
  {
    engine: 'PostgreSQL',
    open: openPostgres,
    test: requires('postgres', missing === undefined, missing ?? ''),
    clients: 8,
    seeds: 2,
  },
] as const;

for (const { engine, open, test, clients, seeds } of engines) {
  describe(`after a storm of versions on ${engine}`, () => {
    for (let seed = 1; seed <= seeds; seed += 1) {
      test(`with seed ${seed} nothing kept lacks a part, and all counters are as if counted anew`, async () => {
        const parts = await open();
        const manifests: Pushed[] = [];
        try {
          const workers = Array.from({ length: clients }, async (_, client) => {
            const storm = new VersionsStorm(parts, numbers(seed * 100 + client), manifests);
            for (let step = 0; step < (clients === 1 ? 400 : 80); step += 1) await storm.step();
          });
          await Promise.all(workers);
          await check(parts, `${engine} ${seed}`);
        } finally {
          await parts.close();
        }
      }, 120_000);
    }
  });
}
