// People, grants and tokens in a real PostgreSQL.
import { describeAccounts } from '../../src/access/people/accounts.suite.ts';
import { describeOrganisationEnd } from '../../src/access/people/organisation-end.suite.ts';
import { describeRights } from '../../src/access/people/rights.suite.ts';
import { describeSettings } from '../../src/access/people/settings.suite.ts';
import { type OpenedPeople, peopleSuiteCommands } from '../../src/access/people/suite-people.ts';
import { describeAccessTokens } from '../../src/access/tokens/access-tokens.suite.ts';
import type { CommandRunner } from '../../src/metadata/command.ts';
import { migratePostgres } from '../../src/metadata/migrate-postgres.ts';
import { openPostgresPool, PostgresCommands, PostgresSql } from '../../src/metadata/postgres.ts';
import { postgresMissing, startPostgres } from '../support/postgres.ts';
import { requires } from '../support/requires.ts';

async function openPostgres(): Promise<OpenedPeople> {
  const url = await (await startPostgres()).createDatabase();
  await migratePostgres(url, { version: '0.3.0' });
  const pool = openPostgresPool(url, 8);
  const runner: CommandRunner = new PostgresCommands(pool, peopleSuiteCommands());
  return {
    sql: new PostgresSql(pool),
    commands: runner as unknown as OpenedPeople['commands'],
    close: () => runner.close(),
  };
}

const missing = postgresMissing();
if (missing === undefined) {
  describeAccounts('accounts in PostgreSQL', openPostgres);
  describeOrganisationEnd('the end of organisations in PostgreSQL', openPostgres);
  describeRights('rights in PostgreSQL', openPostgres);
  describeSettings('settings in PostgreSQL', openPostgres);
  describeAccessTokens('access tokens in PostgreSQL', openPostgres);
} else {
  requires('postgres', false, missing)('people in PostgreSQL', () => {});
}
