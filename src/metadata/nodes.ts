// Nodes, and their counts of pulls: who is there, and who has written its counts down since somebody wanted
// to rely on them. Times are of the database's clock, so that no two clocks are compared.
import type { Sql, Transaction } from './sql.ts';
import { statement } from './statement.ts';

const seen = statement<{ instance: string; now: number }>()((q, p) =>
  q
    .insertInto('nodes')
    .values({ instance: p.instance, seen_at: p.now, flushed_at: p.now })
    .onConflict((c) => c.column('instance').doUpdateSet({ seen_at: p.now })),
);

const flushed = statement<{ instance: string; now: number }>()((q, p) =>
  q
    .insertInto('nodes')
    .values({ instance: p.instance, seen_at: p.now, flushed_at: p.now })
    .onConflict((c) => c.column('instance').doUpdateSet({ seen_at: p.now, flushed_at: p.now })),
);

const gone = statement<{ instance: string }>()((q, p) =>
  q.deleteFrom('nodes').where('instance', '=', p.instance),
);

const forgotten = statement<{ before: number }>()((q, p) =>
  q.deleteFrom('nodes').where('seen_at', '<', p.before),
);

const wanted = statement()((q) =>
  q.selectFrom('collection_state').select('pulls_wanted_at as at').where('id', '=', 1),
);

const want = statement<{ now: number }>()((q, p) =>
  q.updateTable('collection_state').set({ pulls_wanted_at: p.now }).where('id', '=', 1),
);

const behind = statement<{ since: number }>()((q, p) =>
  q
    .selectFrom('nodes')
    .select(['instance', 'seen_at as seenAt'])
    .where('flushed_at', '<', p.since)
    .orderBy('instance'),
);

/** Nodes that were last seen so long ago are forgotten (ms). */
const FORGOTTEN_MS = 24 * 60 * 60 * 1000;

/** The node is there. */
export async function noteNode(tx: Transaction, instance: string): Promise<void> {
  const now = await tx.now();
  await tx.run(seen, { instance, now });
  await tx.run(forgotten, { before: now - FORGOTTEN_MS });
}

/** The node has written down its counts: those from before this transaction began are all there. */
export async function noteFlush(tx: Transaction, instance: string): Promise<void> {
  await tx.run(flushed, { instance, now: await tx.now() });
}

/** The node ends, with all of its counts written down. */
export async function forgetNode(tx: Transaction, instance: string): Promise<void> {
  await tx.run(gone, { instance });
}

/** When somebody last wanted all counts written down. */
export async function pullsWantedAt(sql: Sql): Promise<number> {
  return (await sql.first(wanted, {}))?.at ?? 0;
}

/** From now on every node writes down its counts once. @returns the time that each must reach. */
export async function wantPulls(tx: Transaction): Promise<number> {
  const now = await tx.now();
  await tx.run(want, { now });
  return now;
}

/** Nodes that have not written down their counts since then. */
export function nodesBehind(
  sql: Sql,
  since: number,
): Promise<{ readonly instance: string; readonly seenAt: number }[]> {
  return sql.all(behind, { since });
}
