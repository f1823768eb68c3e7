// Goes on with a plan, from wherever its row says that it is: makes the next items, applies the next
// repositories. Called by who asked for it, for as long as somebody waits, and by the job for the rest.
import type { Commands } from '../../metadata/command.ts';
import {
  type NewPlanItem,
  nextPlannedRepository,
  readPlan,
  type StoredPlan,
} from '../../metadata/plans.ts';
import type { Reports } from '../../metadata/report.ts';
import type { Sql } from '../../metadata/sql.ts';
import { RegistryError } from '../../oci/errors.ts';
import type { planCommands } from './plan.command.ts';
import type { PlanPage } from './plan-page.ts';
import type { planReports } from './plan-reports.ts';
import { NO_COUNTS, type PlanProgress, summaryOf, withItems } from './plan-summary.ts';

export interface PlanParts {
  readonly sql: Sql;
  readonly commands: Commands<ReturnType<typeof planCommands>>;
  readonly reports: Reports<ReturnType<typeof planReports>>;
}

/** `later`: it waits for something else; look again in a second. */
export type PlanRest = 'none' | 'more' | 'later';

/** Asked between two steps. */
export interface PlanTime {
  isOver(): boolean;
  extend?(): Promise<void>;
  /** Between two pages, where nobody waits: pushes come first. Then no page is read ahead. */
  rest?(): Promise<void>;
}

/** @returns whether something is left to be done. */
export async function advancePlan(parts: PlanParts, id: number, time: PlanTime): Promise<PlanRest> {
  const plan = await readPlan(parts.sql, id);
  if (plan?.state === 'applying') return apply(parts, id, time);
  if (plan?.state !== 'making') return 'none';
  if ((await makeItems(parts, id, time)) === 'more') return 'more';
  // Some are to be applied as soon as they are made.
  const made = await readPlan(parts.sql, id);
  return made?.state === 'applying' ? apply(parts, id, time) : 'none';
}

/** Rows that one transaction inserts: about a millisecond, in which pushes wait on SQLite. */
const INSERTED_AT_ONCE = 100;

async function makeItems(parts: PlanParts, id: number, time: PlanTime): Promise<PlanRest> {
  const plan = await parts.commands.run('beginMakingPlan', id);
  let progress = plan && summaryOf(plan).making;
  if (plan === undefined || progress === undefined) return 'none';
  let reading: Promise<PlanPage | undefined> | undefined;
  while (!time.isOver()) {
    await time.extend?.();
    const page = await (reading ?? readPage(parts, plan, progress));
    if (page === undefined) return 'none';
    const { after, carried } = page;
    // Read in another thread than the one that writes: one page ahead.
    const isLast = after === undefined;
    reading =
      isLast || time.rest !== undefined ? undefined : readPage(parts, plan, { after, carried });
    // Whoever waits for it hears of it, and it may be that nobody does.
    reading?.catch(() => {});
    const next = await addPage(parts, { plan: id, progress, page });
    if (next === undefined) return 'none';
    progress = next;
    await time.rest?.();
  }
  return 'more';
}

/** @returns undefined when the plan cannot be made, and says why. */
async function readPage(
  parts: PlanParts,
  plan: StoredPlan,
  { after, carried }: Pick<PlanProgress, 'after' | 'carried'>,
): Promise<PlanPage | undefined> {
  const { kind, path, parameters, undoOf, createdAt } = plan;
  try {
    return await parts.reports.run(`${kind}PlanPage`, {
      path,
      parameters,
      undoOf,
      createdAt,
      after,
      carried,
    });
  } catch (error) {
    // What is wrong with what was asked for does not get better; a fault of the database may.
    if (!(error instanceof RegistryError)) throw error;
    await parts.commands.run('failPlan', { id: plan.id, error: error.message });
    return undefined;
  }
}

/** @returns undefined when nothing is left to be made, or somebody else goes on. */
async function addPage(
  { commands }: PlanParts,
  { plan, progress, page }: { plan: number; progress: PlanProgress; page: PlanPage },
): Promise<PlanProgress | undefined> {
  const { turn, number } = progress;
  const { items, after, repositories, bytes, carried } = page;
  const counts = withItems(NO_COUNTS, items);
  for (let at = 0; ; ) {
    const some: readonly NewPlanItem[] = items.slice(at, at + INSERTED_AT_ONCE);
    const isLast = at + some.length === items.length;
    const added = await commands.run('addPlanItems', {
      plan,
      turn,
      first: number + 1 + at,
      items: some,
      page: isLast ? { after, repositories, counts, bytes, carried } : undefined,
    });
    if (!added) return undefined;
    at += some.length;
    if (isLast) break;
  }
  return after === undefined ? undefined : { turn, after, number: number + items.length, carried };
}

async function apply(parts: PlanParts, id: number, time: PlanTime): Promise<PlanRest> {
  const { sql, commands } = parts;
  if (!(await commands.run('waitForPulls', id))) return 'later';
  while (!time.isOver()) {
    await time.extend?.();
    const repository = await nextPlannedRepository(sql, id);
    if (!(await applyStep(parts, { plan: id, repository }))) return 'none';
  }
  return 'more';
}

async function applyStep(
  { commands }: PlanParts,
  step: { plan: number; repository: number | undefined },
): Promise<boolean> {
  try {
    return await commands.run('applyPlanItems', step);
  } catch (error) {
    // A quota refuses the repository as a whole; the others go on.
    if (!(error instanceof RegistryError) || error.code !== 'DENIED') throw error;
    return commands.run('applyPlanItems', { ...step, skip: error.message });
  }
}
