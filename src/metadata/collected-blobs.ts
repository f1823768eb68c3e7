// The last step of the collector: blobs that nothing holds give up their bytes, and their row when nothing
// speaks of it. Why each lock: docs/decisions/0021-collection.md.
import { sql as raw } from 'kysely';
import type { BlobId } from './blobs.ts';
import type { Page } from './collection.ts';
import { wantedIds } from './fragments.ts';
import type { Sql, Transaction } from './sql.ts';
import { statement } from './statement.ts';

const blobsPage = statement<{ since: number; after: number; limit: number }>()((q, p) =>
  q
    .selectFrom('blobs')
    .select(['id', 'unheld_since as since', 'size'])
    .where('unheld_since', 'is not', null)
    .where('unheld_since', '>=', p.since)
    .where((e) => e.or([e('unheld_since', '>', p.since), e('id', '>', p.after)]))
    .orderBy('unheld_since')
    .orderBy('id')
    .limit(p.limit),
);

/**
 * Also those that are marked already: the collector, which may see the holder until this transaction ends,
 * passes a locked row over and does not take the mark away.
 */
const markBlobs = statement<{ blobs: string; now: number }>()((q, p, engine) =>
  q
    .updateTable('blobs')
    .set((e) => ({
      unheld_since: e.fn.coalesce('unheld_since', raw<number>`cast(${p.now} as bigint)`),
    }))
    .where('id', 'in', (e) => e.selectFrom(wantedIds(engine, p.blobs)).select('wanted.id')),
);

const takeBlobs = statement<{ blobs: string }>()((q, p, engine) => {
  const rows = q
    .selectFrom('blobs as b')
    .select(['b.id', 'b.size', 'b.storage_key as storageKey', 'b.state'])
    .where('b.unheld_since', 'is not', null)
    .where('b.id', 'in', (e) => e.selectFrom(wantedIds(engine, p.blobs)).select('wanted.id'))
    .orderBy('b.id');
  return engine === 'postgres' ? rows.forUpdate('b').skipLocked() : rows;
});

const heldBlobs = statement<{ blobs: string }>()((q, p, engine) =>
  q
    .selectFrom(wantedIds(engine, p.blobs))
    .select('wanted.id')
    .where((e) =>
      e.or([
        e.exists(
          e
            .selectFrom('repository_blobs as rb')
            .select('rb.blob_id')
            .whereRef('rb.blob_id', '=', 'wanted.id'),
        ),
        e.exists(
          e.selectFrom('manifests as m').select('m.id').whereRef('m.blob_id', '=', 'wanted.id'),
        ),
        e.exists(
          e
            .selectFrom('lease_items as i')
            .select('i.blob_id')
            .whereRef('i.blob_id', '=', 'wanted.id'),
        ),
      ]),
    ),
);

const unmarkBlobs = statement<{ blobs: string }>()((q, p, engine) =>
  q
    .updateTable('blobs')
    .set({ unheld_since: null })
    .where('id', 'in', (e) => e.selectFrom(wantedIds(engine, p.blobs)).select('wanted.id')),
);

const emptyBlobs = statement<{ blobs: string }>()((q, p, engine) =>
  q
    .updateTable('blobs')
    .set({ unheld_since: null, state: 'absent', storage_key: null })
    .where('id', 'in', (e) => e.selectFrom(wantedIds(engine, p.blobs)).select('wanted.id')),
);

const dropPayloads = statement<{ blobs: string }>()((q, p, engine) =>
  q
    .deleteFrom('payloads')
    .where('blob_id', 'in', (e) => e.selectFrom(wantedIds(engine, p.blobs)).select('wanted.id')),
);

