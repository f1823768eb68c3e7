// The history of the scrubber: one row a pass, in the table that retention and collection use too.
import type { Sql, Transaction } from './sql.ts';
import { statement } from './statement.ts';

const insertRun = statement<{ startedAt: number; detail: string }>()((q, p) =>
  q
    .insertInto('collection_runs')
    .values({ kind: 'scrub', started_at: p.startedAt, ended_at: null, detail: p.detail }),
);

const openRun = statement<{ startedAt: number }>()((q, p) =>
  q
    .selectFrom('collection_runs')
    .select('id')
    .where('kind', '=', 'scrub')
    .where('started_at', '=', p.startedAt)
    .orderBy('id', 'desc')
    .limit(1),
);

const changeRun = statement<{ id: number; endedAt: number | null; detail: string }>()((q, p) =>
  q
    .updateTable('collection_runs')
    .set({ ended_at: p.endedAt, detail: p.detail })
    .where('id', '=', p.id),
);

const runsBefore = statement<{ before: number; limit: number }>()((q, p) =>
  q
    .selectFrom('collection_runs')
    .select(['id', 'started_at as startedAt', 'ended_at as endedAt', 'detail'])
    .where('kind', '=', 'scrub')
    .where('id', '<', p.before)
    .orderBy('id', 'desc')
    .limit(p.limit),
);

export interface ScrubRun {
  readonly id: number;
  readonly startedAt: number;
  /** Null: it is under way. */
  readonly endedAt: number | null;
  /** JSON: what was looked at and found. */
  readonly detail: string;
}

export async function addScrubRun(
  tx: Transaction,
  run: { startedAt: number; detail: string },
): Promise<void> {
  await tx.run(insertRun, run);
}

export async function changeScrubRun(
  tx: Transaction,
  run: { startedAt: number; endedAt: number | null; detail: string },
): Promise<void> {
  const { startedAt, ...change } = run;
  const known = await tx.first(openRun, { startedAt });
  if (known !== undefined) await tx.run(changeRun, { ...change, id: known.id });
}

/** Newest first. */
export async function listScrubRuns(
  sql: Sql,
  page: { before: number; limit: number },
): Promise<ScrubRun[]> {
  return sql.all(runsBefore, page);
}
