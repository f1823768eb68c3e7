// Which images need a blob: up from it to the manifests that name it, the indexes that name those and the
// subjects of referrers, in every repository, tagged or not. Looks at nothing twice.
import { type Digest, digestFromBytes } from '../oci/digest.ts';
import type { BlobId } from './blobs.ts';
import { wantedIds } from './fragments.ts';
import type { Sql } from './sql.ts';
import { statement } from './statement.ts';

const naming = statement<{ blob: number; limit: number }>()((q, p) =>
  q
    .selectFrom('manifests as m')
    .select('m.id as id')
    .where('m.blob_id', '=', p.blob)
    .where('m.deleted_at', 'is', null)
    .union(
      q
        .selectFrom('manifest_references as ref')
        .innerJoin('manifests as m', 'm.id', 'ref.parent_id')
        .select('m.id as id')
        .where('ref.child_id', '=', p.blob)
        .where('ref.kind', 'not in', ['subject', 'foreign'])
        .where('m.deleted_at', 'is', null),
    )
    .orderBy('id')
    .limit(p.limit),
);

const above = statement<{ manifests: string; limit: number }>()((q, p, engine) =>
  q
    .selectFrom(wantedIds(engine, p.manifests))
    .crossJoin('manifests as low')
    .crossJoin('manifest_references as ref')
    .crossJoin('manifests as m')
    .select('m.id as id')
    .whereRef('low.id', '=', 'wanted.id')
    .whereRef('ref.child_id', '=', 'low.blob_id')
    .whereRef('ref.repository_id', '=', 'low.repository_id')
    .where('ref.kind', '=', 'manifest')
    .whereRef('m.id', '=', 'ref.parent_id')
    .where('m.deleted_at', 'is', null)
    .union(
      q
        .selectFrom(wantedIds(engine, p.manifests))
        .crossJoin('manifests as low')
        .crossJoin('manifests as m')
        .select('m.id as id')
        .whereRef('low.id', '=', 'wanted.id')
        .whereRef('m.blob_id', '=', 'low.subject_id')
        .whereRef('m.repository_id', '=', 'low.repository_id')
        .where('m.deleted_at', 'is', null),
    )
    .orderBy('id')
    .limit(p.limit),
);

const imagesOf = statement<{ manifests: string }>()((q, p, engine) =>
  q
    .selectFrom(wantedIds(engine, p.manifests))
    .crossJoin('manifests as m')
    .crossJoin('repositories as r')
    .crossJoin('blobs as b')
    .select(['m.id', 'r.name as repository', 'b.digest'])
    .whereRef('m.id', '=', 'wanted.id')
    .whereRef('r.id', '=', 'm.repository_id')
    .whereRef('b.id', '=', 'm.blob_id')
    .orderBy('r.name')
    .orderBy('m.id'),
);

const tagsOf = statement<{ manifests: string; limit: number }>()((q, p, engine) =>
  q
    .selectFrom(wantedIds(engine, p.manifests))
    .crossJoin('tags as t')
    .select(['t.manifest_id as manifest', 't.name'])
    .whereRef('t.manifest_id', '=', 'wanted.id')
    .orderBy('t.name')
    .limit(p.limit),
);

export interface ImageHit {
  readonly repository: string;
  readonly digest: Digest;
  /** Empty: untagged. */
  readonly tags: readonly string[];
}

export interface ImagesHit {
  readonly images: readonly ImageHit[];
  /** There are more than were asked for. */
  readonly isMore: boolean;
}

/** Tags named at most, of all images together. */
const MOST_TAGS = 1_000;

/** At most `limit` images that need the bytes of a blob; the nearest first to be found, by repository. */
export async function readImagesHit(
  sql: Sql,
  { blob, limit }: { blob: BlobId; limit: number },
): Promise<ImagesHit> {
  const most = limit + 1;
  const seen = new Set<number>();
  let level = await sql.all(naming, { blob, limit: most });
  while (level.length > 0 && seen.size < most) {
    const fresh = level.filter(({ id }) => !seen.has(id) && seen.add(id));
    if (fresh.length === 0) break;
    const manifests = JSON.stringify(fresh.map(({ id }) => id));
    level = await sql.all(above, { manifests, limit: most });
  }
  const manifests = JSON.stringify([...seen].slice(0, limit));
  const rows = await sql.all(imagesOf, { manifests });
  const tags = new Map<number, string[]>();
  for (const { manifest, name } of await sql.all(tagsOf, { manifests, limit: MOST_TAGS })) {
    if (manifest !== null) tags.set(manifest, [...(tags.get(manifest) ?? []), name]);
  }
  return {
    images: rows.map(({ id, repository, digest }) => ({
      repository,
      digest: digestFromBytes(digest),
      tags: tags.get(id) ?? [],
    })),
    isMore: seen.size > limit,
  };
}
