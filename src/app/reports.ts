// Every long read that the program knows: the one table, for the thread of reports on both engines.
import { lifecycleReports } from '../lifecycle/reports.ts';

export function allReports() {
  return { ...lifecycleReports() };
}

export type AllReports = ReturnType<typeof allReports>;
