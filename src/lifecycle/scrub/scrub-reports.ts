// Long reads of the scrubber and of the doctor.
import { readImagesHit } from '../../metadata/images-hit.ts';
import { type LostPartsPage, readLostParts } from '../../metadata/lost-parts.ts';
import type { Report, ReportSql } from '../../metadata/report.ts';

import { type CountersPage, checkCounters } from '../../metadata/usage-check.ts';

export function scrubReports() {
  return {
    imagesHit: (sql: ReportSql, args: { blob: number; limit: number }) => readImagesHit(sql, args),
    lostParts: (sql: ReportSql, page: { after: number; limit: number }): Promise<LostPartsPage> =>
      readLostParts(sql, page),
    wrongCounters: (
      sql: ReportSql,
      page: { after: number; limit: number },
    ): Promise<CountersPage> => checkCounters(sql, page),
  } satisfies Record<string, Report<never, unknown>>;
}

export type ScrubReports = ReturnType<typeof scrubReports>;
