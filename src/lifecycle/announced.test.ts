// The suite of what is announced on SQLite. PostgreSQL: test/metadata/announced.test.ts.
import { GroupCommit } from '../metadata/group-commit.ts';
import { migrateSqlite } from '../metadata/migrate.ts';
import { openSqliteWriter } from '../metadata/sqlite.ts';
import { describeAnnounced } from './announced.suite.ts';
import { type OpenedPlans, planSuiteCommands } from './plans/suite-plans.ts';

describeAnnounced('what is announced on SQLite', async () => {
  const connection = openSqliteWriter(':memory:', Date.now);
  await migrateSqlite(connection, { version: '0.3.0' });
  const commit = new GroupCommit({ connection, commands: planSuiteCommands() });
  const commands = commit as unknown as OpenedPlans['commands'];
  return { sql: connection, commands, close: () => commit.close() };
});
