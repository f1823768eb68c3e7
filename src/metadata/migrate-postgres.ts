// Brings a PostgreSQL to the schema of this program: see migrate.ts.
import { type MigrateOptions, migrate } from './migrate.ts';
import { openPostgresPool, withMigrationLock } from './postgres.ts';

/** @throws SchemaTooNewError; whatever the server throws leaves the database as it was. */
export async function migratePostgres(url: string, options: MigrateOptions): Promise<void> {
  const pool = openPostgresPool(url, 1);
  try {
    await withMigrationLock(pool, (execute) => migrate('postgres', execute, options));
  } finally {
    await pool.end();
  }
}
