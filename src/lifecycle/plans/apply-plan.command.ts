// One step of applying a plan: the next repository, or the next part of a large one, in one transaction.
import { isAtOrBelow } from '../../access/pattern.ts';
import { recordAct } from '../../metadata/audit.ts';
import { synced } from '../../metadata/command.ts';
import {
  lockPlan,
  markItemsDone,
  markItemsSkipped,
  nextPlannedRepository,
  type PlanItem,
  plannedItems,
  recordRetentionRun,
  type StoredPlan,
  updatePlan,
} from '../../metadata/plans.ts';
import { lockRepository } from '../../metadata/repositories.ts';
import { findRepositoryById } from '../../metadata/repository-details.ts';
import type { Transaction } from '../../metadata/sql.ts';
import type { TagCause } from '../../metadata/tags.ts';
import type { PlanKind } from '../../metadata/version-schema.ts';
import type { Guards } from '../../registry/guards.ts';
import { applyItems } from './apply-items.ts';
import type { SkipNotes } from './items-to-do.ts';
import { applierOf, type PlanSummary, summaryOf, withItems } from './plan-summary.ts';

/**
 * Items of one transaction. A repository with at most so many changes as a whole; a larger one in parts of
 * this size, because pushes to it wait meanwhile, on SQLite all writes: about a third of a second.
 */
export const ITEMS_AT_ONCE = 2_000;

const CAUSES: Readonly<Record<PlanKind, TagCause>> = {
  retention: 'retention',
  restore: 'restore',
  undo: 'undo',
};

export interface StepWanted {
  readonly plan: number;
  /** One in which something is left to be done; undefined: there is none, so the plan ends. */
  readonly repository: number | undefined;
  /** Nothing is done there, and this is written down as the reason. */
  readonly skip?: string | undefined;
}

/** @returns false when the plan is applied. @throws RegistryError DENIED of a quota. */
export function applyPlanItemsCommand(guards: Guards) {
  return synced(async (tx: Transaction, step: StepWanted): Promise<boolean> => {
    const { plan: id, repository, skip } = step;
    const plan = await lockPlan(tx, id);
    if (plan?.state !== 'applying') return false;
    if (repository === undefined) {
      if ((await nextPlannedRepository(tx, id)) !== undefined) return true;
      await endPlan(tx, plan);
      return false;
    }
    const items = await plannedItems(tx, { plan: id, repository, limit: ITEMS_AT_ONCE });
    const notes =
      skip === undefined
        ? await applyTo(tx, guards, { plan, repository, items })
        : allSkipped(items, skip);
    const done = items.filter(({ number }) => !notes.has(number));
    await markItemsDone(tx, { plan: id, numbers: done.map(({ number }) => number) });
    await markItemsSkipped(tx, { plan: id, notes });
    const summary = summaryOf(plan);
    const counted: PlanSummary = {
      ...summary,
      done: withItems(summary.done, done),
      skipped: summary.skipped + notes.size,
    };
    await updatePlan(tx, plan, { summary: JSON.stringify(counted) });
    return true;
  });
}

async function applyTo(
  tx: Transaction,
  guards: Guards,
  work: { plan: StoredPlan; repository: number; items: readonly PlanItem[] },
): Promise<SkipNotes> {
  const { plan, repository, items } = work;
  const summary = summaryOf(plan);
  const found = await findRepositoryById(tx, repository);
  // Locked by its name: it may just be renamed or deleted by somebody else.
  const isHere = found !== undefined && (await lockRepository(tx, found.name)) === repository;
  if (!isHere) return allSkipped(items, 'the repository is not there any more');
  // Who applies was asked for the right at the path of the plan; where it is now may not be theirs to know.
  if (!isAtOrBelow(found.name, plan.path)) {
    return allSkipped(items, 'the repository is elsewhere now');
  }
  return applyItems(tx, guards, {
    plan: plan.id,
    repository,
    name: found.name,
    items,
    actor: applierOf(summary),
    cause: CAUSES[plan.kind],
    isOverriding: summary.applying?.isOverriding ?? false,
  });
}

function allSkipped(items: readonly PlanItem[], note: string): SkipNotes {
  return new Map(items.map(({ number }) => [number, note]));
}

async function endPlan(tx: Transaction, plan: StoredPlan): Promise<void> {
  const summary = summaryOf(plan);
  await updatePlan(tx, plan, { state: 'applied', endedAt: await tx.now() });
  if (plan.kind === 'retention') {
    const { done, skipped, bytes, applying } = summary;
    const detail = { plan: plan.id, path: plan.path, ...done, skipped, bytes };
    const silentNodes = applying?.silentNodes ?? [];
    const startedAt = plan.appliedAt ?? plan.createdAt;
    await recordRetentionRun(tx, { startedAt, detail: { ...detail, silentNodes } });
  }
  await recordAct(tx, {
    actor: applierOf(summary),
    action: 'plan.applied',
    target: plan.path || 'the root',
    detail: { plan: plan.id, ...summary.done, skipped: summary.skipped },
  });
}
