// All long reads of this folder, for the table in src/app/reports.ts.
import type { Report } from '../metadata/report.ts';
import { collectionReports } from './collection/collection-reports.ts';
import { historyReports } from './history/tags-then.ts';
import { leaseReports } from './leases/lease-reports.ts';
import { nameReports } from './names/name-reports.ts';
import { planReports } from './plans/plan-reports.ts';
import { scrubReports } from './scrub/scrub-reports.ts';
import { sizeReports } from './sizes/reports.ts';
import { trashReports } from './trash/trash-reports.ts';

export function lifecycleReports() {
  return {
    ...collectionReports(),
    ...historyReports(),
    ...leaseReports(),
    ...nameReports(),
    ...planReports(),
    ...scrubReports(),
    ...sizeReports(),
    ...trashReports(),
  } satisfies Record<string, Report<never, unknown>>;
}

export type LifecycleReports = ReturnType<typeof lifecycleReports>;
