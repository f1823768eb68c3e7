// All long reads of this folder, for the table in src/app/reports.ts.
import type { Report } from '../metadata/report.ts';
import { sizeReports } from './sizes/reports.ts';

export function lifecycleReports() {
  return { ...sizeReports() } satisfies Record<string, Report<never, unknown>>;
}

export type LifecycleReports = ReturnType<typeof lifecycleReports>;
