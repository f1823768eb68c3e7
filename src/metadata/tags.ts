// Tags and their history.
import { sql as raw } from 'kysely';
import { type Digest, digestFromBytes } from '../oci/digest.ts';
import type { Tag } from '../oci/tag.ts';
import type { Actor } from './audit.ts';
import type { BlobId } from './blobs.ts';
import { locked } from './fragments.ts';
import type { ManifestId } from './manifests.ts';
import type { RepositoryId } from './repositories.ts';
import type { Sql, Transaction } from './sql.ts';
import { statement } from './statement.ts';

/** A tag as it stands, locked until the transaction ends. `digest` undefined: it points at nothing. */
export interface TagState {
  readonly id: number;
  readonly name: Tag;
  readonly sequence: number;
  readonly manifestId: ManifestId | undefined;
  readonly blobId: BlobId | undefined;
  readonly digest: Digest | undefined;
}

/** Why a tag moved. */
export type TagCause =
  | 'push'
  | 'delete-tag'
  | 'delete-manifest'
  | 'rollback'
  | 'restore'
  | 'retention'
  | 'undo'
  | 'copy'
  | 'replication';

const insertTag = statement<{ repository: number; name: string }>()((q, p) =>
  q
    .insertInto('tags')
    .values({ repository_id: p.repository, name: p.name, manifest_id: null, sequence: 0 })
    .onConflict((c) => c.columns(['repository_id', 'name']).doNothing()),
);

const tagRow = statement<{ repository: number; name: string }>()((q, p, engine) =>
  locked(
    engine,
    q
      .selectFrom('tags')
      .select(['id', 'sequence', 'manifest_id'])
      .where('repository_id', '=', p.repository)
      .where('name', '=', p.name),
  ),
);

const blobOfManifest = statement<{ manifest: number }>()((q, p) =>
  q
    .selectFrom('manifests as m')
    .innerJoin('blobs as b', 'b.id', 'm.blob_id')
    .select(['b.id', 'b.digest'])
    .where('m.id', '=', p.manifest),
);

const tagsOfManifest = statement<{ manifest: number }>()((q, p) =>
  q.selectFrom('tags').select('name').where('manifest_id', '=', p.manifest).orderBy('name'),
);

const pointTag = statement<{ tag: number; manifest: number | null; sequence: number }>()((q, p) =>
  q
    .updateTable('tags')
    .set({ manifest_id: p.manifest, sequence: p.sequence })
    .where('id', '=', p.tag),
);

const lastEventAt = statement<{ tag: number; sequence: number }>()((q, p) =>
  q
    .selectFrom('tag_events')
    .select('at')
    .where('tag_id', '=', p.tag)
    .where('sequence', '=', p.sequence),
);

const insertEvent = statement<{
  tag: number;
  sequence: number;
  oldBlob: number | null;
  newBlob: number | null;
  at: number;
  actor: string;
  principal: string;
  credential: string;
  cause: string;
  plan: number | null;
}>()((q, p) =>
  q.insertInto('tag_events').values({
    tag_id: p.tag,
    sequence: p.sequence,
    old_blob_id: p.oldBlob,
    new_blob_id: p.newBlob,
    at: p.at,
    actor: p.actor,
    principal: p.principal,
    credential: p.credential,
    cause: p.cause,
    plan_id: p.plan,
  }),
);

const tagPage = statement<{ repository: number; last: string; limit: number }>()((q, p) =>
  q
    .selectFrom('tags')
    .select('name')
    .where('repository_id', '=', p.repository)
    // Written out, so that the partial index is seen to fit.
    .where(raw<boolean>`manifest_id is not null`)
    .where('name', '>', p.last)
    .orderBy('name')
    .limit(p.limit),
);

/** The tag, locked; undefined when it never existed. */
export async function lockTag(
  tx: Transaction,
  key: { repository: RepositoryId; name: Tag },
): Promise<TagState | undefined> {
  const row = await tx.first(tagRow, key);
  if (row === undefined) return undefined;
  const manifest = row.manifest_id;
  const blob = manifest === null ? undefined : await tx.first(blobOfManifest, { manifest });
  return {
    id: row.id,
    name: key.name,
    sequence: row.sequence,
    manifestId: row.manifest_id ?? undefined,
    blobId: blob?.id,
    digest: blob && digestFromBytes(blob.digest),
  };
}

/** The tag, locked; made when it is new. */
export async function ensureTag(
  tx: Transaction,
  key: { repository: RepositoryId; name: Tag },
): Promise<TagState> {
  const known = await lockTag(tx, key);
  if (known !== undefined) return known;
  await tx.run(insertTag, key);
  return (await lockTag(tx, key)) as TagState;
}

export interface TagMove {
  readonly tag: TagState;
  /** Undefined: the tag is deleted. */
  readonly to: { readonly manifest: ManifestId; readonly blob: BlobId } | undefined;
  readonly actor: Actor;
  readonly cause: TagCause;
  /** The plan that it is part of. */
  readonly plan?: number | undefined;
}

/** Moves a locked tag and writes its event. What the manifest that it leaves still holds is the caller's. */
export async function moveTag(tx: Transaction, move: TagMove): Promise<void> {
  const { tag, to, actor, cause, plan } = move;
  const sequence = tag.sequence + 1;
  const last = await tx.first(lastEventAt, { tag: tag.id, sequence: tag.sequence });
  // Time is a label; order is by sequence. A clock set back must not show a later event as earlier.
  const at = Math.max(await tx.now(), last?.at ?? 0);
  await tx.run(pointTag, { tag: tag.id, manifest: to?.manifest ?? null, sequence });
  await tx.run(insertEvent, {
    tag: tag.id,
    sequence,
    oldBlob: tag.blobId ?? null,
    newBlob: to?.blob ?? null,
    at,
    actor: actor.name,
    principal: actor.principal,
    credential: actor.credential,
    cause,
    plan: plan ?? null,
  });
}

/** The tags that point at a manifest now, in byte order. */
export async function tagsPointingAt(tx: Sql, manifest: ManifestId): Promise<Tag[]> {
  return (await tx.all(tagsOfManifest, { manifest })).map((row) => row.name as Tag);
}

/** Up to `limit` tags after `last`, in byte order. */
export async function listTags(
  sql: Sql,
  page: { repository: RepositoryId; last: string; limit: number },
): Promise<string[]> {
  return (await sql.all(tagPage, page)).map((row) => row.name);
}
