// What an operator wants to know of collection and scrubbing at each scrape: some reads by an index, and nothing
// that grows with the registry.
import { type OldestWaiting, oldestWaiting } from './collection.ts';
import { collectionRuns } from './collection-runs.ts';
import { countDamages, readScrubState } from './scrub.ts';
import type { Sql } from './sql.ts';

export interface UpkeepFigures {
  /** Since when (ms) the longest waiting one of each kind waits; null = none does. */
  readonly oldest: OldestWaiting;
  /** When the run of the collector that goes on began (ms). */
  readonly collectingSince: number | undefined;
  /** When the last one that found something ended (ms). */
  readonly collectedAt: number | undefined;
  /** Blobs whose bytes are gone or altered and that nobody has pushed again. */
  readonly damages: number;
  /** When the last pass over all stored bytes ended (ms). */
  readonly scrubbedAt: number | undefined;
}

/** One that goes on, and the one before it. */
const RUNS = 2;

export async function readUpkeepFigures(sql: Sql): Promise<UpkeepFigures> {
  const runs = await collectionRuns(sql, { before: Number.MAX_SAFE_INTEGER, limit: RUNS });
  const { endedAt } = await readScrubState(sql);
  return {
    oldest: await oldestWaiting(sql),
    collectingSince: runs.find((run) => run.endedAt === null)?.startedAt,
    collectedAt: runs.find((run) => run.endedAt !== null)?.endedAt ?? undefined,
    damages: await countDamages(sql),
    scrubbedAt: endedAt ?? undefined,
  };
}
