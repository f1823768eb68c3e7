// What an item of the trash is made of, and who else holds that.
import { type Digest, digestFromBytes } from '../oci/digest.ts';
import type { BlobId } from './blobs.ts';
import { wantedIds } from './fragments.ts';
import type { ManifestId } from './manifests.ts';
import { pathRange } from './path-range.ts';
import type { RepositoryId } from './repositories.ts';
import type { Sql } from './sql.ts';
import { statement } from './statement.ts';

const sizeOf = statement<{ blob: number }>()((q, p) =>
  q.selectFrom('blobs').select('size').where('id', '=', p.blob),
);

const partsOf = statement<{ manifest: number }>()((q, p) =>
  q
    .selectFrom('manifests as m')
    .innerJoin('blobs as b', 'b.id', 'm.blob_id')
    .select(['b.id', 'b.digest', 'b.size', 'b.state'])
    .where('m.id', '=', p.manifest)
    .union(
      q
        .selectFrom('manifest_references as ref')
        .innerJoin('blobs as b', 'b.id', 'ref.child_id')
        .select(['b.id', 'b.digest', 'b.size', 'b.state'])
        .where('ref.parent_id', '=', p.manifest)
        // A child manifest is an item of its own.
        .where('ref.kind', 'in', ['config', 'layer']),
    ),
);

/** Of a blob: a layer of a base image may be in ten thousand repositories. One more tells that there are more. */
export const HOLDERS_TOLD = 100;

/** Other manifests of the repository that name a blob, in the trash or not. */
const namedBeside = statement<{
  repository: number;
  blob: number;
  manifest: number;
  limit: number;
}>()((q, p) =>
  q
    .selectFrom('manifest_references as ref')
    .crossJoin('manifests as m')
    .crossJoin('blobs as b')
    .select(['m.id', 'b.digest'])
    .where('ref.child_id', '=', p.blob)
    .where('ref.repository_id', '=', p.repository)
    .where('ref.kind', '<>', 'subject')
    .whereRef('m.id', '=', 'ref.parent_id')
    .where('m.id', '<>', p.manifest)
    .whereRef('b.id', '=', 'm.blob_id')
    .limit(p.limit),
);

/** Repositories that have a blob by a right or as a manifest, but for one. */
const heldBy = statement<{ blob: number; repository: number; limit: number }>()((q, p) =>
  q
    .selectFrom('repository_blobs as rb')
    .crossJoin('repositories as r')
    .select('r.name')
    .where('rb.blob_id', '=', p.blob)
    .where('rb.repository_id', '<>', p.repository)
    .whereRef('r.id', '=', 'rb.repository_id')
    .limit(p.limit),
);

const heldAsManifestBy = statement<{ blob: number; repository: number; limit: number }>()((q, p) =>
  q
    .selectFrom('manifests as m')
    .crossJoin('repositories as r')
    .select('r.name')
    .where('m.blob_id', '=', p.blob)
    .where('m.repository_id', '<>', p.repository)
    .whereRef('r.id', '=', 'm.repository_id')
    .limit(p.limit),
);

const repositoriesAt = statement<{ path: string; below: string; before: string; after: number }>()(
  (q, p) =>
    q
      .selectFrom('repositories')
      .select('id')
      .where((e) =>
        e.or([e('name', '=', p.path), e.and([e('name', '>=', p.below), e('name', '<', p.before)])]),
      )
      .where('id', '>', p.after)
      .orderBy('id')
      .limit(1),
);

export interface TrashedPart {
  readonly id: BlobId;
  readonly digest: Digest;
  readonly size: number;
  readonly isStored: boolean;
}

export async function sizeOfBlob(sql: Sql, blob: BlobId): Promise<number> {
  return (await sql.first(sizeOf, { blob }))?.size ?? 0;
}

/** A manifest itself, its config and its layers. */
export async function partsOfManifest(sql: Sql, manifest: ManifestId): Promise<TrashedPart[]> {
  const rows = await sql.all(partsOf, { manifest });
  return rows.map(({ id, digest, size, state }) => ({
    id,
    size,
    digest: digestFromBytes(digest),
    isStored: state === 'stored',
  }));
}

/**
 * For each blob the manifests of the repository, but for one, that name it, in the trash or not: one more than
 * are told.
 */
export async function manifestsNaming(
  sql: Sql,
  wanted: { repository: RepositoryId; blobs: readonly BlobId[]; but: ManifestId },
): Promise<Map<BlobId, Digest[]>> {
  const { repository, but: manifest } = wanted;
  const found = new Map<BlobId, Digest[]>();
  for (const blob of wanted.blobs) {
    const of = { repository, blob, manifest, limit: HOLDERS_TOLD + 1 };
    const rows = await sql.all(namedBeside, of);
    if (rows.length > 0)
      found.set(
        blob,
        rows.map(({ digest }) => digestFromBytes(digest)),
      );
  }
  return found;
}

/**
 * For each blob the names of other repositories that hold it, those in the trash under their hidden ones.
 * `most`: of each, in no order.
 */
export async function repositoriesHolding(
  sql: Sql,
  wanted: { blobs: readonly BlobId[]; but: RepositoryId; most: number },
): Promise<Map<BlobId, string[]>> {
  const { but: repository, most: limit } = wanted;
  const found = new Map<BlobId, string[]>();
  for (const blob of wanted.blobs) {
    const of = { blob, repository, limit };
    const rows = [...(await sql.all(heldBy, of)), ...(await sql.all(heldAsManifestBy, of))];
    const names = new Set(rows.map(({ name }) => name));
    if (names.size > 0) found.set(blob, [...names].sort().slice(0, limit));
  }
  return found;
}

/** The first repository at a path or below it with an id above `after`. */
export async function nextRepositoryAt(
  sql: Sql,
  { path, after }: { path: string; after: number },
): Promise<RepositoryId | undefined> {
  return (await sql.first(repositoriesAt, { ...pathRange(path), after }))?.id;
}

const sizesOf = statement<{ blobs: string }>()((q, p, engine) =>
  q
    .selectFrom(wantedIds(engine, p.blobs))
    .crossJoin('blobs as b')
    .select(['b.id', 'b.size'])
    .whereRef('b.id', '=', 'wanted.id')
    .where('b.state', '=', 'stored'),
);

/** Of those that are stored. */
export async function sizesOfBlobs(
  sql: Sql,
  blobs: readonly BlobId[],
): Promise<{ readonly id: BlobId; readonly size: number }[]> {
  return sql.all(sizesOf, { blobs: JSON.stringify(blobs) });
}
