// Manifests: which a repository holds, what they name, who refers to them.
import { sql as raw } from 'kysely';
import { type Digest, digestFromBytes, digestToBytes } from '../oci/digest.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import type { Tag } from '../oci/tag.ts';
import type { BlobId } from './blobs.ts';
import { digestList, wantedDigests } from './fragments.ts';
import type { RepositoryId } from './repositories.ts';
import type { Sql, Transaction } from './sql.ts';
import { statement } from './statement.ts';

export type ManifestId = number;

export interface StoredManifest {
  readonly id: ManifestId;
  readonly blobId: BlobId;
  readonly digest: Digest;
  readonly size: number;
  readonly mediaType: string;
}

const byTag = statement<{ repository: string; tag: string }>()((q, p) =>
  q
    .selectFrom('repositories as r')
    .innerJoin('tags as t', 't.repository_id', 'r.id')
    .innerJoin('manifests as m', 'm.id', 't.manifest_id')
    .innerJoin('blobs as b', 'b.id', 'm.blob_id')
    .select(['m.id', 'b.id as blobId', 'b.digest', 'b.size', 'm.media_type as mediaType'])
    .where('r.name', '=', p.repository)
    .where('t.name', '=', p.tag)
    // One whose bytes were found damaged is not there until it is pushed again.
    .where('b.state', '=', 'stored'),
);

const byDigest = statement<{ repository: string; digest: Uint8Array }>()((q, p) =>
  q
    .selectFrom('repositories as r')
    .innerJoin('manifests as m', 'm.repository_id', 'r.id')
    .innerJoin('blobs as b', 'b.id', 'm.blob_id')
    .select(['m.id', 'b.id as blobId', 'b.digest', 'b.size', 'm.media_type as mediaType'])
    .where('b.digest', '=', p.digest)
    .where('r.name', '=', p.repository)
    .where('m.deleted_at', 'is', null)
    .where('b.state', '=', 'stored'),
);

const upsertManifest = statement<{
  repository: number;
  blob: number;
  mediaType: string;
  artifactType: string | null;
  subject: number | null;
  now: number;
}>()((q, p) =>
  q
    .insertInto('manifests')
    .values({
      repository_id: p.repository,
      blob_id: p.blob,
      media_type: p.mediaType,
      artifact_type: p.artifactType,
      subject_id: p.subject,
      created_at: p.now,
      deleted_at: null,
    })
    .onConflict((c) =>
      c.columns(['repository_id', 'blob_id']).doUpdateSet({
        media_type: (e) => e.ref('excluded.media_type'),
        artifact_type: (e) => e.ref('excluded.artifact_type'),
        deleted_at: null,
        released_at: null,
      }),
    )
    .returning('id'),
);

const insertReferences = statement<{
  repository: number;
  parent: number;
  kind: string;
  digests: string;
}>()((q, p, engine) =>
  q
    .insertInto('manifest_references')
    .columns(['parent_id', 'child_id', 'kind', 'repository_id'])
    .expression(
      q
        .selectFrom(wantedDigests(engine, p.digests))
        .crossJoin('blobs as b')
        .select([
          raw<number>`cast(${p.parent} as bigint)`.as('parent_id'),
          'b.id as child_id',
          raw<string>`cast(${p.kind} as text)`.as('kind'),
          raw<number>`cast(${p.repository} as bigint)`.as('repository_id'),
        ])
        .whereRef('b.digest', '=', 'wanted.digest'),
    )
    .onConflict((c) => c.doNothing()),
);

const insertReferrer = statement<{
  repository: number;
  subject: number;
  manifest: number;
  artifactType: string | null;
  descriptor: string;
}>()((q, p) =>
  q
    .insertInto('referrers')
    .values({
      repository_id: p.repository,
      subject_id: p.subject,
      manifest_id: p.manifest,
      artifact_type: p.artifactType,
      descriptor: p.descriptor,
    })
    .onConflict((c) =>
      c.columns(['repository_id', 'subject_id', 'manifest_id']).doUpdateSet({
        artifact_type: (e) => e.ref('excluded.artifact_type'),
        descriptor: (e) => e.ref('excluded.descriptor'),
        is_hidden: 0,
      }),
    ),
);

const hideReferrer = statement<{
  manifest: number;
  repository: number;
  subject: number;
  isHidden: number;
}>()((q, p) =>
  q
    .updateTable('referrers')
    .set({ is_hidden: p.isHidden })
    .where('repository_id', '=', p.repository)
    .where('subject_id', '=', p.subject)
    .where('manifest_id', '=', p.manifest),
);

