// What is announced on a real PostgreSQL.
import { describeAnnounced } from '../../src/lifecycle/announced.suite.ts';
import { type OpenedPlans, planSuiteCommands } from '../../src/lifecycle/plans/suite-plans.ts';
import { migratePostgres } from '../../src/metadata/migrate-postgres.ts';
import { openPostgresPool, PostgresCommands, PostgresSql } from '../../src/metadata/postgres.ts';
import { postgresMissing, startPostgres } from '../support/postgres.ts';
import { requires } from '../support/requires.ts';

async function openPostgres(): Promise<OpenedPlans> {
  const url = await (await startPostgres()).createDatabase();
  await migratePostgres(url, { version: '0.3.0' });
  const pool = openPostgresPool(url, 4);
  const runner = new PostgresCommands(pool, planSuiteCommands());
  const commands = runner as unknown as OpenedPlans['commands'];
  return { sql: new PostgresSql(pool), commands, close: () => runner.close() };
}

const missing = postgresMissing();
if (missing === undefined) describeAnnounced('what is announced on PostgreSQL', openPostgres);
else requires('postgres', false, missing)('what is announced on PostgreSQL', () => {});
