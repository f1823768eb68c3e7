// Some items of a plan in the making: read in the thread of reports, so plain data.
import type { NewPlanItem } from '../../metadata/plans.ts';

export interface PlanPageWanted {
  readonly path: string;
  /** JSON: what was asked for. */
  readonly parameters: string;
  readonly undoOf: number | null;
  /** Milliseconds since 1970 when the plan was asked for. */
  readonly createdAt: number;
  /** '' at the start, then `after` of the page before. */
  readonly after: string;
  readonly carried: string | undefined;
}

export interface PlanPage {
  readonly items: readonly NewPlanItem[];
  /** That have items among them. */
  readonly repositories: number;
  /** What they free together. */
  readonly bytes: number;
  /** Where the next page begins; undefined: there is none. */
  readonly after: string | undefined;
  readonly carried?: string | undefined;
}

/** Items after which a page ends, with the repository that it has come to. */
export const PAGE_ITEMS = 2_000;
/** Repositories after which a page ends: those in which nothing is to be done give no items. */
export const PAGE_REPOSITORIES = 200;
