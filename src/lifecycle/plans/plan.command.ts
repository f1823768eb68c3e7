// The transactions of plans: made, filled in the background, applied repository by repository, dropped.
//
//   making ──last page──► ready ──apply──► applying ──nothing left──► applied
//      │                    │
//      └──► failed          └──► dropped            (making too)
//
// A crash leaves a plan where its row says: whoever takes its job goes on from there.
import { type Actor, recordAct } from '../../metadata/audit.ts';
import { relaxed, synced } from '../../metadata/command.ts';
import { addJob } from '../../metadata/jobs.ts';
import { nodesBehind, wantPulls } from '../../metadata/nodes.ts';
import { forgetOldRecords } from '../../metadata/old-records.ts';
import {
  addPlanItems,
  deletePlanItems,
  findOldPlan,
  insertNewPlan,
  lockPlan,
  type NewPlanItem,
  readUndoOf,
  type StoredPlan,
  trimPlanItems,
  updatePlan,
} from '../../metadata/plans.ts';
import type { Transaction } from '../../metadata/sql.ts';
import type { PlanKind } from '../../metadata/version-schema.ts';
import { RegistryError } from '../../oci/errors.ts';
import type { Guards } from '../../registry/guards.ts';
import { shownPath } from '../shown-path.ts';
import { applyPlanItemsCommand } from './apply-plan.command.ts';
import {
  addCounts,
  EMPTY_SUMMARY,
  type PlanCounts,
  type PlanSummary,
  summaryOf,
} from './plan-summary.ts';

export function planCommands(guards: Guards) {
  return {
    createPlan: synced(createPlan),
    beginMakingPlan: relaxed(beginMakingPlan),
    addPlanItems: relaxed(addItems),
    failPlan: synced(failPlan),
    notePlanError: relaxed(notePlanError),
    forgetPlanItems: relaxed(forgetPlanItems),
    dropPlan: synced(dropPlan),
    startApplyingPlan: synced(startApplyingPlan),
    waitForPulls: relaxed(waitForPulls),
    leavePlanToJob: relaxed(leavePlanToJob),
    applyPlanItems: applyPlanItemsCommand(guards),
  };
}

/** The kind of job that goes on with a plan. */
export const PLAN_JOB = 'plan';

/** Milliseconds that whoever asked may work on a plan before the job looks after it: see run-plan.ts. */
const OWN_MS = 30_000;

export interface PlanWanted {
  readonly kind: PlanKind;
  readonly path: string;
  /** JSON. */
  readonly parameters: string;
  readonly undoOf?: number | undefined;
  readonly actor: Actor;
}

/** What every kind of plan may be asked for. */
export interface PlanParameters {
  /** It only says what would have happened, and is never applied. */
  readonly since?: number | undefined;
  /** As soon as it is ready, by whom. */
  readonly applies?: { readonly actor: Actor; readonly isOverriding: boolean } | undefined;
}

/** @returns its id. @throws RegistryError NOT_FOUND, CONFLICT for an undo that cannot be. */
async function createPlan(tx: Transaction, wanted: PlanWanted): Promise<number> {
  const { kind, path, actor, undoOf } = wanted;
  if (undoOf !== undefined) await checkUndo(tx, undoOf);
  const summary = JSON.stringify(EMPTY_SUMMARY);
  const id = await insertNewPlan(tx, { ...wanted, undoOf: undoOf ?? null, summary });
  await addPlanJob(tx, { id, what: 'making' });
  await recordAct(tx, {
    actor,
    action: 'plan.make',
    target: path || 'the root',
    detail: { plan: id, kind, ...(undoOf !== undefined && { undoOf }) },
  });
  return id;
}

async function checkUndo(tx: Transaction, id: number): Promise<void> {
  const plan = await known(tx, id);
  if (plan.state !== 'applied') {
    throw new RegistryError(
      'CONFLICT',
      `Plan ${id} is ${plan.state}: only what was applied can be undone.`,
    );
  }
  const undo = await readUndoOf(tx, id);
  if (undo === undefined || undo.state === 'dropped' || undo.state === 'failed') return;
  throw new RegistryError(
    'CONFLICT',
    `Plan ${id} is undone by plan ${undo.id}, which is ${undo.state}. To have it again, undo plan ${undo.id}.`,
    { plan: undo.id },
  );
}

async function addPlanJob(
  tx: Transaction,
  { id, what }: { id: number; what: 'making' | 'applying' },
): Promise<void> {
  await addJob(tx, {
    kind: PLAN_JOB,
    key: `plan:${id}:${what}`,
    arguments: JSON.stringify({ plan: id }),
    runAt: (await tx.now()) + OWN_MS,
  });
}

