// The suite on SQLite, and names as providers spell them.
import { expect, test } from 'bun:test';
import { GroupCommit } from '../../metadata/group-commit.ts';
import { migrateSqlite } from '../../metadata/migrate.ts';
import { openSqliteWriter } from '../../metadata/sqlite.ts';
import { accessCommands } from '../commands.ts';
import { describeExternalAccounts, type OpenedAccounts } from './external-account.suite.ts';
import { userNameOf } from './external-account.ts';

async function openSqlite(): Promise<OpenedAccounts> {
  const connection = openSqliteWriter(':memory:', Date.now);
  await migrateSqlite(connection, { version: '0.3.0' });
  const commit = new GroupCommit({ connection, commands: accessCommands() });
  const commands = commit as unknown as OpenedAccounts['commands'];
  return { sql: connection, commands, close: () => commit.close() };
}

describeExternalAccounts('accounts of elsewhere in SQLite', openSqlite);

test.each([
  ['alice', 'alice'],
  ['Alice.Smith@corp.example.com', 'alice.smith'],
  ['ALICE', 'alice'],
  ['José María', 'jose-maria'],
  ['corp\\alice', 'corp-alice'],
  ['a..b', 'a-b'],
  ['a__b', 'a__b'],
  ['a___b', 'a-b'],
  ['.a-', 'a'],
  ['../../root', 'root'],
  ['李', ''],
  ['@example.com', ''],
  ['', ''],
])('%j is %j here', (given, name) => {
  expect(userNameOf(given)).toBe(name);
});
