// The entry of a thread of reports with those that only tests want: slow ones, and one that ends the thread.
import { threadId } from 'node:worker_threads';
import { openPostgresPool, PostgresReports } from '../../src/metadata/postgres.ts';
import { serveReports } from '../../src/metadata/read-thread.ts';
import type { ReportSql } from '../../src/metadata/report.ts';
import { openSqliteReader } from '../../src/metadata/sqlite.ts';
import { SqliteReports } from '../../src/metadata/sqlite-reports.ts';
import { namespaces } from '../../src/metadata/suite.command.ts';
import { RegistryError } from '../../src/oci/errors.ts';

/** Set by the tests' end through shared memory: what a report has come to, and whether it may go on. */
export interface Gate {
  /** [0]: reads so far. [1]: 1 = go on. */
  readonly cells: SharedArrayBuffer;
}

async function paths(sql: Pick<ReportSql, 'all'>): Promise<string[]> {
  return (await sql.all(namespaces, {})).map((row) => row.path);
}

export const suiteReports = {
  paths: (sql: ReportSql) => paths(sql),

  thread: async () => threadId,

  async refuse() {
    throw new RegistryError('NOT_FOUND', 'This one is refused.', { name: 'a' });
  },

  /** Reads page after page until it may end. */
  async pages(sql: ReportSql, { cells }: Gate): Promise<number> {
    const state = new Int32Array(cells);
    while (Atomics.load(state, 1) === 0) {
      await paths(sql);
      Atomics.add(state, 0, 1);
    }
    return Atomics.load(state, 0);
  },

  /** What the same read gives before and after others may have written. */
  async twice(sql: ReportSql, { cells }: Gate): Promise<{ before: string[]; after: string[] }> {
    const state = new Int32Array(cells);
    return sql.snapshot(async (then) => {
      const before = await paths(then);
      Atomics.add(state, 0, 1);
      Atomics.wait(state, 1, 0, 10_000);
      return { before, after: await paths(then) };
    });
  },

  async die() {
    queueMicrotask(() => {
      throw new Error('a fault outside every report');
    });
    await new Promise(() => {});
  },

  leave: async () => process.exit(3),
};

export type SuiteReports = typeof suiteReports;

type Database = { readonly path: string } | { readonly url: string };

// The tests import the types of this file, in their own thread.
if (!Bun.isMainThread) {
  serveReports(async (database: Database) => {
    if ('url' in database) {
      return new PostgresReports(openPostgresPool(database.url, 2), suiteReports);
    }
    const { path } = database;
    return new SqliteReports({
      reports: suiteReports,
      open: () => openSqliteReader(path, Date.now),
    });
  });
}
