// Records of plans and runs that are too old for anybody: without their end these tables would only grow.
import type { Transaction } from './sql.ts';
import { statement } from './statement.ts';

interface Trim {
  before: number;
  limit: number;
}

/** The oldest plans, whose items are gone; one that was undone stays as long as its undo. */
const oldPlans = statement<Trim>()((q, p) =>
  q.deleteFrom('plans').where('id', 'in', (e) =>
    e
      .selectFrom('plans as old')
      .select('old.id')
      .where('old.created_at', '<', p.before)
      .where('old.state', 'in', ['applied', 'dropped', 'failed'])
      .where((c) =>
        c.not(
          c.exists(
            c.selectFrom('plan_items as i').select('i.number').whereRef('i.plan_id', '=', 'old.id'),
          ),
        ),
      )
      .where((c) =>
        c.not(
          c.exists(
            c.selectFrom('plans as undo').select('undo.id').whereRef('undo.undo_of', '=', 'old.id'),
          ),
        ),
      )
      .orderBy('old.id')
      .limit(p.limit),
  ),
);

const oldRuns = statement<Trim>()((q, p) =>
  q
    .deleteFrom('collection_runs')
    .where('id', 'in', (e) =>
      e
        .selectFrom('collection_runs as old')
        .select('old.id')
        .where('old.started_at', '<', p.before)
        .where('old.ended_at', 'is not', null)
        .orderBy('old.id')
        .limit(p.limit),
    ),
);

/** Forgets plans and runs from before `before` (ms), at most `limit` of each. @returns how many. */
export async function forgetOldRecords(tx: Transaction, trim: Trim): Promise<number> {
  return (await tx.run(oldPlans, trim)) + (await tx.run(oldRuns, trim));
}
