// Once a day what namespaces and repositories use is written down, for growth over time. What is cheap to know
// is asked here; the rest are reports.
import type { LifecycleCommands } from '../lifecycle/commands.ts';
import type { LifecycleReports } from '../lifecycle/reports.ts';
import type { Commands } from '../metadata/command.ts';
import type { Reports } from '../metadata/report.ts';
import type { Sql } from '../metadata/sql.ts';
import { countedPaths, GONE_DAYS, type PathUsage } from '../metadata/usage-history.ts';
import type { JobContext, JobKind } from './job-kinds.ts';

export interface UsageUpkeepParts {
  readonly sql: Sql;
  readonly commands: Commands<LifecycleCommands>;
  readonly reports: Reports<LifecycleReports>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** How late a day may be written down. */
const LOOK_EVERY_MS = 10 * 60 * 1_000;
const DAY_MS = 24 * 60 * 60 * 1_000;
/** Rows of one transaction: a millisecond or two. */
const BATCH = 50;

export function usageJobs(parts: UsageUpkeepParts): JobKind[] {
  return [
    {
      kind: 'record-usage',
      everyMs: LOOK_EVERY_MS,
      isLong: true,
      run: (context) => recordDay(parts, context),
    },
  ];
}

/** Begun and stopped, it goes on where it was: what has a row of the day is not looked at again. */
export async function recordDay(parts: UsageUpkeepParts, context: JobContext): Promise<void> {
  const { sql, commands, reports } = parts;
  const day = Math.floor(parts.now() / DAY_MS);
  const counted = await countedPaths(sql);
  // Written last, so they tell which day was written down to the end.
  const last = counted.flatMap(({ lastDay = [] }) => lastDay);
  const since = last.length === 0 ? undefined : Math.max(...last);
  // Later than today: the clock was set back.
  if (counted.length === 0 || (since ?? 0) >= day) return;
  let rows: PathUsage[] = [];
  const write = async () => {
    await commands.run('recordUsage', rows);
    rows = [];
    await context.extend();
  };
  for (const { id, name } of await reports.run('usageToRecord', { day, since })) {
    if (context.isStopping()) break;
    const usage = await reports.run('repositoryUsage', { repository: id });
    rows.push({ path: name, day, repositories: 1, ...usage });
    if (rows.length === BATCH) await write();
  }
  await write();
  if (context.isStopping()) return;
  await forgetGone(parts, { day: day - GONE_DAYS });
  for (const usage of await reports.run('countedUsage', { day })) {
    rows.push(usage);
    if (rows.length === BATCH) await write();
  }
  await write();
}

async function forgetGone(
  { commands, reports }: UsageUpkeepParts,
  { day }: { day: number },
): Promise<void> {
  for (let after = ''; ; ) {
    const paths = await reports.run('usageToForget', { after, day, limit: BATCH });
    const last = paths.at(-1);
    if (last === undefined) return;
    await commands.run('forgetUsage', paths);
    after = last;
  }
}
