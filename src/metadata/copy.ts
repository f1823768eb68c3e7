// Images of one repository that become another's too: rows are copied, no bytes move.
import { sql as raw } from 'kysely';
import { type Digest, digestFromBytes, digestToBytes } from '../oci/digest.ts';
import type { BlobId } from './blobs.ts';
import { digestList, kept, wantedDigests, wantedIds } from './fragments.ts';
import type { ManifestId } from './manifests.ts';
import type { RepositoryId } from './repositories.ts';
import type { Sql, Transaction } from './sql.ts';
import { statement } from './statement.ts';
import type { SizedBlob } from './usage.ts';

interface Within {
  repository: number;
  manifests: string;
}

const children = statement<Within>()((q, p, engine) =>
  q
    .selectFrom(wantedIds(engine, p.manifests))
    .crossJoin('manifest_references as ref')
    .crossJoin('manifests as m')
    .crossJoin('blobs as b')
    .select(['m.id', 'b.digest'])
    .whereRef('ref.parent_id', '=', 'wanted.id')
    .where('ref.kind', '=', 'manifest')
    .whereRef('m.blob_id', '=', 'ref.child_id')
    .where('m.repository_id', '=', p.repository)
    .where('m.deleted_at', 'is', null)
    .whereRef('b.id', '=', 'm.blob_id')
    .orderBy('m.id'),
);

const referrersOf = statement<Within>()((q, p, engine) =>
  q
    .selectFrom(wantedIds(engine, p.manifests))
    .crossJoin('manifests as s')
    .crossJoin('manifests as m')
    .crossJoin('blobs as b')
    .select(['m.id', 'b.digest'])
    .whereRef('s.id', '=', 'wanted.id')
    .whereRef('m.subject_id', '=', 's.blob_id')
    .where('m.subject_id', 'is not', null)
    .where('m.repository_id', '=', p.repository)
    .where('m.deleted_at', 'is', null)
    .whereRef('b.id', '=', 'm.blob_id')
    .orderBy('m.id'),
);

/** Their own bytes stay until the transaction ends. */
const sources = statement<{ repository: number; digests: string }>()((q, p, engine) => {
  const rows = q
    .selectFrom(wantedDigests(engine, p.digests))
    .crossJoin('blobs as b')
    .crossJoin('manifests as m')
    .select(['m.id', 'm.blob_id as blobId', 'b.digest', 'b.size'])
    .select(['m.media_type as mediaType', 'm.artifact_type as artifactType'])
    .select('m.subject_id as subject')
    .whereRef('b.digest', '=', 'wanted.digest')
    .where('b.state', '=', 'stored')
    .whereRef('m.blob_id', '=', 'b.id')
    .where('m.repository_id', '=', p.repository)
    .where('m.deleted_at', 'is', null)
    .orderBy('b.id');
  return engine === 'postgres' ? rows.forKeyShare('b') : rows;
});

/** Parts to which the repository has a right, their bytes kept in place. */
const partsWithRight = statement<Within>()((q, p, engine) =>
  kept(
    engine,
    q
      .selectFrom('blobs as b')
      .select(['b.id', 'b.size'])
      .where('b.state', '=', 'stored')
      .where('b.id', 'in', (e) =>
        e
          .selectFrom(wantedIds(engine, p.manifests))
          .crossJoin('manifest_references as ref')
          .crossJoin('repository_blobs as rb')
          .select('rb.blob_id')
          .whereRef('ref.parent_id', '=', 'wanted.id')
          .where('ref.kind', '<>', 'subject')
          .whereRef('rb.blob_id', '=', 'ref.child_id')
          .where('rb.repository_id', '=', p.repository)
          .where('rb.deleted_at', 'is', null),
      )
      .orderBy('b.id'),
  ),
);

