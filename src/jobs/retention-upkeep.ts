// Starts retention runs by their schedule: each policy with one, over the repositories for which it is the
// nearest. What a run does is the matter of its plan.
import type { planCommands } from '../lifecycle/plans/plan.command.ts';
import type { RetentionPolicy } from '../lifecycle/retention/policy.ts';
import type { RetentionParameters } from '../lifecycle/retention/retention-parameters.ts';
import { SYSTEM } from '../metadata/audit.ts';
import type { Commands } from '../metadata/command.ts';
import { lastPlansOf } from '../metadata/plans.ts';
import { type PathPolicy, policiesOfKind } from '../metadata/policies.ts';
import type { Sql } from '../metadata/sql.ts';
import type { JobContext, JobKind } from './job-kinds.ts';

export interface RetentionUpkeepParts {
  readonly sql: Sql;
  readonly commands: Commands<ReturnType<typeof planCommands>>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** Plans for a path looked through for the last run by schedule: the others were asked for by people. */
const LOOKED_AT = 50;

export function retentionJobs(parts: RetentionUpkeepParts): JobKind[] {
  const run = (context: JobContext) => startScheduledRuns(parts, context);
  return [{ kind: 'retention', everyMs: MINUTE_MS, run }];
}

export async function startScheduledRuns(
  { sql, commands, now }: RetentionUpkeepParts,
  context: JobContext,
): Promise<void> {
  for (const policy of await policiesOfKind(sql, 'retention')) {
    // What lies in the trash is to come back as it went.
    if (policy.path.startsWith('~')) continue;
    if (context.isStopping()) return;
    await context.extend();
    const due = await dueAt(sql, policy);
    if (due === undefined || due > now()) continue;
    const { path } = policy;
    const applies = { actor: SYSTEM, isOverriding: false };
    const parameters: RetentionParameters = { governedBy: path, applies };
    const text = JSON.stringify(parameters);
    await commands.run('createPlan', { kind: 'retention', path, parameters: text, actor: SYSTEM });
  }
}

/** @returns undefined: it runs only when somebody asks for it, or its last run still goes on. */
async function dueAt(sql: Sql, policy: PathPolicy): Promise<number | undefined> {
  const { path, document, updatedAt } = policy;
  const { schedule = 'off' } = JSON.parse(document) as RetentionPolicy;
  if (schedule === 'off') return undefined;
  const plans = await lastPlansOf(sql, { path, kind: 'retention', limit: LOOKED_AT });
  const last = plans.find(
    ({ parameters }) => (JSON.parse(parameters) as RetentionParameters).governedBy !== undefined,
  );
  if (last?.state === 'making' || last?.state === 'applying') return undefined;
  const everyMs = schedule.everyHours * HOUR_MS;
  // The first run comes one period after the policy was set: time to look at a preview.
  return Math.max(last === undefined ? 0 : last.createdAt, updatedAt) + everyMs;
}
