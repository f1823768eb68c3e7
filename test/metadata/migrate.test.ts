// Migrations, on both engines: once, whoever comes first; all of one or nothing; and for which programs.
import { afterEach, describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import { sql } from 'kysely';
import {
  compareVersions,
  type MigrateOptions,
  type Migration,
  migrateSqlite,
  SchemaTooNewError,
} from '../../src/metadata/migrate.ts';
import { migratePostgres } from '../../src/metadata/migrate-postgres.ts';
import { openPostgresPool } from '../../src/metadata/postgres.ts';
import { openSqliteWriter } from '../../src/metadata/sqlite.ts';
import { temporaryFolder } from '../../src/metadata/suite-drivers.ts';
import { postgresMissing, startPostgres } from '../support/postgres.ts';
import { type ConditionalTest, requires } from '../support/requires.ts';

interface Database {
  migrate(options: MigrateOptions): Promise<void>;
  query(text: string): Promise<Record<string, unknown>[]>;
}

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

async function openSqlite(): Promise<Database> {
  const folder = temporaryFolder();
  closing.push(() => folder.remove());
  const path = join(folder.path, 'entrepot.db');
  const reading = openSqliteWriter(path, Date.now);
  closing.push(() => reading.close());
  return {
    async migrate(options) {
      const connection = openSqliteWriter(path, Date.now);
      try {
        await migrateSqlite(connection, options);
      } finally {
        connection.close();
      }
    },
    query: async (text) => reading.query(text, []) as Record<string, unknown>[],
  };
}

async function openPostgres(): Promise<Database> {
  const url = await (await startPostgres()).createDatabase();
  const pool = openPostgresPool(url, 1);
  closing.push(() => pool.end());
  return {
    migrate: (options) => migratePostgres(url, options),
    query: async (text) => [...(await pool.unsafe(text))],
  };
}

function migration(name: string, text: string, minimumVersion = '1.0.0'): Migration {
  return { name, minimumVersion, statements: () => text.split(';').map((one) => sql.raw(one)) };
}

const first = migration('0001', 'create table one (n integer);insert into one values (1)');
const second = migration('0002', 'create table two (n integer);insert into two values (2)');

function describeMigrations(name: string, it: ConditionalTest, open: () => Promise<Database>) {
  const applied = (database: Database) =>
    database.query('select name, minimum_version from migrations order by name');

  describe(name, () => {
    it('run once each, in order, and say which program they want at least', async () => {
      const database = await open();
      await database.migrate({ version: '1.0.0', migrations: [first] });
      await database.migrate({ version: '1.0.0', migrations: [first, second] });
      await database.migrate({ version: '1.0.0', migrations: [first, second] });
      expect(await applied(database)).toEqual([
        { name: '0001', minimum_version: '1.0.0' },
        { name: '0002', minimum_version: '1.0.0' },
      ]);
      expect(await database.query('select n from one')).toEqual([{ n: 1 }]);
    });

    it('of a newer program are accepted unless they forbid this one', async () => {
      const database = await open();
      const kind = migration('0002', 'create table kind (n integer)', '1.0.0');
      await database.migrate({ version: '1.3.0', migrations: [first, kind] });
      await database.migrate({ version: '1.0.0', migrations: [first] });
      const strict = migration('0003', 'create table strict_one (n integer)', '1.3.0');
      await database.migrate({ version: '1.3.0', migrations: [first, kind, strict] });
      const older = database.migrate({ version: '1.2.9', migrations: [first] });
      await expect(older).rejects.toThrow(SchemaTooNewError);
      await expect(database.migrate({ version: '1.2.9', migrations: [first] })).rejects.toThrow(
        /0003.*1\.3\.0 or later.*1\.2\.9/,
      );
      await database.migrate({ version: '1.3.0', migrations: [first] });
    });

    it('that fail leave the database as it was', async () => {
      const database = await open();
      await database.migrate({ version: '1.0.0', migrations: [first] });
      const bad = migration(
        '0003',
        'create table three (n integer);insert into nowhere values (1)',
      );
      const failing = database.migrate({ version: '1.0.0', migrations: [first, second, bad] });
      await expect(failing).rejects.toThrow('nowhere');
      expect(await applied(database)).toHaveLength(1);
      await database.migrate({ version: '1.0.0', migrations: [first, second] });
      expect(await database.query('select n from two')).toEqual([{ n: 2 }]);
      await expect(database.query('select n from three')).rejects.toThrow('three');
    });

    it('make the whole schema, twice without a change', async () => {
      const database = await open();
      await database.migrate({ version: '0.3.0' });
      await database.migrate({ version: '0.3.0' });
      expect(await database.query('select path from namespaces')).toEqual([{ path: '' }]);
    });
  });
}

const missing = postgresMissing();
describeMigrations('migrations of SQLite', test, openSqlite);
describeMigrations(
  'migrations of PostgreSQL',
  requires('postgres', missing === undefined, missing ?? ''),
  openPostgres,
);

requires(
  'postgres',
  missing === undefined,
  missing ?? '',
)('migrations of PostgreSQL run once when many nodes start at the same time', async () => {
  // For SQLite, where that takes processes: processes.test.ts.
  const database = await openPostgres();
  const options = { version: '1.0.0', migrations: [first, second] };
  await Promise.all([1, 2, 3, 4, 5].map(() => database.migrate(options)));
  expect(await database.query('select n from one')).toEqual([{ n: 1 }]);
  expect(await database.query('select name from migrations')).toHaveLength(2);
});

test('a database of SQLite gives freed pages back, from its first table on', async () => {
  const database = await openSqlite();
  await database.migrate({ version: '0.3.0' });
  expect(await database.query('pragma auto_vacuum')).toEqual([{ auto_vacuum: 2 }]);
  expect(await database.query('pragma journal_mode')).toEqual([{ journal_mode: 'wal' }]);
});

test('versions compare by number, and a pre-release counts as its release', () => {
  const ordered = ['0.1.0', '0.2.0', '0.10.0', '1.0.0', '1.0.10', '1.2.0', '10.0.0'];
  expect(ordered.toSorted(compareVersions)).toEqual(ordered);
  expect(compareVersions('1.2.0-rc.1', '1.2.0')).toBe(0);
});
