// Accounts of elsewhere on a real PostgreSQL: first sign-ins at the same time above all.

import { accessCommands } from '../../src/access/commands.ts';
import {
  describeExternalAccounts,
  type OpenedAccounts,
} from '../../src/access/sign-in/external-account.suite.ts';
import { migratePostgres } from '../../src/metadata/migrate-postgres.ts';
import { openPostgresPool, PostgresCommands, PostgresSql } from '../../src/metadata/postgres.ts';
import { postgresMissing, startPostgres } from '../support/postgres.ts';
import { requires } from '../support/requires.ts';

async function openPostgres(): Promise<OpenedAccounts> {
  const url = await (await startPostgres()).createDatabase();
  await migratePostgres(url, { version: '0.3.0' });
  const pool = openPostgresPool(url, 16);
  const runner = new PostgresCommands(pool, accessCommands());
  const commands = runner as unknown as OpenedAccounts['commands'];
  return { sql: new PostgresSql(pool), commands, close: () => runner.close() };
}

const missing = postgresMissing();
if (missing === undefined) {
  describeExternalAccounts('accounts of elsewhere in PostgreSQL', openPostgres);
} else {
  requires('postgres', false, missing)('accounts of elsewhere in PostgreSQL', () => {});
}
