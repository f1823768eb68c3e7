// The chain of the audit log as rows: what is not sealed yet, the numbers and hashes that sealing gives,
// the end of the chain, and what pruning takes off its beginning. Knows no hash function.
//
//   act ──► row without a number ──seal──► row n, hash n ──prune──► the anchor: number and hash of n
//
// Whoever seals or prunes holds the one row of audit_chain, so numbers have no gap and no duplicate. A row
// is found by its state and not by its id: one whose transaction commits late is only numbered later.
import { type AliasedRawBuilder, sql as raw } from 'kysely';
import { AUDIT_COLUMNS, type AuditEvent, type AuditRow, eventOf } from './audit-events.ts';
import { locked } from './fragments.ts';
import type { Sql, Transaction } from './sql.ts';
import { type Engine, statement } from './statement.ts';

const CHAIN = [
  'sequence',
  'hash',
  'pruned_sequence as prunedSequence',
  'pruned_hash as prunedHash',
] as const;

const chain = statement()((q) => q.selectFrom('audit_chain').select(CHAIN).where('id', '=', 1));

const chainToChange = statement()((q, _, engine) =>
  locked(engine, q.selectFrom('audit_chain').select(CHAIN).where('id', '=', 1)),
);

const anyUnsealed = statement()((q) =>
  q.selectFrom('audit_events').select('id').where('sequence', 'is', null).limit(1),
);

const oldestUnsealed = statement<{ limit: number }>()((q, p) =>
  q
    .selectFrom('audit_events')
    .select(AUDIT_COLUMNS)
    .where('sequence', 'is', null)
    .orderBy('id')
    .limit(p.limit),
);

const unsealedTail = statement()((q) =>
  q
    .selectFrom('audit_events')
    .select((e) => [e.fn.countAll<number>().as('count'), e.fn.min('at').as('oldestAt')])
    .where('sequence', 'is', null),
);

/** A JSON array of [id, sequence, hash in hex], as the table `sealed`. */
function sealedRows(
  engine: Engine,
  list: string,
): AliasedRawBuilder<{ id: number; sequence: number; hash: Uint8Array }, 'sealed'> {
  type Row = { id: number; sequence: number; hash: Uint8Array };
  const rows =
    engine === 'sqlite'
      ? raw<Row>`(select value ->> 0 as id, value ->> 1 as sequence, unhex(value ->> 2) as hash
          from json_each(${list}))`
      : raw<Row>`(select (value ->> 0)::bigint as id, (value ->> 1)::bigint as sequence,
          decode(value ->> 2, 'hex') as hash from json_array_elements(${list}::text::json))`;
  return rows.as<'sealed'>(raw.ref('sealed'));
}

const numberEvents = statement<{ list: string }>()((q, p, engine) =>
  q
    .updateTable('audit_events')
    .from(sealedRows(engine, p.list))
    .set((e) => ({ sequence: e.ref('sealed.sequence'), hash: e.ref('sealed.hash') }))
    .whereRef('audit_events.id', '=', 'sealed.id')
    .where('audit_events.sequence', 'is', null),
);

const setEnd = statement<{ sequence: number; hash: Uint8Array }>()((q, p) =>
  q.updateTable('audit_chain').set({ sequence: p.sequence, hash: p.hash }).where('id', '=', 1),
);

const setAnchor = statement<{ sequence: number; hash: Uint8Array }>()((q, p) =>
  q
    .updateTable('audit_chain')
    .set({ pruned_sequence: p.sequence, pruned_hash: p.hash })
    .where('id', '=', 1),
);

const sealedAfter = statement<{ after: number; limit: number }>()((q, p) =>
  q
    .selectFrom('audit_events')
    .select(AUDIT_COLUMNS)
    .where('sequence', '>', p.after)
    .orderBy('sequence')
    .limit(p.limit),
);

const agesAfter = statement<{ after: number; limit: number }>()((q, p) =>
  q
    .selectFrom('audit_events')
    .select(['sequence', 'hash', 'at'])
    .where('sequence', '>', p.after)
    .orderBy('sequence')
    .limit(p.limit),
);

const firstNumber = statement()((q) =>
  q
    .selectFrom('audit_events')
    .select('sequence')
    .where('sequence', 'is not', null)
    .orderBy('sequence')
    .limit(1),
);

