// Counters of namespaces when a place moves: what is little moves with it, the rest is left to a job that
// works in seconds. Both sides look at what is so by then, so that it does not matter what happens between.
import { addJob } from '../../metadata/jobs.ts';
import { parentOf } from '../../metadata/names.ts';
import type { Transaction } from '../../metadata/sql.ts';
import type { UsageGrowth } from '../../metadata/usage.ts';
import { type MovedContent, scopesAbove, settleMoved } from '../../metadata/usage-moves.ts';

/** The kind of job that settles what was too much for one transaction. */
export const MOVED_USAGE_JOB = 'settle-moved';

/** What it has to do: look through scopes for what has left them, and count what has come to a path. */
export interface MovedUsage {
  readonly left: readonly number[];
  readonly came: string | undefined;
}

/**
 * Where the counters begin that a place is for: a whole path has taken its own along, a single repository
 * leaves those of its path to what lies below it.
 */
export function countedAt({ path, isWhole }: { path: string; isWhole: boolean }): string {
  return isWhole ? parentOf(path) : path;
}

/** @returns what is left to the job; undefined = nothing. */
export async function settleLeft(
  tx: Transaction,
  { at, content }: { at: string; content: MovedContent },
): Promise<readonly number[]> {
  await settleMoved(tx, { at, content, sign: -1 });
  return content.blobs === undefined ? scopesAbove(tx, at) : [];
}

export async function settleCame(
  tx: Transaction,
  { at, content }: { at: string; content: MovedContent },
): Promise<UsageGrowth> {
  return settleMoved(tx, { at, content, sign: 1 });
}

/** Keyed by an id that no other has. */
export async function settleLater(
  tx: Transaction,
  { key, usage }: { key: string; usage: MovedUsage },
): Promise<void> {
  if (usage.left.length === 0 && usage.came === undefined) return;
  await addJob(tx, {
    kind: MOVED_USAGE_JOB,
    key: `${MOVED_USAGE_JOB}:${key}:${await tx.now()}`,
    arguments: JSON.stringify(usage),
    runAt: 0,
  });
}
