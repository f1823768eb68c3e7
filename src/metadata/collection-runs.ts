// What the collector has done: one row for each time that it found something to do, added to with each
// batch, in the batch's own transaction.

import { locked } from './fragments.ts';
import type { Sql, Transaction } from './sql.ts';
import { statement } from './statement.ts';

/** Counts of one run; sizes in bytes. Absent = 0. */
export interface CollectionCounts {
  /** Manifests that nothing held any more. */
  readonly releasedManifests?: number;
  /** Manifests whose time in the trash was over. */
  readonly trashedManifests?: number;
  /** Of them, before their time, because history and trash took too much of the disk. */
  readonly earlyManifests?: number;
  /** Rights of repositories to blobs, and their bytes: apparent, a blob may have others. */
  readonly rights?: number;
  readonly rightBytes?: number;
  /** Blobs that nothing held any more. */
  readonly blobs?: number;
  /** Of them: in the database, free at once. */
  readonly payloadBytes?: number;
  /** Of them: in the blob store, on their way out. */
  readonly storedBytes?: number;
  /** Really removed from the blob store since. */
  readonly removed?: number;
  readonly removedBytes?: number;
}

export interface CollectionRun {
  readonly id: number;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  /** Null: it goes on. */
  readonly endedAt: number | null;
  readonly counts: CollectionCounts;
}

const COLUMNS = ['id', 'started_at as startedAt', 'ended_at as endedAt', 'detail'] as const;

const openRun = statement()((q, _, engine) =>
  locked(
    engine,
    q
      .selectFrom('collection_runs')
      .select(COLUMNS)
      .where('kind', '=', 'collect')
      .where('ended_at', 'is', null)
      .orderBy('id', 'desc')
      .limit(1),
  ),
);

const lastRun = statement()((q, _, engine) =>
  locked(
    engine,
    q
      .selectFrom('collection_runs')
      .select(COLUMNS)
      .where('kind', '=', 'collect')
      .orderBy('id', 'desc')
      .limit(1),
  ),
);

const insertRun = statement<{ now: number; detail: string }>()((q, p) =>
  q
    .insertInto('collection_runs')
    .values({ kind: 'collect', started_at: p.now, ended_at: null, detail: p.detail }),
);

const setDetail = statement<{ id: number; detail: string }>()((q, p) =>
  q.updateTable('collection_runs').set({ detail: p.detail }).where('id', '=', p.id),
);

const endRuns = statement<{ now: number }>()((q, p) =>
  q
    .updateTable('collection_runs')
    .set({ ended_at: p.now })
    .where('kind', '=', 'collect')
    .where('ended_at', 'is', null),
);

const page = statement<{ before: number; limit: number }>()((q, p) =>
  q
    .selectFrom('collection_runs')
    .select(COLUMNS)
    .where('kind', '=', 'collect')
    .where('id', '<', p.before)
    .orderBy('id', 'desc')
    .limit(p.limit),
);

function runOf(row: { id: number; startedAt: number; endedAt: number | null; detail: string }) {
  const { detail, ...run } = row;
  return { ...run, counts: JSON.parse(detail) as CollectionCounts };
}

/** Adds to the run that goes on; the first thing done begins one. */
export async function addToRun(tx: Transaction, counts: CollectionCounts): Promise<void> {
  if (isNothing(counts)) return;
  const row = await tx.first(openRun, {});
  if (row === undefined) {
    await tx.run(insertRun, { now: await tx.now(), detail: JSON.stringify(nonZero(counts)) });
    return;
  }
  await write(tx, runOf(row), counts);
}

/** Bytes go some time after the run that let go of them: they are added to the newest. */
export async function addToLastRun(tx: Transaction, counts: CollectionCounts): Promise<void> {
  if (isNothing(counts)) return;
  const row = await tx.first(lastRun, {});
  if (row !== undefined) await write(tx, runOf(row), counts);
}

async function write(tx: Transaction, run: CollectionRun, added: CollectionCounts): Promise<void> {
  const sum: Record<string, number> = { ...run.counts };
  for (const [name, count] of Object.entries(nonZero(added))) sum[name] = (sum[name] ?? 0) + count;
  await tx.run(setDetail, { id: run.id, detail: JSON.stringify(sum) });
}

function nonZero(counts: CollectionCounts): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
}

function isNothing(counts: CollectionCounts): boolean {
  return Object.keys(nonZero(counts)).length === 0;
}

/** Nothing more is due. */
export async function endRun(tx: Transaction): Promise<void> {
  await tx.run(endRuns, { now: await tx.now() });
}

export async function isRunOpen(sql: Sql): Promise<boolean> {
  return (await collectionRuns(sql, { before: Number.MAX_SAFE_INTEGER, limit: 1 })).some(
    ({ endedAt }) => endedAt === null,
  );
}

/** Up to `limit` runs with ids below `before`, the newest first. */
export async function collectionRuns(
  sql: Sql,
  { before, limit }: { before: number; limit: number },
): Promise<CollectionRun[]> {
  return (await sql.all(page, { before, limit })).map(runOf);
}
