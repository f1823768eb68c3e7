// What is forgotten of the history of tags on a real PostgreSQL.
import {
  describeOldEvents,
  type OpenedOldEvents,
} from '../../src/lifecycle/history/old-events.suite.ts';
import { oldEventSuiteCommands } from '../../src/lifecycle/history/suite-old-events.ts';
import { migratePostgres } from '../../src/metadata/migrate-postgres.ts';
import { openPostgresPool, PostgresCommands, PostgresSql } from '../../src/metadata/postgres.ts';
import { postgresMissing, startPostgres } from '../support/postgres.ts';
import { requires } from '../support/requires.ts';

async function openPostgres(): Promise<OpenedOldEvents> {
  const url = await (await startPostgres()).createDatabase();
  await migratePostgres(url, { version: '0.3.0' });
  const pool = openPostgresPool(url, 4);
  const runner = new PostgresCommands(pool, oldEventSuiteCommands());
  const commands = runner as unknown as OpenedOldEvents['commands'];
  return { sql: new PostgresSql(pool), commands, close: () => runner.close() };
}

const missing = postgresMissing();
if (missing === undefined) describeOldEvents('old moves of tags on PostgreSQL', openPostgres);
else requires('postgres', false, missing)('old moves of tags on PostgreSQL', () => {});
