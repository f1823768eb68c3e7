// How many bytes are stored for history and trash alone: what no live manifest needs. For long reads only.
import { sql as raw } from 'kysely';
import type { BlobId } from './blobs.ts';
import { wantedIds } from './fragments.ts';
import type { ManifestId } from './manifests.ts';
import type { Sql } from './sql.ts';
import { statement } from './statement.ts';

/** Of a blob `b`: some repository's live manifests need it, or it is one. */
const IS_LIVE = raw<boolean>`(exists (select 1 from repository_blobs rb where rb.blob_id = b.id
    and rb.deleted_at is null and rb.unheld_since is null)
  or exists (select 1 from manifests m where m.blob_id = b.id
    and m.deleted_at is null and m.released_at is null))`;

const blobsPage = statement<{ after: number; limit: number }>()((q, p) =>
  q
    .selectFrom('blobs as b')
    .select(['b.id', 'b.size', 'b.state'])
    .select(raw<number>`case when ${IS_LIVE} then 1 else 0 end`.as('isLive'))
    .where('b.id', '>', p.after)
    .orderBy('b.id')
    .limit(p.limit),
);

/** What manifests name, and themselves, that nothing live needs. */
const keptFor = statement<{ manifests: string }>()((q, p, engine) =>
  q
    .selectFrom(wantedIds(engine, p.manifests))
    .crossJoin('manifest_references as ref')
    .crossJoin('blobs as b')
    .select(['wanted.id as manifest', 'b.id', 'b.size'])
    .whereRef('ref.parent_id', '=', 'wanted.id')
    .where('ref.kind', '<>', 'subject')
    .whereRef('b.id', '=', 'ref.child_id')
    .where('b.state', '=', 'stored')
    .where(raw<boolean>`not ${IS_LIVE}`)
    .unionAll(
      q
        .selectFrom(wantedIds(engine, p.manifests))
        .crossJoin('manifests as own')
        .crossJoin('blobs as b')
        .select(['wanted.id as manifest', 'b.id', 'b.size'])
        .whereRef('own.id', '=', 'wanted.id')
        .whereRef('b.id', '=', 'own.blob_id')
        .where(raw<boolean>`not ${IS_LIVE}`),
    ),
);

export interface StoredSize {
  readonly id: BlobId;
  readonly size: number;
  readonly isLive: boolean;
}

/** Blobs with an id above `after`, in their order; those without bytes have none. */
export async function storedSizes(
  sql: Sql,
  page: { after: BlobId; limit: number },
): Promise<StoredSize[]> {
  const rows = await sql.all(blobsPage, page);
  return rows.map(({ id, size, state, isLive }) => ({
    id,
    size: state === 'stored' ? size : 0,
    isLive: isLive === 1,
  }));
}

/** What is kept for the sake of manifests that are not live, each blob as often as one of them names it. */
export function keptForManifests(
  sql: Sql,
  manifests: readonly ManifestId[],
): Promise<{ readonly manifest: ManifestId; readonly id: BlobId; readonly size: number }[]> {
  return sql.all(keptFor, { manifests: JSON.stringify(manifests) });
}