const lastNumber = statement()((q) =>
  q
    .selectFrom('audit_events')
    .select('sequence')
    .where('sequence', 'is not', null)
    .orderBy('sequence', 'desc')
    .limit(1),
);

const deleteUpTo = statement<{ last: number }>()((q, p) =>
  q.deleteFrom('audit_events').where('sequence', '<=', p.last),
);

/** A place in the chain. */
export interface ChainPlace {
  readonly sequence: number;
  readonly hash: Uint8Array;
}

export interface AuditChain {
  /** Before the first event that is still there: number 0 and 32 zero bytes, or where pruning stopped. */
  readonly anchor: ChainPlace;
  /** The last sealed event. */
  readonly end: ChainPlace;
}

type ChainRow = ChainPlace & { readonly prunedSequence: number; readonly prunedHash: Uint8Array };

function chainOf(row: ChainRow | undefined): AuditChain {
  if (row === undefined) throw new Error('the database has no row of the chain of audit events');
  return {
    anchor: { sequence: row.prunedSequence, hash: row.prunedHash },
    end: { sequence: row.sequence, hash: row.hash },
  };
}

export async function readChain(sql: Sql): Promise<AuditChain> {
  return chainOf(await sql.first(chain, {}));
}

/** The chain, locked until the transaction ends. */
export async function lockChain(tx: Transaction): Promise<AuditChain> {
  return chainOf(await tx.first(chainToChange, {}));
}

export async function hasUnsealed(sql: Sql): Promise<boolean> {
  return (await sql.first(anyUnsealed, {})) !== undefined;
}

export async function nextUnsealed(tx: Transaction, limit: number): Promise<AuditEvent[]> {
  return (await tx.all(oldestUnsealed, { limit })).map((row) => eventOf(row as AuditRow));
}

/** How many events wait to be sealed, and since when the oldest of them. */
export async function readUnsealedTail(
  sql: Sql,
): Promise<{ readonly count: number; readonly oldestAt: number | undefined }> {
  const row = await sql.first(unsealedTail, {});
  return { count: Number(row?.count ?? 0), oldestAt: row?.oldestAt ?? undefined };
}

/** Gives unsealed events their numbers and hashes, in the order given, which must follow the locked end. */
export async function appendToChain(
  tx: Transaction,
  sealed: readonly (ChainPlace & { readonly id: number })[],
): Promise<void> {
  const end = sealed.at(-1);
  if (end === undefined) return;
  const rows = sealed.map(({ id, sequence, hash }) => [
    id,
    sequence,
    Buffer.from(hash).toString('hex'),
  ]);
  const changed = await tx.run(numberEvents, { list: JSON.stringify(rows) });
  if (changed !== sealed.length) {
    throw new Error(`${sealed.length} audit events were to be sealed, and ${changed} were there`);
  }
  await tx.run(setEnd, { sequence: end.sequence, hash: end.hash });
}

/** Sealed events after a number, in the order of the chain. */
export async function readSealed(
  sql: Sql,
  page: { after: number; limit: number },
): Promise<AuditEvent[]> {
  return (await sql.all(sealedAfter, page)).map((row) => eventOf(row as AuditRow));
}

/** The lowest and the highest number that an event has; undefined when none is sealed. */
export async function readFirstNumber(sql: Sql): Promise<number | undefined> {
  return (await sql.first(firstNumber, {}))?.sequence ?? undefined;
}

export async function readLastNumber(sql: Sql): Promise<number | undefined> {
  return (await sql.first(lastNumber, {}))?.sequence ?? undefined;
}

/**
 * Takes sealed events from before `before` (ms) off the beginning, at most `limit`, up to the first that is
 * younger. The chain must be locked. @returns the new anchor and how many went; undefined when none did.
 */
export async function cutBeginning(
  tx: Transaction,
  cut: { anchor: ChainPlace; before: number; limit: number },
): Promise<{ readonly anchor: ChainPlace; readonly count: number } | undefined> {
  const rows = await tx.all(agesAfter, { after: cut.anchor.sequence, limit: cut.limit });
  const young = rows.findIndex((row) => row.at >= cut.before);
  const old = young < 0 ? rows : rows.slice(0, young);
  const last = old.at(-1);
  if (last === undefined || last.sequence === null || last.hash === null) return undefined;
  const anchor = { sequence: last.sequence, hash: last.hash };
  const count = await tx.run(deleteUpTo, { last: anchor.sequence });
  await tx.run(setAnchor, anchor);
  return { anchor, count };
}
