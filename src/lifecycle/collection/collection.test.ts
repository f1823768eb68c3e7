// The suite of the collector on SQLite. PostgreSQL: test/metadata/collection.test.ts.
import { GroupCommit } from '../../metadata/group-commit.ts';
import { migrateSqlite } from '../../metadata/migrate.ts';
import { openSqliteWriter } from '../../metadata/sqlite.ts';
import { describeCollection } from './collection.suite.ts';
import { collectionSuiteCommands, type OpenedCollection } from './suite-collection.ts';

describeCollection('the collector on SQLite', async () => {
  const connection = openSqliteWriter(':memory:', Date.now);
  await migrateSqlite(connection, { version: '0.3.0' });
  const commit = new GroupCommit({ connection, commands: collectionSuiteCommands() });
  const commands = commit as unknown as OpenedCollection['commands'];
  return { sql: connection, commands, close: () => commit.close() };
});
