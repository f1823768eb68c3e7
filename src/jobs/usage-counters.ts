// Counters of what namespaces use, in the background: adds up what was there before a counter, and on
// PostgreSQL folds the changes that pushes have left.
import type { LifecycleCommands } from '../lifecycle/commands.ts';
import type { Commands } from '../metadata/command.ts';
import type { Sql } from '../metadata/sql.ts';
import { type CountCursor, scopesToCount, scopesToFold } from '../metadata/usage-scopes.ts';
import type { JobContext, JobKind } from './job-kinds.ts';

export interface UsageCounterParts {
  readonly sql: Sql;
  readonly commands: Commands<LifecycleCommands>;
}

/** Blobs counted, or changes folded, in one transaction: some milliseconds. */
const BATCH = 1_000;
/** Changes add up to a read of as many rows for each push to a namespace with a quota. */
const FOLD_EVERY_MS = 2_000;

export function usageCounterJobs(parts: UsageCounterParts): JobKind[] {
  const { sql } = parts;
  return [
    {
      kind: 'count-usage',
      everyMs: 1_000,
      isWanted: async () => (await scopesToCount(sql)).length > 0,
      run: (context) => countUsage(parts, context),
    },
    {
      kind: 'fold-usage',
      everyMs: FOLD_EVERY_MS,
      // SQLite has one writer, and needs no changes that wait.
      isWanted: async () => sql.engine === 'postgres' && (await scopesToFold(sql)).length > 0,
      run: (context) => foldChanges(parts, context),
    },
  ];
}

/** Ends when every scope is exact; what is left at a stop the next run does. */
export async function countUsage(parts: UsageCounterParts, context: JobContext): Promise<void> {
  for (const scope of await scopesToCount(parts.sql)) {
    let cursor: CountCursor | undefined;
    for (let batches = 1; !context.isStopping(); batches += 1) {
      const next = await parts.commands.run('countScope', { scope, cursor, limit: BATCH });
      if (next === 'done') break;
      cursor = next === 'next' ? undefined : next;
      if (batches % 20 === 0) await context.extend();
    }
  }
}

export async function foldChanges(parts: UsageCounterParts, context: JobContext): Promise<void> {
  for (const scope of await scopesToFold(parts.sql)) {
    const fold = { scope, limit: BATCH };
    while ((await parts.commands.run('foldUsage', fold)) === BATCH) {
      if (context.isStopping()) return;
      await context.extend();
    }
  }
}
