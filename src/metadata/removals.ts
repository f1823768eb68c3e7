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
}

const insertRemoval = statement<{ kind: RemovalKind; key: string; now: number }>()((q, p) =>
  q.insertInto('removals').values({ kind: p.kind, key: p.key, created_at: p.now }),
);

const oldest = statement<{ after: number; limit: number }>()((q, p) =>
  q
    .selectFrom('removals')
    .select(['id', 'kind', 'key'])
    .where('id', '>', p.after)
    .orderBy('id')
    .limit(p.limit),
);

const deleteRemoval = statement<{ id: number }>()((q, p) =>
  q.deleteFrom('removals').where('id', '=', p.id),
);

const blobWithKey = statement<{ key: string }>()((q, p) =>
  q.selectFrom('blobs').select('id').where('storage_key', '=', p.key),
);

export async function queueRemoval(
  tx: Transaction,
  removal: { kind: RemovalKind; key: string },
): Promise<void> {
  await tx.run(insertRemoval, { ...removal, now: await tx.now() });
}

export async function nextRemovals(
  sql: Sql,
  page: { after: number; limit: number },
): Promise<Removal[]> {
  return sql.all(oldest, page);
}

/** Looked up again at the moment of removal: does any row still name these bytes? */
export async function isStillNamed(sql: Sql, removal: Removal): Promise<boolean> {
  if (removal.kind === 'upload') return isUploadFile(sql, removal.key);
  if ((await sql.first(blobWithKey, { key: removal.key })) !== undefined) return true;
  // Bytes that got their key just before a crash are still those of their upload.
  return isUploadKey(sql, removal.key);
}

export async function forgetRemoval(tx: Transaction, id: number): Promise<void> {
  await tx.run(deleteRemoval, { id });
}