const subjectOf = statement<{ manifest: number }>()((q, p) =>
  q.selectFrom('manifests').select('subject_id').where('id', '=', p.manifest),
);

const markDeleted = statement<{ manifest: number; now: number }>()((q, p) =>
  q
    .updateTable('manifests')
    .set({ deleted_at: p.now })
    .where('id', '=', p.manifest)
    .where('deleted_at', 'is', null),
);

const markUndeleted = statement<{ manifest: number }>()((q, p) =>
  q
    .updateTable('manifests')
    .set({ deleted_at: null, released_at: null })
    .where('id', '=', p.manifest)
    .where('deleted_at', 'is not', null),
);

const inAnyState = statement<{ repository: number; blob: number }>()((q, p) =>
  q
    .selectFrom('manifests')
    .select(['id', 'deleted_at as deletedAt', 'released_at as releasedAt'])
    .where('repository_id', '=', p.repository)
    .where('blob_id', '=', p.blob),
);

const heldManifests = statement<{ repository: number; digests: string }>()((q, p, engine) =>
  q
    .selectFrom(wantedDigests(engine, p.digests))
    .crossJoin('blobs as b')
    .crossJoin('manifests as m')
    .select(['m.id', 'b.digest'])
    .whereRef('b.digest', '=', 'wanted.digest')
    .whereRef('m.blob_id', '=', 'b.id')
    .where('m.repository_id', '=', p.repository)
    .where('m.deleted_at', 'is', null)
    .where('b.state', '=', 'stored'),
);

const referrersPage = statement<{
  repository: string;
  subject: Uint8Array;
  after: number;
  limit: number;
}>()((q, p) =>
  q
    .selectFrom('blobs as b')
    .innerJoin('repositories as r', (j) => j.on('r.name', '=', p.repository))
    .innerJoin('referrers as f', (j) =>
      j.onRef('f.repository_id', '=', 'r.id').onRef('f.subject_id', '=', 'b.id'),
    )
    .select(['f.manifest_id as manifestId', 'f.artifact_type as artifactType', 'f.descriptor'])
    .where('b.digest', '=', p.subject)
    .where('f.manifest_id', '>', p.after)
    .where('f.is_hidden', '=', 0)
    .orderBy('f.manifest_id')
    .limit(p.limit),
);

export async function findManifestByTag(
  sql: Sql,
  key: { repository: RepositoryName; tag: Tag },
): Promise<StoredManifest | undefined> {
  const row = await sql.first(byTag, key);
  return row && { ...row, digest: digestFromBytes(row.digest) };
}

export async function findManifestByDigest(
  sql: Sql,
  key: { repository: RepositoryName; digest: Digest },
): Promise<StoredManifest | undefined> {
  const digest = digestToBytes(key.digest);
  const row = await sql.first(byDigest, { repository: key.repository, digest });
  return row && { ...row, digest: key.digest };
}

const notReferring = statement<{ repository: string; subject: Uint8Array; digests: string }>()(
  (q, p, engine) =>
    q
      .selectFrom(wantedDigests(engine, p.digests))
      .crossJoin('repositories as r')
      .crossJoin('blobs as b')
      .crossJoin('manifests as m')
      .leftJoin('blobs as s', 's.id', 'm.subject_id')
      .select('b.digest')
      .where('r.name', '=', p.repository)
      .whereRef('b.digest', '=', 'wanted.digest')
      .whereRef('m.repository_id', '=', 'r.id')
      .whereRef('m.blob_id', '=', 'b.id')
      .where('m.deleted_at', 'is', null)
      .where((e) => e.or([e('s.digest', 'is', null), e('s.digest', '!=', p.subject)])),
);

/** Which of `digests` the repository holds as manifests that do not name `subject` themselves. */
export async function heldManifestDigests(
  sql: Sql,
  wanted: { repository: RepositoryName; subject: Digest; digests: readonly Digest[] },
): Promise<Set<Digest>> {
  if (wanted.digests.length === 0) return new Set();
  const rows = await sql.all(notReferring, {
    repository: wanted.repository,
    subject: digestToBytes(wanted.subject),
    digests: digestList(wanted.digests.map(digestToBytes)),
  });
  return new Set(rows.map((row) => digestFromBytes(row.digest)));
}

export interface NewManifest {
  readonly repository: RepositoryId;
  readonly blob: BlobId;
  readonly mediaType: string;
  readonly artifactType: string | undefined;
  readonly subject: BlobId | undefined;
}

