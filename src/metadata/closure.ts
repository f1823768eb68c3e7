// What hangs together: down from a manifest to all that it needs, up from a part to all that needs it.
// Each walk goes a level a round and looks at nothing twice, however many ways lead to it.
import { type Digest, digestFromBytes } from '../oci/digest.ts';
import type { BlobId } from './blobs.ts';
import { wantedIds } from './fragments.ts';
import { findHeldManifests, type ManifestId } from './manifests.ts';
import type { RepositoryId } from './repositories.ts';
import type { Transaction } from './sql.ts';
import { statement } from './statement.ts';

const parentsOfBlobs = statement<{ repository: number; blobs: string }>()((q, p, engine) =>
  q
    .selectFrom(wantedIds(engine, p.blobs))
    .crossJoin('manifest_references as ref')
    .crossJoin('manifests as m')
    .select(['m.id', 'm.blob_id as blobId'])
    .whereRef('ref.child_id', '=', 'wanted.id')
    .whereRef('m.id', '=', 'ref.parent_id')
    .where('ref.kind', 'not in', ['subject', 'foreign'])
    .where('m.repository_id', '=', p.repository)
    .where('m.deleted_at', 'is', null),
);

const subjectsOfBlobs = statement<{ repository: number; blobs: string }>()((q, p, engine) =>
  q
    .selectFrom(wantedIds(engine, p.blobs))
    .crossJoin('manifests as referrer')
    .crossJoin('manifests as m')
    .select(['m.id', 'm.blob_id as blobId'])
    .whereRef('referrer.blob_id', '=', 'wanted.id')
    .where('referrer.repository_id', '=', p.repository)
    .where('referrer.deleted_at', 'is', null)
    .whereRef('m.blob_id', '=', 'referrer.subject_id')
    .where('m.repository_id', '=', p.repository)
    .where('m.deleted_at', 'is', null),
);

const tagsOfManifests = statement<{ manifests: string; limit: number }>()((q, p, engine) =>
  q
    .selectFrom(wantedIds(engine, p.manifests))
    .crossJoin('tags')
    .select('tags.name')
    .whereRef('tags.manifest_id', '=', 'wanted.id')
    .orderBy('tags.name')
    .limit(p.limit),
);

const childManifests = statement<{ repository: number; manifests: string }>()((q, p, engine) =>
  q
    .selectFrom(wantedIds(engine, p.manifests))
    .crossJoin('manifest_references as ref')
    .crossJoin('manifests as m')
    .select('m.id')
    .whereRef('ref.parent_id', '=', 'wanted.id')
    .where('ref.kind', '=', 'manifest')
    .whereRef('m.blob_id', '=', 'ref.child_id')
    .where('m.repository_id', '=', p.repository)
    .where('m.deleted_at', 'is', null),
);

const missingParts = statement<{ repository: number; manifests: string; limit: number }>()(
  (q, p, engine) =>
    q
      .selectFrom(wantedIds(engine, p.manifests))
      .crossJoin('manifest_references as ref')
      .crossJoin('blobs as b')
      .leftJoin('repository_blobs as rb', (j) =>
        j
          .onRef('rb.blob_id', '=', 'b.id')
          .on('rb.repository_id', '=', p.repository)
          .on('rb.deleted_at', 'is', null),
      )
      .leftJoin('manifests as m', (j) =>
        j
          .onRef('m.blob_id', '=', 'b.id')
          .on('m.repository_id', '=', p.repository)
          .on('m.deleted_at', 'is', null)
          // Only the child of an index may be a manifest.
          .on('ref.kind', '=', 'manifest'),
      )
      .select(['b.digest', 'ref.kind'])
      .whereRef('ref.parent_id', '=', 'wanted.id')
      .where('ref.kind', 'not in', ['subject', 'foreign'])
      .whereRef('b.id', '=', 'ref.child_id')
      .where((e) =>
        e.or([
          e.and([e('rb.blob_id', 'is', null), e('m.id', 'is', null)]),
          // Its bytes were found damaged.
          e('b.state', '<>', 'stored'),
        ]),
      )
      .limit(p.limit),
);

/**
 * What needs a blob or manifest, a level a round: what names it, what names that, and so on, and from a
 * referrer its subject.
 */
export async function* manifestsAbove(
  tx: Transaction,
  part: { repository: RepositoryId; blob: BlobId },
): AsyncGenerator<readonly { readonly id: ManifestId; readonly blobId: BlobId }[]> {
  const { repository } = part;
  const seen = new Set<ManifestId>();
  let blobs = JSON.stringify([part.blob]);
  for (let level = 0; ; level += 1) {
    const above = await tx.all(parentsOfBlobs, { repository, blobs });
    // The part's own subject does not hold it: a referrer may be deleted.
    if (level > 0) above.push(...(await tx.all(subjectsOfBlobs, { repository, blobs })));
    // Each once, also within a level: an index may be reached over several of its parts.
    const fresh = above.filter((manifest) => !seen.has(manifest.id) && seen.add(manifest.id));
    if (fresh.length === 0) return;
    yield fresh;
    blobs = JSON.stringify(fresh.map((manifest) => manifest.blobId));
  }
}

/** Whether a manifest refers to another one of the repository that is not in the trash. */
export async function hasSubjectHere(
  tx: Transaction,
  { repository, blob }: { repository: RepositoryId; blob: BlobId },
): Promise<boolean> {
  const blobs = JSON.stringify([blob]);
  return (await tx.first(subjectsOfBlobs, { repository, blobs })) !== undefined;
}

/**
 * Names of at most `limit` tags of the repository that would lose a part without this blob or
 * manifest. Climbs until something tagged is met.
 */
export async function tagsThatNeed(
  tx: Transaction,
  part: { repository: RepositoryId; blob: BlobId; limit: number },
): Promise<string[]> {
  for await (const level of manifestsAbove(tx, part)) {
    const manifests = JSON.stringify(level.map(({ id }) => id));
    const tags = await tx.all(tagsOfManifests, { manifests, limit: part.limit });
    if (tags.length > 0) return tags.map((tag) => tag.name);
  }
  return [];
}

export interface MissingPart {
  readonly digest: Digest;
  readonly kind: string;
}

/**
 * Parts that manifests of the repository, or the manifests below them, have lost: deleted after they
 * were pushed, while nothing tagged needed them. At most `limit`, of the first level that lacks any.
 */
export async function lostBelow(
  tx: Transaction,
  above: { repository: RepositoryId; digests: readonly Digest[]; limit: number },
): Promise<MissingPart[]> {
  const { repository, limit } = above;
  let level: { readonly id: ManifestId }[] = await findHeldManifests(tx, above);
  const seen = new Set<ManifestId>();
  for (;;) {
    const fresh = level.filter(({ id }) => !seen.has(id) && seen.add(id));
    if (fresh.length === 0) return [];
    const manifests = JSON.stringify(fresh.map(({ id }) => id));
    const missing = await tx.all(missingParts, { repository, manifests, limit });
    if (missing.length > 0) {
      return missing.map(({ digest, kind }) => ({ digest: digestFromBytes(digest), kind }));
    }
    level = await tx.all(childManifests, { repository, manifests });
  }
}
