// The suite on SQLite. PostgreSQL: test/metadata/workloads.test.ts.
import { join } from 'node:path';
import type { CommandRunner } from '../../metadata/command.ts';
import { GroupCommit } from '../../metadata/group-commit.ts';
import { migrateSqlite } from '../../metadata/migrate.ts';
import { openSqliteReader, openSqliteWriter } from '../../metadata/sqlite.ts';
import { temporaryFolder } from '../../metadata/suite-drivers.ts';
import { type OpenedWorkloads, workloadSuiteCommands } from './suite-workloads.ts';
import { describeWorkloads } from './workloads.suite.ts';

async function openOverFile(): Promise<OpenedWorkloads> {
  const folder = temporaryFolder();
  const path = join(folder.path, 'entrepot.db');
  const connection = openSqliteWriter(path, Date.now);
  await migrateSqlite(connection, { version: '0.3.0' });
  const commit: CommandRunner = new GroupCommit({ connection, commands: workloadSuiteCommands() });
  const sql = openSqliteReader(path, Date.now);
  return {
    sql,
    commands: commit as unknown as OpenedWorkloads['commands'],
    async close() {
      sql.close();
      await commit.close();
      folder.remove();
    },
  };
}

describeWorkloads('pipelines in SQLite', openOverFile);
