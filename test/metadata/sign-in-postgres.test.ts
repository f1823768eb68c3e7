// Sessions, second factors and passkeys on a real PostgreSQL.
import { describePasskeys } from '../../src/access/sign-in/passkeys.suite.ts';
import { describeSignIn } from '../../src/access/sign-in/sign-in.suite.ts';
import { type OpenSignIn, suiteSignInCommands } from '../../src/access/sign-in/suite-sign-in.ts';
import { migratePostgres } from '../../src/metadata/migrate-postgres.ts';
import { openPostgresPool, PostgresCommands, PostgresSql } from '../../src/metadata/postgres.ts';
import { postgresMissing, startPostgres } from '../support/postgres.ts';
import { requires } from '../support/requires.ts';

const open: OpenSignIn = async () => {
  const server = await startPostgres();
  const url = await server.createDatabase();
  await migratePostgres(url, { version: '0.3.0' });
  const pool = openPostgresPool(url, 16);
  const runner = new PostgresCommands(pool, suiteSignInCommands());
  return { sql: new PostgresSql(pool), runner };
};

const missing = postgresMissing();
if (missing === undefined) {
  describeSignIn('signing in, on PostgreSQL', open);
  describePasskeys('passkeys, on PostgreSQL', open);
} else {
  requires('postgres', false, missing)('signing in, on PostgreSQL', () => {});
}
