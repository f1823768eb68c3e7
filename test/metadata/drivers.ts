// Opens the two databases of the suites that need more than src/: the writer thread, and PostgreSQL.
import { join } from 'node:path';
import type { CommandRunner, Commands } from '../../src/metadata/command.ts';
import type { OpenedMetadata } from '../../src/metadata/metadata.suite.ts';
import { migrateSqlite } from '../../src/metadata/migrate.ts';
import { migratePostgres } from '../../src/metadata/migrate-postgres.ts';
import { openPostgresPool, PostgresCommands, PostgresSql } from '../../src/metadata/postgres.ts';
import { openSqliteReader, openSqliteWriter } from '../../src/metadata/sqlite.ts';
import { type SuiteCommands, suiteCommands } from '../../src/metadata/suite.command.ts';
import { temporaryFolder } from '../../src/metadata/suite-drivers.ts';
import { startWriterThread, type WriterThreadOptions } from '../../src/metadata/writer-thread.ts';
import { startPostgres } from '../support/postgres.ts';

export function typed(runner: CommandRunner): Commands<SuiteCommands> {
  return runner as unknown as Commands<SuiteCommands>;
}

export async function openThread(
  options: Partial<WriterThreadOptions> = {},
): Promise<OpenedMetadata & { readonly path: string; readonly runner: CommandRunner }> {
  const folder = temporaryFolder();
  const path = join(folder.path, 'entrepot.db');
  const first = openSqliteWriter(path, Date.now);
  await migrateSqlite(first, { version: '0.3.0' });
  first.close();
  const runner = await startWriterThread({
    entry: new URL('./suite-writer.ts', import.meta.url),
    path,
    failed: () => {},
    ...options,
  });
  const sql = openSqliteReader(path, Date.now);
  return {
    sql,
    path,
    runner,
    commands: typed(runner),
    async close() {
      sql.close();
      await runner.close();
      folder.remove();
    },
  };
}

export async function openPostgres(): Promise<OpenedMetadata & { readonly url: string }> {
  const server = await startPostgres();
  const url = await server.createDatabase();
  await migratePostgres(url, { version: '0.3.0' });
  const pool = openPostgresPool(url, 16);
  const runner = new PostgresCommands(pool, suiteCommands);
  return { sql: new PostgresSql(pool), url, commands: typed(runner), close: () => runner.close() };
}
