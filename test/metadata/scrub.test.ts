// The scrubber on a real PostgreSQL.
import { describeScrub } from '../../src/lifecycle/scrub/scrub.suite.ts';
import { type OpenedScrub, scrubSuiteCommands } from '../../src/lifecycle/scrub/suite-scrub.ts';
import { migratePostgres } from '../../src/metadata/migrate-postgres.ts';
import { openPostgresPool, PostgresCommands, PostgresSql } from '../../src/metadata/postgres.ts';
import { postgresMissing, startPostgres } from '../support/postgres.ts';
import { requires } from '../support/requires.ts';

async function openPostgres(): Promise<OpenedScrub> {
  const url = await (await startPostgres()).createDatabase();
  await migratePostgres(url, { version: '0.3.0' });
  const pool = openPostgresPool(url, 4);
  const runner = new PostgresCommands(pool, scrubSuiteCommands());
  const commands = runner as unknown as OpenedScrub['commands'];
  return { sql: new PostgresSql(pool), commands, close: () => runner.close() };
}

const missing = postgresMissing();
if (missing === undefined) describeScrub('the scrubber on PostgreSQL', openPostgres);
else requires('postgres', false, missing)('the scrubber on PostgreSQL', () => {});
