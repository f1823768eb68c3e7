// The suites on a real PostgreSQL.
import { describeCommands } from '../../src/metadata/commands.suite.ts';
import { describeMetadata } from '../../src/metadata/metadata.suite.ts';
import { postgresMissing } from '../support/postgres.ts';
import { requires } from '../support/requires.ts';
import { openPostgres } from './drivers.ts';

const missing = postgresMissing();
if (missing === undefined) {
  describeMetadata('metadata in PostgreSQL', openPostgres);
  describeCommands('commands in PostgreSQL', openPostgres);
} else {
  requires('postgres', false, missing)('metadata in PostgreSQL', () => {});
}
