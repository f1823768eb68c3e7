// Bytes that are to be removed from the blob store. A row is written in the transaction that makes the
// bytes unneeded, and goes once they are gone: a crash in between only means that it is tried again.
import type { RemovalKind } from './schema.ts';
import type { Sql, Transaction } from './sql.ts';
import { statement } from './statement.ts';
import { isUploadFile, isUploadKey } from './uploads.ts';

export interface Removal {
  readonly id: number;
  readonly kind: RemovalKind;
  readonly key: string;
  /** Bytes that it frees; 0 = not known. */
  readonly size: number;
}

interface RemovalParameters {
  kind: RemovalKind;
  key: string;
  now: number;
  notBefore: number;
  size: number;
}

const insertRemoval = statement<RemovalParameters>()((q, p) =>
  q.insertInto('removals').values({
    kind: p.kind,
    key: p.key,
    created_at: p.now,
    not_before: p.notBefore,
    size: p.size,
  }),
);

const oldest = statement<{ after: number; now: number; limit: number }>()((q, p) =>
  q
    .selectFrom('removals')
    .select(['id', 'kind', 'key', 'size'])
    .where('id', '>', p.after)
    .where('not_before', '<=', p.now)
    .orderBy('id')
    .limit(p.limit),
);

const deleteRemoval = statement<{ id: number }>()((q, p) =>
  q.deleteFrom('removals').where('id', '=', p.id),
);

const waiting = statement()((q) =>
  q
    .selectFrom('removals')
    .select((e) => [e.fn.countAll<number>().as('count'), e.fn.sum<number>('size').as('bytes')]),
);

const blobWithKey = statement<{ key: string }>()((q, p) =>
  q.selectFrom('blobs').select('id').where('storage_key', '=', p.key),
);

export async function queueRemoval(
  tx: Transaction,
  removal: { kind: RemovalKind; key: string; notBefore?: number; size?: number },
): Promise<void> {
  const { kind, key, notBefore = 0, size = 0 } = removal;
  await tx.run(insertRemoval, { kind, key, notBefore, size, now: await tx.now() });
}

/** What may be removed at `now` (ms); left out: whatever waits. */
export async function nextRemovals(
  sql: Sql,
  { after, now = Number.MAX_SAFE_INTEGER, limit }: { after: number; now?: number; limit: number },
): Promise<Removal[]> {
  return sql.all(oldest, { after, now, limit });
}

/** Looked up again at the moment of removal: does any row still name these bytes? */
export async function isStillNamed(
  sql: Sql,
  removal: Pick<Removal, 'kind' | 'key'> & { readonly id?: number },
): Promise<boolean> {
  if (removal.kind === 'upload') return isUploadFile(sql, removal.key);
  if ((await sql.first(blobWithKey, { key: removal.key })) !== undefined) return true;
  // Bytes that got their key just before a crash are still those of their upload.
  return isUploadKey(sql, removal.key);
}

export async function forgetRemoval(tx: Transaction, id: number): Promise<void> {
  await tx.run(deleteRemoval, { id });
}

/** Bytes that are not anybody's any more and still lie there. */
export async function waitingRemovals(sql: Sql): Promise<{ count: number; bytes: number }> {
  const row = await sql.first(waiting, {});
  return { count: Number(row?.count ?? 0), bytes: Number(row?.bytes ?? 0) };
}