/** What is left of a plan is done in the background, from now on. */
async function leavePlanToJob(
  tx: Transaction,
  { id, inMs }: { id: number; inMs: number },
): Promise<void> {
  const runAt = (await tx.now()) + inMs;
  // A job that just ends still has its key, so each has one of its own.
  const key = `plan:${id}:${runAt}`;
  await addJob(tx, { kind: PLAN_JOB, key, arguments: JSON.stringify({ plan: id }), runAt });
}

/** @throws RegistryError NOT_FOUND */
async function known(tx: Transaction, id: number): Promise<StoredPlan> {
  const plan = await lockPlan(tx, id);
  if (plan === undefined) throw new RegistryError('NOT_FOUND', `There is no plan ${id}.`);
  return plan;
}

/** Takes the next turn at making a plan. @returns undefined when there is nothing left to make. */
async function beginMakingPlan(tx: Transaction, id: number): Promise<StoredPlan | undefined> {
  const plan = await lockPlan(tx, id);
  if (plan === undefined || plan.state !== 'making') return undefined;
  const summary = summaryOf(plan);
  const { turn = 0, after = '', number = 0, carried } = summary.making ?? {};
  await trimPlanItems(tx, { plan: id, number });
  const making = { turn: turn + 1, after, number, carried };
  const changed = { ...plan, summary: JSON.stringify({ ...summary, making }) };
  await updatePlan(tx, plan, changed);
  return changed;
}

export interface ItemsToAdd {
  readonly plan: number;
  readonly turn: number;
  /** The number of the first of them. */
  readonly first: number;
  readonly items: readonly NewPlanItem[];
  /** With the last items of a page. */
  readonly page?: PageEnd | undefined;
}

export interface PageEnd {
  /** Where the next page begins; undefined: it was the last one. */
  readonly after: string | undefined;
  readonly repositories: number;
  readonly counts: PlanCounts;
  /** What the items of the page free together. */
  readonly bytes: number;
  readonly carried?: string | undefined;
}

/** @returns false when somebody else has taken the turn, or the plan was dropped. */
async function addItems(tx: Transaction, added: ItemsToAdd): Promise<boolean> {
  const { plan: id, turn, first, items, page } = added;
  const plan = await lockPlan(tx, id);
  if (plan === undefined || plan.state !== 'making') return false;
  const summary = summaryOf(plan);
  if (summary.making?.turn !== turn) return false;
  await addPlanItems(tx, { plan: id, first, items });
  // Counted with the page: what is not whole is thrown away at the next turn.
  if (page === undefined) return true;
  const number = first + items.length - 1;
  const { after, repositories, counts, bytes, carried } = page;
  const whole: PlanSummary = {
    ...summary,
    items: number,
    planned: addCounts(summary.planned, counts),
    repositories: summary.repositories + repositories,
    bytes: summary.bytes + bytes,
    making: after === undefined ? undefined : { turn, after, number, carried },
  };
  const ready = { ...plan, summary: JSON.stringify(whole) };
  if (after !== undefined) await updatePlan(tx, plan, ready);
  else await endMaking(tx, { ...ready, state: 'ready' });
  return true;
}

/** The plan is ready; what was asked for as a whole is applied from here on. */
async function endMaking(tx: Transaction, plan: StoredPlan): Promise<void> {
  const { applies } = JSON.parse(plan.parameters) as PlanParameters;
  if (applies === undefined) await updatePlan(tx, plan, {});
  else await apply(tx, plan, applies);
}

async function failPlan(
  tx: Transaction,
  { id, error }: { id: number; error: string },
): Promise<void> {
  const plan = await lockPlan(tx, id);
  if (plan?.state !== 'making') return;
  await updatePlan(tx, plan, { state: 'failed', lastError: error, endedAt: await tx.now() });
}

/** What went wrong in the background; it is tried again. */
async function notePlanError(
  tx: Transaction,
  { id, error }: { id: number; error: string },
): Promise<void> {
  const plan = await lockPlan(tx, id);
  if (plan !== undefined) await updatePlan(tx, plan, { lastError: error });
}

const DAY_MS = 24 * 60 * 60 * 1000;
/** Plans that nobody has applied: a preview of a large namespace has a million rows. */
const UNUSED_MS = 7 * DAY_MS;
/** Plans that were applied: longer than what they took away can be brought back, unless a policy says more. */
const APPLIED_MS = 90 * DAY_MS;
/** Rows of one transaction. */
const FORGOTTEN_AT_ONCE = 500;

/** What was planned and run so long ago is not even history. */
const RECORDS_MS = 400 * DAY_MS;

/**
 * Takes away some items of plans that are too old to be of use, then, long after, the plans themselves and
 * the records of runs. @returns whether there are more.
 */
