// Opens SQLite for the suites: the writer in this thread, over a file or in memory.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Commands } from './command.ts';
import { GroupCommit, type GroupCommitOptions } from './group-commit.ts';
import type { OpenedMetadata } from './metadata.suite.ts';
import { migrateSqlite } from './migrate.ts';
import { openSqliteReader, openSqliteWriter } from './sqlite.ts';
import { type SuiteCommands, suiteCommands } from './suite.command.ts';

/** A folder of its own for a database, and the way to remove it. */
export function temporaryFolder(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'entrepot-metadata-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

export async function openInMemory(
  options: Partial<GroupCommitOptions> = {},
): Promise<OpenedMetadata> {
  const connection = openSqliteWriter(':memory:', Date.now);
  await migrateSqlite(connection, { version: '0.3.0' });
  const commit = new GroupCommit({ connection, commands: suiteCommands, ...options });
  return {
    // Reads run on the one connection there is.
    sql: connection,
    commands: commit as unknown as Commands<SuiteCommands>,
    close: () => commit.close(),
  };
}

export async function openOverFile(
  options: Partial<GroupCommitOptions> = {},
): Promise<OpenedMetadata & { readonly path: string }> {
  const folder = temporaryFolder();
  const path = join(folder.path, 'entrepot.db');
  const connection = openSqliteWriter(path, Date.now);
  await migrateSqlite(connection, { version: '0.3.0' });
  const commit = new GroupCommit({ connection, commands: suiteCommands, ...options });
  const sql = openSqliteReader(path, Date.now);
  return {
    sql,
    path,
    commands: commit as unknown as Commands<SuiteCommands>,
    async close() {
      sql.close();
      await commit.close();
      folder.remove();
    },
  };
}
