// The history of tags in the background: once a day, moves that are old enough are forgotten.
import type { LifecycleCommands } from '../lifecycle/commands.ts';
import type { OldEventsPage } from '../lifecycle/history/old-events.ts';
import type { LifecycleReports } from '../lifecycle/reports.ts';
import type { Commands } from '../metadata/command.ts';
import type { Reports } from '../metadata/report.ts';
import type { JobContext, JobKind } from './job-kinds.ts';

export interface HistoryUpkeepParts {
  readonly commands: Pick<Commands<LifecycleCommands>, 'run'>;
  readonly reports: Pick<Reports<LifecycleReports>, 'run'>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** How long moves of tags are kept; 0 = for ever. */
  readonly ageMs: number;
}

const DAY_MS = 24 * 60 * 60 * 1000;
/** Tags looked at in one read: some milliseconds. */
const PAGE = 1_000;
/** Moves forgotten in one transaction: some milliseconds. */
const BATCH = 500;

export function historyJobs(parts: HistoryUpkeepParts): JobKind[] {
  const run = (context: JobContext) => trimTagEvents(parts, context);
  return [{ kind: 'trim-tag-events', everyMs: DAY_MS, isLong: true, run }];
}

export async function trimTagEvents(
  { commands, reports, now, ageMs }: HistoryUpkeepParts,
  context: JobContext,
): Promise<void> {
  let after: number | undefined = ageMs === 0 ? undefined : 0;
  while (after !== undefined) {
    const { tags, next }: OldEventsPage = await reports.run('oldTagEvents', {
      after,
      limit: PAGE,
      ageMs,
      now: now(),
    });
    for (const tag of tags) {
      let gone: number;
      do {
        if (context.isStopping()) return;
        gone = await commands.run('forgetOldTagEvents', { ...tag, limit: BATCH });
        await context.extend();
      } while (gone === BATCH);
    }
    await context.extend();
    after = next;
  }
}