/** Rows that no history, no manifest and no counter speaks of. */
const unspokenOf = statement<{ blobs: string }>()((q, p, engine) => {
  const list = q.selectFrom(wantedIds(engine, p.blobs)).select('wanted.id');
  return list
    .where((e) =>
      e.not(
        e.exists(
          e
            .selectFrom('manifest_references as ref')
            .select('ref.child_id')
            .whereRef('ref.child_id', '=', 'wanted.id'),
        ),
      ),
    )
    .where((e) =>
      e.not(
        e.exists(
          e
            .selectFrom('manifests as m')
            .select('m.id')
            .whereRef('m.subject_id', '=', 'wanted.id')
            .where('m.subject_id', 'is not', null),
        ),
      ),
    )
    .where((e) =>
      e.not(
        e.exists(
          e
            .selectFrom('tag_events as t')
            .select('t.tag_id')
            .whereRef('t.old_blob_id', '=', 'wanted.id'),
        ),
      ),
    )
    .where((e) =>
      e.not(
        e.exists(
          e
            .selectFrom('tag_events as t')
            .select('t.tag_id')
            .whereRef('t.new_blob_id', '=', 'wanted.id'),
        ),
      ),
    )
    .where((e) =>
      e.not(
        e.exists(
          e
            .selectFrom('scope_blobs as s')
            .select('s.blob_id')
            .whereRef('s.blob_id', '=', 'wanted.id'),
        ),
      ),
    )
    .where((e) =>
      e.not(
        e.exists(
          e
            .selectFrom('damages as d')
            .select('d.blob_id')
            .whereRef('d.blob_id', '=', 'wanted.id')
            .where('d.healed_at', 'is', null),
        ),
      ),
    );
});

/** What was mended before it went is of no use to anybody. */
const dropHealed = statement<{ blobs: string }>()((q, p, engine) =>
  q
    .deleteFrom('damages')
    .where('healed_at', 'is not', null)
    .where('blob_id', 'in', (e) => e.selectFrom(wantedIds(engine, p.blobs)).select('wanted.id')),
);

const dropBlobRows = statement<{ blobs: string }>()((q, p, engine) =>
  q
    .deleteFrom('blobs')
    .where('id', 'in', (e) => e.selectFrom(wantedIds(engine, p.blobs)).select('wanted.id')),
);

export interface WaitingBlob {
  readonly id: BlobId;
  readonly since: number;
  readonly size: number;
}

/** Blobs that lost a holder, the longest ago first. */
export async function waitingBlobs(
  sql: Sql,
  { place, limit }: Omit<Page, 'before'>,
): Promise<WaitingBlob[]> {
  const rows = await sql.all(blobsPage, { since: place.since, after: place.after, limit });
  return rows.map((row) => ({ ...row, since: row.since as number }));
}

/** They lost a holder: whether they have another, the collector finds out. */
export async function markUnheld(tx: Transaction, blobs: readonly BlobId[]): Promise<void> {
  if (blobs.length === 0) return;
  const sorted = [...new Set(blobs)].sort((a, b) => a - b);
  await tx.run(markBlobs, { blobs: JSON.stringify(sorted), now: await tx.now() });
}

export interface TakenBlob {
  readonly id: BlobId;
  readonly size: number;
  readonly storageKey: string | null;
  readonly state: 'absent' | 'stored';
}

/** Those that are still marked and that nobody is about to give to somebody; locked. */
export function takeUnheldBlobs(tx: Transaction, blobs: readonly BlobId[]): Promise<TakenBlob[]> {
  return tx.all(takeBlobs, { blobs: JSON.stringify(blobs) });
}

/** Which of them a repository, a manifest or a lease holds. To be asked after they are locked. */
export async function heldOf(tx: Transaction, blobs: readonly BlobId[]): Promise<Set<BlobId>> {
  const rows = await tx.all(heldBlobs, { blobs: JSON.stringify(blobs) });
  return new Set(rows.map(({ id }) => id));
}

export async function unmark(tx: Transaction, blobs: readonly BlobId[]): Promise<void> {
  if (blobs.length > 0) await tx.run(unmarkBlobs, { blobs: JSON.stringify(blobs) });
}

/** Their bytes are not theirs any more; rows that nothing speaks of go. @returns how many rows went. */
export async function emptyBlobRows(tx: Transaction, blobs: readonly BlobId[]): Promise<number> {
  if (blobs.length === 0) return 0;
  const list = { blobs: JSON.stringify(blobs) };
  await tx.run(dropPayloads, list);
  await tx.run(emptyBlobs, list);
  return dropUnspoken(tx, list);
}

async function dropUnspoken(tx: Transaction, list: { blobs: string }): Promise<number> {
  const free = await tx.all(unspokenOf, list);
  if (free.length === 0) return 0;
  const blobs = JSON.stringify(free.map(({ id }) => id));
  await tx.run(dropHealed, { blobs });
  return tx.run(dropBlobRows, { blobs });
}
