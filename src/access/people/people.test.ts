// The suites on SQLite. PostgreSQL: test/metadata/people.test.ts.
import { join } from 'node:path';
import type { CommandRunner } from '../../metadata/command.ts';
import { GroupCommit } from '../../metadata/group-commit.ts';
import { migrateSqlite } from '../../metadata/migrate.ts';
import { openSqliteReader, openSqliteWriter } from '../../metadata/sqlite.ts';
import { temporaryFolder } from '../../metadata/suite-drivers.ts';
import { describeAccessTokens } from '../tokens/access-tokens.suite.ts';
import { describeAccounts } from './accounts.suite.ts';
import { describeOrganisationEnd } from './organisation-end.suite.ts';
import { describeRights } from './rights.suite.ts';
import { describeSettings } from './settings.suite.ts';
import { type OpenedPeople, peopleSuiteCommands } from './suite-people.ts';

async function openOverFile(): Promise<OpenedPeople> {
  const folder = temporaryFolder();
  const path = join(folder.path, 'entrepot.db');
  const connection = openSqliteWriter(path, Date.now);
  await migrateSqlite(connection, { version: '0.3.0' });
  const commit: CommandRunner = new GroupCommit({ connection, commands: peopleSuiteCommands() });
  const sql = openSqliteReader(path, Date.now);
  return {
    sql,
    commands: commit as unknown as OpenedPeople['commands'],
    async close() {
      sql.close();
      await commit.close();
      folder.remove();
    },
  };
}

describeAccounts('accounts in SQLite', openOverFile);
describeOrganisationEnd('the end of organisations in SQLite', openOverFile);
describeRights('rights in SQLite', openOverFile);
describeSettings('settings in SQLite', openOverFile);
describeAccessTokens('access tokens in SQLite', openOverFile);
