// Reads of leases that are too long for the request thread.
import { type LeasePage, leasesAt, type StoredLease } from '../../metadata/leases.ts';
import type { Report, ReportSql } from '../../metadata/report.ts';

export function leaseReports() {
  return {
    leasesAt: (sql: ReportSql, page: LeasePage & { path: string }): Promise<StoredLease[]> =>
      leasesAt(sql, page),
  } satisfies Record<string, Report<never, unknown>>;
}