const giveRights = statement<{ repository: number; blobs: string; now: number }>()((q, p, engine) =>
  q
    .insertInto('repository_blobs')
    .columns(['repository_id', 'blob_id', 'created_at', 'deleted_at', 'unheld_since', 'is_counted'])
    .expression(
      q
        .selectFrom(wantedIds(engine, p.blobs))
        .select([
          raw<number>`cast(${p.repository} as bigint)`.as('repository_id'),
          'wanted.id as blob_id',
          raw<number>`cast(${p.now} as bigint)`.as('created_at'),
          raw<null>`cast(null as bigint)`.as('deleted_at'),
          raw<number>`cast(${p.now} as bigint)`.as('unheld_since'),
          raw<number>`1`.as('is_counted'),
        ])
        // SQLite would read `on conflict` as a join condition without it.
        .where(raw<boolean>`true`),
    )
    .onConflict((c) =>
      c.columns(['repository_id', 'blob_id']).doUpdateSet({
        unheld_since: raw`case when repository_blobs.unheld_since is null
            and repository_blobs.deleted_at is null then null else excluded.unheld_since end`,
        deleted_at: null,
        is_counted: 1,
      }),
    ),
);

const copyReferences = statement<{ from: number; to: number; repository: number }>()((q, p) =>
  q
    .insertInto('manifest_references')
    .columns(['parent_id', 'child_id', 'kind', 'repository_id'])
    .expression(
      q
        .selectFrom('manifest_references as ref')
        .select([
          raw<number>`cast(${p.to} as bigint)`.as('parent_id'),
          'ref.child_id',
          'ref.kind',
          raw<number>`cast(${p.repository} as bigint)`.as('repository_id'),
        ])
        .where('ref.parent_id', '=', p.from),
    )
    .onConflict((c) => c.doNothing()),
);

const descriptorOf = statement<{ repository: number; subject: number; manifest: number }>()(
  (q, p) =>
    q
      .selectFrom('referrers')
      .select(['artifact_type as artifactType', 'descriptor'])
      .where('repository_id', '=', p.repository)
      .where('subject_id', '=', p.subject)
      .where('manifest_id', '=', p.manifest),
);

export interface FoundManifest {
  readonly id: ManifestId;
  readonly digest: Digest;
}

interface SomeManifests {
  readonly repository: RepositoryId;
  readonly manifests: readonly ManifestId[];
}

export function childrenOf(sql: Sql, some: SomeManifests): Promise<FoundManifest[]> {
  return found(sql, children, some);
}

export function referrersOfManifests(sql: Sql, some: SomeManifests): Promise<FoundManifest[]> {
  return found(sql, referrersOf, some);
}

async function found(
  sql: Sql,
  wanted: typeof children,
  { repository, manifests }: SomeManifests,
): Promise<FoundManifest[]> {
  const rows = await sql.all(wanted, { repository, manifests: JSON.stringify(manifests) });
  return rows.map(({ id, digest }) => ({ id, digest: digestFromBytes(digest) }));
}

export interface CopySource {
  readonly id: ManifestId;
  readonly blobId: BlobId;
  readonly digest: Digest;
  readonly size: number;
  readonly mediaType: string;
  readonly artifactType: string | null;
  readonly subject: BlobId | null;
}

export async function copySources(
  tx: Transaction,
  { repository, digests }: { repository: RepositoryId; digests: readonly Digest[] },
): Promise<CopySource[]> {
  const list = digestList(digests.map(digestToBytes));
  const rows = await tx.all(sources, { repository, digests: list });
  return rows.map((row) => ({ ...row, digest: digestFromBytes(row.digest) }));
}

/** Gives a repository the rights to what manifests of another one name. @returns to which blobs. */
export async function copyRights(
  tx: Transaction,
  { from, to }: { from: SomeManifests; to: RepositoryId },
): Promise<readonly SizedBlob[]> {
  const { repository, manifests } = from;
  const parts = await tx.all(partsWithRight, { repository, manifests: JSON.stringify(manifests) });
  if (parts.length === 0) return [];
  const blobs = JSON.stringify(parts.map(({ id }) => id));
  await tx.run(giveRights, { repository: to, blobs, now: await tx.now() });
  return parts;
}

export async function copyManifestReferences(
  tx: Transaction,
  copy: { from: ManifestId; to: ManifestId; repository: RepositoryId },
): Promise<void> {
  await tx.run(copyReferences, copy);
}

/** As it stands in listings of the source. */
export function referrerDescriptor(
  tx: Transaction,
  of: { repository: RepositoryId; subject: BlobId; manifest: ManifestId },
): Promise<{ artifactType: string | null; descriptor: string } | undefined> {
  return tx.first(descriptorOf, of);
}
