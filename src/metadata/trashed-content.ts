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

/** Other manifests of the repository that name a blob, in the trash or not. */
const namedBeside = statement<{ repository: number; blobs: string; manifest: number }>()(
  (q, p, engine) =>
    q
      .selectFrom(wantedIds(engine, p.blobs))
      .crossJoin('manifest_references as ref')
      .crossJoin('manifests as m')
      .crossJoin('blobs as b')
      .select(['wanted.id', 'b.digest'])
      .whereRef('ref.child_id', '=', 'wanted.id')
      .where('ref.repository_id', '=', p.repository)
      .where('ref.kind', '<>', 'subject')
      .whereRef('m.id', '=', 'ref.parent_id')
      .where('m.id', '<>', p.manifest)
      .whereRef('b.id', '=', 'm.blob_id')
      .orderBy('wanted.id')
      .orderBy('m.id'),
);

/** Repositories that have a blob by a right or as a manifest, but for one and what lies at hidden paths of it. */
const heldBy = statement<{ blobs: string; repository: number }>()((q, p, engine) =>
  q
    .selectFrom(wantedIds(engine, p.blobs))
    .crossJoin('repository_blobs as rb')
    .crossJoin('repositories as r')
    .select(['wanted.id', 'r.name'])
    .whereRef('rb.blob_id', '=', 'wanted.id')
    .where('rb.repository_id', '<>', p.repository)
    .whereRef('r.id', '=', 'rb.repository_id')
    .union(
      q
        .selectFrom(wantedIds(engine, p.blobs))
        .crossJoin('manifests as m')
        .crossJoin('repositories as r')
        .select(['wanted.id', 'r.name'])
        .whereRef('m.blob_id', '=', 'wanted.id')
        .where('m.repository_id', '<>', p.repository)
        .whereRef('r.id', '=', 'm.repository_id'),
    ),
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

/** For each blob the manifests of the repository, but for one, that name it, in the trash or not. */
export async function manifestsNaming(
  sql: Sql,
  wanted: { repository: RepositoryId; blobs: readonly BlobId[]; but: ManifestId },
): Promise<Map<BlobId, Digest[]>> {
  const { repository, but } = wanted;
  const blobs = JSON.stringify(wanted.blobs);
  const found = new Map<BlobId, Digest[]>();
  for (const { id, digest } of await sql.all(namedBeside, { repository, blobs, manifest: but })) {
    found.set(id, [...(found.get(id) ?? []), digestFromBytes(digest)]);
  }
  return found;
}

/** For each blob the names of other repositories that hold it, those in the trash under their hidden ones. */
export async function repositoriesHolding(
  sql: Sql,
  wanted: { blobs: readonly BlobId[]; but: RepositoryId },
): Promise<Map<BlobId, string[]>> {
  const blobs = JSON.stringify(wanted.blobs);
  const found = new Map<BlobId, string[]>();
  for (const { id, name } of await sql.all(heldBy, { blobs, repository: wanted.but })) {
    found.set(id, [...(found.get(id) ?? []), name]);
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
