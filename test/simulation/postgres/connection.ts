// The PostgreSQL of the histories: one database, whose server notices deadlocks soon.
import { migratePostgres } from '../../../src/metadata/migrate-postgres.ts';
import { openPostgresPool } from '../../../src/metadata/postgres.ts';
import { startPostgres } from '../../support/postgres.ts';

export type Connection = ReturnType<typeof openPostgresPool>;

const CONNECTIONS = 8;

export async function openHistories(): Promise<Connection> {
  const url = await (await startPostgres()).createDatabase();
  await migratePostgres(url, { version: '0.3.0' });
  const first = openPostgresPool(url, 1);
  const name = new URL(url).pathname.slice(1);
  await first.unsafe(`alter database "${name}" set deadlock_timeout = '30ms'`);
  await first.end();
  return openPostgresPool(url, CONNECTIONS);
}
