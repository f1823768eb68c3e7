// Brings a database to the schema of this program, at start, under a lock.
//
// Each migration records the oldest program version that may still run on what it left. So an older
// program may start on a newer schema (a rolling upgrade, a step back) unless that schema forbids it.
// PostgreSQL: migrate-postgres.ts, so that its driver is not loaded where there is none.
import { type RawBuilder, sql } from 'kysely';
import { registryTables } from './migrations/0001-registry.ts';
import { accessTables } from './migrations/0002-access.ts';
import { versionTables } from './migrations/0003-versions.ts';
import type { SqliteConnection } from './sqlite.ts';
import { type Engine, queriesFor, type SqlValue } from './statement.ts';

export interface Migration {
  readonly name: string;
  /** The oldest version (`major.minor.patch`) that may run on a database with this migration. */
  readonly minimumVersion: string;
  statements(engine: Engine): RawBuilder<unknown>[];
}

export const MIGRATIONS: readonly Migration[] = [
  { name: '0001-registry', minimumVersion: '0.1.0', statements: registryTables },
  { name: '0002-access', minimumVersion: '0.2.0', statements: accessTables },
  // An older program would tag what is being collected.
  { name: '0003-versions', minimumVersion: '0.3.0', statements: versionTables },
];

/** The database was made by a program that this one is too old for. */
export class SchemaTooNewError extends Error {
  constructor(migration: string, minimumVersion: string, version: string) {
    super(
      `The database has the change "${migration}", which needs Entrepot ${minimumVersion} or later; this is ${version}. Start a newer version.`,
    );
    this.name = 'SchemaTooNewError';
  }
}

type Execute = (text: string, values?: SqlValue[]) => Promise<readonly unknown[]>;

export interface MigrateOptions {
  readonly version: string;
  readonly migrations?: readonly Migration[];
}

/** @throws SchemaTooNewError; whatever the engine throws leaves the database as it was. */
export async function migrateSqlite(
  connection: SqliteConnection,
  options: MigrateOptions,
): Promise<void> {
  // Immediate: waits for another process that migrates, then finds its work done.
  connection.execute('begin immediate');
  try {
    await migrate('sqlite', async (text, values) => connection.query(text, values ?? []), options);
    connection.execute('commit');
  } catch (error) {
    // On a full disk SQLite has ended the transaction by itself.
    if (connection.inTransaction) connection.execute('rollback');
    throw error;
  }
}

/** In a transaction that the caller has begun, alone among all who migrate. @throws SchemaTooNewError */
export async function migrate(
  engine: Engine,
  execute: Execute,
  options: MigrateOptions,
): Promise<void> {
  await execute(
    'create table if not exists migrations (name text primary key, minimum_version text not null, applied_at bigint not null)',
  );
  const applied = (await execute('select name, minimum_version from migrations')) as {
    name: string;
    minimum_version: string;
  }[];
  for (const row of applied) {
    if (compareVersions(row.minimum_version, options.version) > 0) {
      throw new SchemaTooNewError(row.name, row.minimum_version, options.version);
    }
  }
  const done = new Set(applied.map((row) => row.name));
  for (const migration of options.migrations ?? MIGRATIONS) {
    if (done.has(migration.name)) continue;
    for (const statement of migration.statements(engine)) {
      await execute(statement.compile(queriesFor(engine)).sql);
    }
    await execute(recordMigration(engine), [migration.name, migration.minimumVersion, Date.now()]);
  }
}

function recordMigration(engine: Engine): string {
  const insert = sql`insert into migrations (name, minimum_version, applied_at) values (${''}, ${''}, ${0})`;
  return insert.compile(queriesFor(engine)).sql;
}

/** By major, minor, patch; a pre-release counts as its release. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((v) => v.split('-')[0]?.split('.').map(Number) ?? []);
  for (let part = 0; part < 3; part += 1) {
    const difference = (left?.[part] ?? 0) - (right?.[part] ?? 0);
    if (difference !== 0) return Math.sign(difference);
  }
  return 0;
}
