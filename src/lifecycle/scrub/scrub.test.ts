// The suite of the scrubber on SQLite. PostgreSQL: test/metadata/scrub.test.ts.
import { GroupCommit } from '../../metadata/group-commit.ts';
import { migrateSqlite } from '../../metadata/migrate.ts';
import { openSqliteWriter } from '../../metadata/sqlite.ts';
import { describeScrub } from './scrub.suite.ts';
import { type OpenedScrub, scrubSuiteCommands } from './suite-scrub.ts';

describeScrub('the scrubber on SQLite', async () => {
  const connection = openSqliteWriter(':memory:', Date.now);
  await migrateSqlite(connection, { version: '0.3.0' });
  const commit = new GroupCommit({ connection, commands: scrubSuiteCommands() });
  const commands = commit as unknown as OpenedScrub['commands'];
  return { sql: connection, commands, close: () => commit.close() };
});
