// The suite of plans on SQLite. PostgreSQL: test/metadata/plans.test.ts.
import { GroupCommit } from '../../metadata/group-commit.ts';
import { migrateSqlite } from '../../metadata/migrate.ts';
import { openSqliteWriter } from '../../metadata/sqlite.ts';
import { describePlans } from './plans.suite.ts';
import { type OpenedPlans, planSuiteCommands } from './suite-plans.ts';

describePlans('plans on SQLite', async () => {
  const connection = openSqliteWriter(':memory:', Date.now);
  await migrateSqlite(connection, { version: '0.3.0' });
  const commit = new GroupCommit({ connection, commands: planSuiteCommands() });
  const commands = commit as unknown as OpenedPlans['commands'];
  return { sql: connection, commands, close: () => commit.close() };
});
