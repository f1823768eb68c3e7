// All long reads of this folder, for the table in src/app/reports.ts.
import type { Report } from '../metadata/report.ts';

export function lifecycleReports() {
  return {} satisfies Record<string, Report<never, unknown>>;
}

export type LifecycleReports = ReturnType<typeof lifecycleReports>;
