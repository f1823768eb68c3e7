// What a plan says of itself besides its items: how many of each, what was done, and how far it has come.
import { type Actor, SYSTEM } from '../../metadata/audit.ts';
import type { NewPlanItem, StoredPlan } from '../../metadata/plans.ts';

export interface PlanCounts {
  /** Tags that go from one digest to another. */
  readonly moved: number;
  /** Tags that are not there now. */
  readonly appearing: number;
  /** Tags that go to the trash. */
  readonly disappearing: number;
  /** Manifests that go to the trash. */
  readonly deleted: number;
  /** Manifests that come out of the trash. */
  readonly revived: number;
  /** Tags and manifests of which the plan says why nothing is done with them. */
  readonly kept: number;
}

export interface PlanSummary {
  readonly items: number;
  /** That have items. */
  readonly repositories: number;
  readonly planned: PlanCounts;
  /** Bytes that the plan frees as a whole once its trash is collected. */
  readonly bytes: number;
  readonly done: PlanCounts;
  readonly skipped: number;
  /** While it is made. */
  readonly making?: PlanProgress | undefined;
  /** Since it was applied. */
  readonly applying?: PlanApplication | undefined;
}

/** How far the making has come. Whoever goes on takes the next turn, and who had an older one has none. */
export interface PlanProgress {
  readonly turn: number;
  /** Where the next page of items begins; '' = at the start. */
  readonly after: string;
  /** The last item of the pages that are whole. */
  readonly number: number;
  /** What the making must remember from page to page: JSON. */
  readonly carried?: string | undefined;
}

export interface PlanApplication {
  readonly actor: Actor;
  /** Rules that protect tags may be broken. */
  readonly isOverriding: boolean;
  /** Counts of pulls must be written down since then, by every node; 0: that is waited for no more. */
  readonly pullsWantedAt: number;
  /** Nodes that did not write down their counts in time. */
  readonly silentNodes?: readonly string[] | undefined;
}

export const NO_COUNTS: PlanCounts = {
  moved: 0,
  appearing: 0,
  disappearing: 0,
  deleted: 0,
  revived: 0,
  kept: 0,
};

export const EMPTY_SUMMARY: PlanSummary = {
  items: 0,
  repositories: 0,
  planned: NO_COUNTS,
  bytes: 0,
  done: NO_COUNTS,
  skipped: 0,
  making: { turn: 0, after: '', number: 0 },
};

export function summaryOf({ summary }: Pick<StoredPlan, 'summary'>): PlanSummary {
  return JSON.parse(summary) as PlanSummary;
}

type Counted = Pick<NewPlanItem, 'action' | 'from' | 'to'>;

function kindOf({ action, from, to }: Counted): keyof PlanCounts {
  if (action === 'keep') return 'kept';
  if (action === 'delete') return 'deleted';
  if (action === 'revive') return 'revived';
  if (from === null) return 'appearing';
  return to === null ? 'disappearing' : 'moved';
}

/** What was counted and `items` besides. */
export function withItems(counts: PlanCounts, items: readonly Counted[]): PlanCounts {
  const sum = { ...counts };
  for (const item of items) sum[kindOf(item)] += 1;
  return sum;
}

export function addCounts(a: PlanCounts, b: PlanCounts): PlanCounts {
  return {
    moved: a.moved + b.moved,
    appearing: a.appearing + b.appearing,
    disappearing: a.disappearing + b.disappearing,
    deleted: a.deleted + b.deleted,
    revived: a.revived + b.revived,
    kept: a.kept + b.kept,
  };
}

/** Who applies, of a plan that is being applied. */
export function applierOf({ applying }: PlanSummary): Actor {
  return applying?.actor ?? SYSTEM;
}
