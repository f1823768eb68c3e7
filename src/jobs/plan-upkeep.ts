// Goes on with plans that nobody waits for: a few seconds at a time, so that other jobs have their turn.

import { PLAN_JOB, type planCommands } from '../lifecycle/plans/plan.command.ts';
import { advancePlan, type PlanParts } from '../lifecycle/plans/run-plan.ts';
import type { Commands } from '../metadata/command.ts';
import { RegistryError } from '../oci/errors.ts';
import type { JobContext, JobKind } from './job-kinds.ts';

export interface PlanJobParts extends PlanParts {
  readonly commands: Commands<ReturnType<typeof planCommands>>;
  /** Milliseconds, of any origin. */
  readonly now: () => number;
  sleep(ms: number): Promise<unknown>;
}

const HOUR_MS = 60 * 60 * 1000;
/** Milliseconds of one turn. */
const TURN_MS = 2_000;
/** As part of the time that a page took: without it a plan of a million tags slowed pushes by a third. */
const RESTS = 0.75;
/** Milliseconds until it is looked whether what a plan waits for is there. */
const LOOK_AGAIN_MS = 1_000;
const FAULT =
  'Something went wrong inside the registry. Its log names the cause, and it is tried again.';

export function planJobs(parts: PlanJobParts): JobKind[] {
  const run = (context: JobContext, args: unknown) =>
    advance(parts, context, (args as { plan: number }).plan);
  const forget = (context: JobContext) => forgetOldItems(parts, context);
  return [
    { kind: PLAN_JOB, everyMs: undefined, run },
    { kind: 'forget-plans', everyMs: HOUR_MS, run: forget },
  ];
}

async function advance(parts: PlanJobParts, context: JobContext, id: number): Promise<void> {
  const { now, sleep } = parts;
  const end = now() + TURN_MS;
  let began = now();
  const time = {
    isOver: () => context.isStopping() || now() >= end,
    extend: () => context.extend(),
    async rest() {
      await sleep(RESTS * (now() - began));
      began = now();
    },
  };
  const rest = await advancePlan(parts, id, time).catch(async (error: unknown) => {
    // Whoever may see the plan reads it: what went wrong inside stands in the log.
    const text = error instanceof RegistryError ? error.message : FAULT;
    await parts.commands.run('notePlanError', { id, error: text });
    throw error;
  });
  if (rest === 'none') return;
  await parts.commands.run('leavePlanToJob', { id, inMs: rest === 'later' ? LOOK_AGAIN_MS : 0 });
}

async function forgetOldItems({ commands }: PlanJobParts, context: JobContext): Promise<void> {
  while (!context.isStopping() && (await commands.run('forgetPlanItems', null))) {
    await context.extend();
  }
}
