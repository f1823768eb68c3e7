// The collector on a real PostgreSQL.
import { describeCollection } from '../../src/lifecycle/collection/collection.suite.ts';
import {
  collectionSuiteCommands,
  type OpenedCollection,
} from '../../src/lifecycle/collection/suite-collection.ts';
import { migratePostgres } from '../../src/metadata/migrate-postgres.ts';
import { openPostgresPool, PostgresCommands, PostgresSql } from '../../src/metadata/postgres.ts';
import { postgresMissing, startPostgres } from '../support/postgres.ts';
import { requires } from '../support/requires.ts';

async function openPostgres(): Promise<OpenedCollection> {
  const url = await (await startPostgres()).createDatabase();
  await migratePostgres(url, { version: '0.3.0' });
  const pool = openPostgresPool(url, 4);
  const runner = new PostgresCommands(pool, collectionSuiteCommands());
  const commands = runner as unknown as OpenedCollection['commands'];
  return { sql: new PostgresSql(pool), commands, close: () => runner.close() };
}

const missing = postgresMissing();
if (missing === undefined) describeCollection('the collector on PostgreSQL', openPostgres);
else requires('postgres', false, missing)('the collector on PostgreSQL', () => {});
