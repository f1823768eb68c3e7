// The tags of a repository with what is shown of each, by pages in the order of their names.
import { sql as raw } from 'kysely';
import { type Digest, digestFromBytes } from '../oci/digest.ts';
import type { Tag } from '../oci/tag.ts';
import type { BlobId } from './blobs.ts';
import { wantedIds } from './fragments.ts';
import type { ManifestId } from './manifests.ts';
import type { RepositoryId } from './repositories.ts';
import type { Sql } from './sql.ts';
import { statement } from './statement.ts';

export interface ListedTag {
  readonly name: Tag;
  readonly manifestId: ManifestId;
  readonly blobId: BlobId;
  readonly digest: Digest;
  readonly mediaType: string;
  readonly artifactType: string | null;
  /** Of the manifest itself. */
  readonly manifestSize: number;
  /** Moves so far. */
  readonly sequence: number;
  readonly movedAt: number;
  readonly movedBy: string;
  readonly cause: string;
  readonly pulledAt: number | null;
  readonly pulls: number;
}

const listedPage = statement<{ repository: number; from: string; to: string; limit: number }>()(
  (q, p) =>
    q
      .selectFrom('tags as t')
      // In this order: a page of names, and then the rows of each.
      .crossJoin('manifests as m')
      .crossJoin('blobs as b')
      .crossJoin('tag_events as e')
      .leftJoin('tag_pulls as p', 'p.tag_id', 't.id')
      .select(['t.name', 't.sequence', 'm.id as manifestId', 'm.media_type as mediaType'])
      .select(['m.artifact_type as artifactType', 'b.id as blobId', 'b.digest'])
      .select(['b.size as manifestSize', 'e.at as movedAt', 'e.actor as movedBy', 'e.cause'])
      .select(['p.last_at as pulledAt', 'p.count as pulls'])
      .where('t.repository_id', '=', p.repository)
      // Written out, so that the partial index is seen to fit.
      .where(raw<boolean>`t.manifest_id is not null`)
      .where('t.name', '>=', p.from)
      .where('t.name', '<', p.to)
      .whereRef('m.id', '=', 't.manifest_id')
      .whereRef('b.id', '=', 'm.blob_id')
      .whereRef('e.tag_id', '=', 't.id')
      .whereRef('e.sequence', '=', 't.sequence')
      .orderBy('t.name')
      .limit(p.limit),
);

const partsOf = statement<{ manifests: string }>()((q, p, engine) =>
  q
    .selectFrom(wantedIds(engine, p.manifests))
    .crossJoin('manifest_references as ref')
    .crossJoin('blobs as b')
    .select(['wanted.id', 'ref.kind'])
    .select((e) => e.fn.sum<number>('b.size').as('size'))
    .whereRef('ref.parent_id', '=', 'wanted.id')
    .where('ref.kind', '<>', 'subject')
    .whereRef('b.id', '=', 'ref.child_id')
    .groupBy(['wanted.id', 'ref.kind']),
);

/** Behind the last character that a tag can have. */
const AFTER_ALL = '~';

/** Up to `limit` tags that begin with a prefix, after a name, in byte order. */
export async function listTagDetails(
  sql: Sql,
  page: { repository: RepositoryId; prefix: string; after: string | undefined; limit: number },
): Promise<ListedTag[]> {
  const { repository, prefix, after, limit } = page;
  // A space sorts before all that a tag can go on with.
  const from = after === undefined || after < prefix ? prefix : `${after} `;
  const rows = await sql.all(listedPage, { repository, from, to: `${prefix}${AFTER_ALL}`, limit });
  return rows.map((row) => ({
    ...row,
    name: row.name as Tag,
    digest: digestFromBytes(row.digest),
    pulls: row.pulls ?? 0,
  }));
}

/**
 * Bytes of what manifests name themselves: configs and layers. Undefined for those that name manifests, whose
 * layers are not looked for.
 */
export async function sizesOfParts(
  sql: Sql,
  manifests: readonly ManifestId[],
): Promise<Map<ManifestId, number | undefined>> {
  const sizes = new Map<ManifestId, number | undefined>();
  // Many tags may point at one: its parts count once.
  const list = JSON.stringify([...new Set(manifests)]);
  for (const { id, kind, size } of await sql.all(partsOf, { manifests: list })) {
    const sum = sizes.has(id) ? sizes.get(id) : 0;
    sizes.set(id, kind === 'manifest' || sum === undefined ? undefined : sum + Number(size));
  }
  return sizes;
}
