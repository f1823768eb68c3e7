// Opens the metadata: one shape for both engines.
import { chmodSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { CommandRunner, Commands, CommitObservation } from '../metadata/command.ts';
import { migrateSqlite, SchemaTooNewError } from '../metadata/migrate.ts';
import { ThreadReports } from '../metadata/read-thread.ts';
import type { ReportRunner, Reports } from '../metadata/report.ts';
import type { Sql } from '../metadata/sql.ts';
import { isSqliteFault, openSqliteReader, openSqliteWriter } from '../metadata/sqlite.ts';
import { startWriterThread } from '../metadata/writer-thread.ts';
import { type AllCommands, allCommands } from './commands.ts';
import type { AllReports } from './reports.ts';
import { withoutPassword } from './show-configuration.ts';

export type DatabaseSettings =
  | { readonly kind: 'sqlite'; readonly path: string }
  | { readonly kind: 'postgres'; readonly url: string };

export interface DatabaseOptions {
  readonly database: DatabaseSettings;
  readonly version: string;
  observe(commit: CommitObservation): void;
  /** The log of SQLite could not be moved into its database: a full or failing disk. Nothing is lost. */
  checkpointFailed(error: Error): void;
  /** Nothing can be written any more. */
  failed(error: Error): void;
}

export interface OpenDatabase {
  readonly sql: Sql;
  readonly commands: Commands<AllCommands>;
  /** Long reads, in a thread of their own. */
  readonly reports: Reports<AllReports>;
  /** Commands that were asked for and not yet answered. */
  commandsWaiting(): number;
  close(): Promise<void>;
}

/** Connections of one process: readers and writers share them. */
const POSTGRES_CONNECTIONS = 16;

/** @throws SchemaTooNewError; Error with a sentence that names the database when it cannot be opened. */
export async function openDatabase(options: DatabaseOptions): Promise<OpenDatabase> {
  return options.database.kind === 'sqlite'
    ? openSqlite(options.database.path, options)
    : openPostgres(options.database.url, options);
}

async function openSqlite(path: string, options: DatabaseOptions): Promise<OpenDatabase> {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  try {
    const first = openSqliteWriter(path, Date.now);
    chmodSync(path, 0o600);
    await migrateSqlite(first, { version: options.version });
    first.close();
  } catch (error) {
    throw isSqliteFault(error) ? unopened(path, error) : error;
  }
  const runner = await startWriterThread({
    entry: new URL('./writer.ts', import.meta.url),
    path,
    observe: options.observe,
    checkpointFailed: options.checkpointFailed,
    failed: options.failed,
  });
  const sql = openSqliteReader(path, Date.now);
  const reports = reportsOf(options.database);
  return {
    sql,
    ...counted(runner),
    reports: typedReports(reports),
    async close() {
      sql.close();
      // First: the log cannot be moved into the database as a whole while somebody reads in it.
      await reports.close();
      await runner.close();
    },
  };
}

async function openPostgres(url: string, options: DatabaseOptions): Promise<OpenDatabase> {
  // Not at the top of the file: a registry on SQLite does not carry the driver.
  const [{ migratePostgres }, { openPostgresPool, PostgresCommands, PostgresSql }] =
    await Promise.all([
      import('../metadata/migrate-postgres.ts'),
      import('../metadata/postgres.ts'),
    ]);
  await migratePostgres(url, { version: options.version }).catch((error: unknown) => {
    if (error instanceof SchemaTooNewError) throw error;
    const hint = ' Look whether it runs, and whether this address, user and password are right.';
    throw unopened(withoutPassword(url), error, hint);
  });
  const pool = openPostgresPool(url, POSTGRES_CONNECTIONS);
  const runner = new PostgresCommands(pool, allCommands(), options.observe);
  const reports = reportsOf(options.database);
  return {
    sql: new PostgresSql(pool),
    ...counted(runner),
    reports: typedReports(reports),
    async close() {
      await reports.close();
      await runner.close();
    },
  };
}

/** Not started before the first report. */
function reportsOf(database: DatabaseSettings): ReportRunner {
  return new ThreadReports({ entry: new URL('./reader.ts', import.meta.url), database });
}

/** The typed face of a driver that runs just this table. */
function typedReports(runner: ReportRunner): Reports<AllReports> {
  return { run: (name, args) => runner.run(name, args) } as Reports<AllReports>;
}

/** A sentence without a code: what the engine says itself does not name the database. */
function unopened(where: string, cause: unknown, hint = ''): Error {
  const why = cause instanceof Error ? cause.message : cause;
  return new Error(`The database ${where} cannot be opened: ${why}.${hint}`, { cause });
}

/** The typed face of a driver that runs just this table, and how much it has to do. */
function counted(runner: CommandRunner): Pick<OpenDatabase, 'commands' | 'commandsWaiting'> {
  let waiting = 0;
  const commands: CommandRunner['run'] = (name, args) => {
    waiting += 1;
    return runner.run(name, args).finally(() => {
      waiting -= 1;
    });
  };
  return {
    commands: { run: commands } as Commands<AllCommands>,
    commandsWaiting: () => waiting,
  };
}
