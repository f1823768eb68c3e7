// The entry of the thread that runs reports, on both engines: on PostgreSQL too they compute.
import { serveReports } from '../metadata/read-thread.ts';
import type { ReportRunner } from '../metadata/report.ts';
import { openSqliteReader } from '../metadata/sqlite.ts';
import { SqliteReports } from '../metadata/sqlite-reports.ts';
import type { DatabaseSettings } from './database.ts';
import { allReports } from './reports.ts';
import { lowerPriority } from './thread-priority.ts';

/** After pulls and pushes: reports may take their time. */
const NICE = 19;
/** Besides those of requests: two reports read at once. */
const POSTGRES_CONNECTIONS = 2;

async function open(database: DatabaseSettings): Promise<ReportRunner> {
  const reports = allReports();
  if (database.kind === 'sqlite') {
    return new SqliteReports({ reports, open: () => openSqliteReader(database.path, Date.now) });
  }
  // Not at the top of the file: a registry on SQLite does not carry the driver.
  const { openPostgresPool, PostgresReports } = await import('../metadata/postgres.ts');
  return new PostgresReports(openPostgresPool(database.url, POSTGRES_CONNECTIONS), reports);
}

lowerPriority(NICE);
serveReports(open);
