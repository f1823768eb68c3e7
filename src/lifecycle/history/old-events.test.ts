// The suite of old moves on SQLite. PostgreSQL: test/metadata/old-events.test.ts.
import { GroupCommit } from '../../metadata/group-commit.ts';
import { migrateSqlite } from '../../metadata/migrate.ts';
import { openSqliteWriter } from '../../metadata/sqlite.ts';
import { describeOldEvents, type OpenedOldEvents } from './old-events.suite.ts';
import { oldEventSuiteCommands } from './suite-old-events.ts';

describeOldEvents('old moves of tags on SQLite', async () => {
  const connection = openSqliteWriter(':memory:', Date.now);
  await migrateSqlite(connection, { version: '0.3.0' });
  const commit = new GroupCommit({ connection, commands: oldEventSuiteCommands() });
  const commands = commit as unknown as OpenedOldEvents['commands'];
  return { sql: connection, commands, close: () => commit.close() };
});
