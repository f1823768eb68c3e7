// Pipelines that sign in, in a real PostgreSQL.
import {
  type OpenedWorkloads,
  workloadSuiteCommands,
} from '../../src/access/keyless/suite-workloads.ts';
import { describeWorkloads } from '../../src/access/keyless/workloads.suite.ts';
import type { CommandRunner } from '../../src/metadata/command.ts';
import { migratePostgres } from '../../src/metadata/migrate-postgres.ts';
import { openPostgresPool, PostgresCommands, PostgresSql } from '../../src/metadata/postgres.ts';
import { postgresMissing, startPostgres } from '../support/postgres.ts';
import { requires } from '../support/requires.ts';

async function openPostgres(): Promise<OpenedWorkloads> {
  const url = await (await startPostgres()).createDatabase();
  await migratePostgres(url, { version: '0.3.0' });
  const pool = openPostgresPool(url, 8);
  const runner: CommandRunner = new PostgresCommands(pool, workloadSuiteCommands());
  return {
    sql: new PostgresSql(pool),
    commands: runner as unknown as OpenedWorkloads['commands'],
    close: () => runner.close(),
  };
}

const missing = postgresMissing();
if (missing === undefined) {
  describeWorkloads('pipelines in PostgreSQL', openPostgres);
} else {
  requires('postgres', false, missing)('pipelines in PostgreSQL', () => {});
}