/** Records a manifest, or brings back a deleted one. */
export async function storeManifest(tx: Transaction, manifest: NewManifest): Promise<ManifestId> {
  const row = await tx.first(upsertManifest, {
    repository: manifest.repository,
    blob: manifest.blob,
    mediaType: manifest.mediaType,
    artifactType: manifest.artifactType ?? null,
    subject: manifest.subject ?? null,
    now: await tx.now(),
  });
  if (row === undefined) throw new Error('an upsert of a manifest gave no row');
  return row.id;
}

/**
 * Records what a manifest names; a blob row must exist for each digest.
 * @returns how many references are new.
 */
export async function storeReferences(
  tx: Transaction,
  references: {
    repository: RepositoryId;
    parent: ManifestId;
    kind: string;
    digests: readonly Digest[];
  },
): Promise<number> {
  const { repository, parent, kind } = references;
  const digests = digestList(references.digests.map(digestToBytes));
  return tx.run(insertReferences, { repository, parent, kind, digests });
}

export interface NewReferrer {
  readonly repository: RepositoryId;
  readonly subject: BlobId;
  readonly manifest: ManifestId;
  readonly artifactType: string | undefined;
  /** The JSON of the descriptor, as it stands in a listing. */
  readonly descriptor: string;
}

export async function storeReferrer(tx: Transaction, referrer: NewReferrer): Promise<void> {
  await tx.run(insertReferrer, { ...referrer, artifactType: referrer.artifactType ?? null });
}

export interface ManifestState {
  readonly id: ManifestId;
  /** Since when it is in the trash: milliseconds since 1970; null = it is not. */
  readonly deletedAt: number | null;
  /** Since when nothing holds it; null = it is live. */
  readonly releasedAt: number | null;
}

/** A manifest that is there, in the trash or not. */
export async function findManifestState(
  sql: Sql,
  key: { repository: RepositoryId; blob: BlobId },
): Promise<ManifestState | undefined> {
  return sql.first(inAnyState, key);
}

/** Takes a manifest out of the repository; its rows stay for the trash. @returns false when it was gone. */
export async function deleteManifest(
  tx: Transaction,
  key: { repository: RepositoryId; manifest: ManifestId },
): Promise<boolean> {
  const { manifest, repository } = key;
  if ((await tx.run(markDeleted, { manifest, now: await tx.now() })) === 0) return false;
  const subject = (await tx.first(subjectOf, { manifest }))?.subject_id;
  if (subject != null) await tx.run(hideReferrer, { repository, manifest, subject, isHidden: 1 });
  return true;
}

/** Takes a manifest out of the trash. @returns false when it is not there. */
export async function undeleteManifest(
  tx: Transaction,
  key: { repository: RepositoryId; manifest: ManifestId },
): Promise<boolean> {
  const { manifest, repository } = key;
  if ((await tx.run(markUndeleted, { manifest })) === 0) return false;
  const subject = (await tx.first(subjectOf, { manifest }))?.subject_id;
  if (subject != null) await tx.run(hideReferrer, { repository, manifest, subject, isHidden: 0 });
  return true;
}

export interface HeldManifest {
  readonly id: ManifestId;
  readonly digest: Digest;
}

/** Those of `digests` that the repository holds as manifests. */
export async function findHeldManifests(
  tx: Transaction,
  wanted: { repository: RepositoryId; digests: readonly Digest[] },
): Promise<HeldManifest[]> {
  const digests = digestList(wanted.digests.map(digestToBytes));
  const rows = await tx.all(heldManifests, { repository: wanted.repository, digests });
  return rows.map(({ id, digest }) => ({ id, digest: digestFromBytes(digest) }));
}

/** Which of `digests` the repository holds as manifests. */
export async function heldAsManifests(
  tx: Transaction,
  wanted: { repository: RepositoryId; digests: readonly Digest[] },
): Promise<Set<Digest>> {
  return new Set((await findHeldManifests(tx, wanted)).map(({ digest }) => digest));
}

export interface Referrer {
  readonly manifestId: ManifestId;
  readonly artifactType: string | null;
  readonly descriptor: string;
}

/** Up to `limit` referrers of a subject with ids above `after`, oldest first. */
export async function listReferrers(
  sql: Sql,
  page: { repository: RepositoryName; subject: Digest; after: ManifestId; limit: number },
): Promise<Referrer[]> {
  return sql.all(referrersPage, { ...page, subject: digestToBytes(page.subject) });
}