async function forgetPlanItems(tx: Transaction, _: null): Promise<boolean> {
  const now = await tx.now();
  const old = await findOldPlan(tx, { unused: now - UNUSED_MS, applied: now - APPLIED_MS });
  if (old === undefined) {
    const trim = { before: now - RECORDS_MS, limit: FORGOTTEN_AT_ONCE };
    return (await forgetOldRecords(tx, trim)) > 0;
  }
  const plan = await lockPlan(tx, old);
  if (plan === undefined) return false;
  await deletePlanItems(tx, { plan: old, limit: FORGOTTEN_AT_ONCE });
  if (plan.state === 'ready') await updatePlan(tx, plan, { state: 'dropped', endedAt: now });
  return true;
}

/** @throws RegistryError NOT_FOUND, CONFLICT when it was applied. */
async function dropPlan(
  tx: Transaction,
  { id, actor }: { id: number; actor: Actor },
): Promise<void> {
  const plan = await known(tx, id);
  if (plan.state === 'dropped') return;
  if (plan.state !== 'ready' && plan.state !== 'making') {
    throw new RegistryError('CONFLICT', `Plan ${id} is ${plan.state}: it cannot be dropped.`);
  }
  await updatePlan(tx, plan, { state: 'dropped', endedAt: await tx.now() });
  const target = plan.path || 'the root';
  await recordAct(tx, { actor, action: 'plan.drop', target, detail: { plan: id } });
}

export interface PlanToApply {
  readonly id: number;
  readonly actor: Actor;
  /** Rules that protect tags may be broken, and leases on tags. */
  readonly isOverriding: boolean;
}

/** Without effect on one that is being applied, or was. @throws RegistryError NOT_FOUND, CONFLICT */
async function startApplyingPlan(tx: Transaction, asked: PlanToApply): Promise<void> {
  const { id, actor, isOverriding } = asked;
  const plan = await known(tx, id);
  if (plan.state === 'applying' || plan.state === 'applied') return;
  if (plan.state !== 'ready') {
    const why =
      plan.state === 'making'
        ? 'Wait until it is ready.'
        : `Make a new one for ${shownPath(plan.path)}.`;
    throw new RegistryError('CONFLICT', `Plan ${id} is ${plan.state}. ${why}`);
  }
  if ((JSON.parse(plan.parameters) as PlanParameters).since !== undefined) {
    throw new RegistryError(
      'CONFLICT',
      `Plan ${id} says what would have happened in the past: it cannot be applied.`,
    );
  }
  await apply(tx, plan, { actor, isOverriding });
}

async function apply(
  tx: Transaction,
  plan: StoredPlan,
  { actor, isOverriding }: { actor: Actor; isOverriding: boolean },
): Promise<void> {
  const { id, kind } = plan;
  const isRetention = kind === 'retention';
  const pullsWantedAt = isRetention ? await wantPulls(tx) : 0;
  // What rules and leases protect, no retention takes away.
  const applying = { actor, isOverriding: isOverriding && !isRetention, pullsWantedAt };
  const summary = JSON.stringify({ ...summaryOf(plan), applying });
  await updatePlan(tx, plan, { state: 'applying', summary, appliedAt: await tx.now() });
  await addPlanJob(tx, { id, what: 'applying' });
  const detail = { plan: id, kind, isOverriding: applying.isOverriding };
  await recordAct(tx, { actor, action: 'plan.apply', target: plan.path || 'the root', detail });
}

/** A node that was not seen for so long is not there (ms): one that is says so every minute. */
const NODE_AWAY_MS = 150_000;
/** Milliseconds that a run waits for a node that is there and does not write down its counts. */
const SILENT_MS = 150_000;

/** @returns whether all nodes have written down their counts, or are not waited for any more. */
async function waitForPulls(tx: Transaction, id: number): Promise<boolean> {
  const plan = await lockPlan(tx, id);
  const summary = plan && summaryOf(plan);
  const { applying } = summary ?? {};
  if (plan?.state !== 'applying' || applying === undefined) return true;
  const { pullsWantedAt } = applying;
  if (pullsWantedAt === 0) return true;
  const now = await tx.now();
  const behind = (await nodesBehind(tx, pullsWantedAt)).filter(
    ({ seenAt }) => seenAt > pullsWantedAt - NODE_AWAY_MS,
  );
  if (behind.length > 0 && now < pullsWantedAt + SILENT_MS) return false;
  const silentNodes = behind.map(({ instance }) => instance);
  const done = { ...applying, pullsWantedAt: 0, silentNodes };
  await updatePlan(tx, plan, { summary: JSON.stringify({ ...summary, applying: done }) });
  return true;
}
