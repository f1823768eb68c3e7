// Taking rows away for good: manifests with all that is said of them, and whole repositories, a batch at a
// time. Asks nobody whether they may go.
import { type Digest, digestFromBytes } from '../oci/digest.ts';
import type { BlobId } from './blobs.ts';
import { markUnheld } from './collected-blobs.ts';
import { wantedIds } from './fragments.ts';
import { isNamedByLive } from './live-holder.ts';
import type { ManifestId } from './manifests.ts';
import { queueRemoval } from './removals.ts';
import type { RepositoryId } from './repositories.ts';
import type { Transaction } from './sql.ts';
import { statement } from './statement.ts';
import { forgetTrashed } from './trash.ts';
import { removeUpload } from './uploads.ts';
import { type SizedBlob, settleUsage, UsageTally } from './usage.ts';

interface Within {
  repository: number;
  manifests: string;
}

const manifestBlobs = statement<Within>()((q, p, engine) =>
  q
    .selectFrom(wantedIds(engine, p.manifests))
    .crossJoin('manifests as m')
    .crossJoin('blobs as b')
    .select(['m.id', 'b.id as blob', 'b.size', 'b.digest', 'm.deleted_at as deletedAt'])
    .whereRef('m.id', '=', 'wanted.id')
    .where('m.repository_id', '=', p.repository)
    .whereRef('b.id', '=', 'm.blob_id'),
);

/** Rows of parts that nobody ever pushed, or that were collected: nothing else leads to them. */
const absentParts = statement<{ manifests: string }>()((q, p, engine) =>
  q
    .selectFrom(wantedIds(engine, p.manifests))
    .crossJoin('manifest_references as ref')
    .crossJoin('blobs as b')
    .select('b.id')
    .distinct()
    .whereRef('ref.parent_id', '=', 'wanted.id')
    .whereRef('b.id', '=', 'ref.child_id')
    .where('b.state', '=', 'absent'),
);

/**
 * Rights to what they name that no live manifest names: looked at soon, also those that were put off for as
 * long as these manifests had time.
 */
const lookAtRights = statement<Within & { now: number }>()((q, p, engine) =>
  q
    .updateTable('repository_blobs')
    .set({ unheld_since: p.now })
    .where('repository_id', '=', p.repository)
    .where((e) => e.or([e('unheld_since', 'is', null), e('unheld_since', '>', p.now)]))
    .where('blob_id', 'in', (e) =>
      e
        .selectFrom(wantedIds(engine, p.manifests))
        .crossJoin('manifest_references as ref')
        .select('ref.child_id')
        .whereRef('ref.parent_id', '=', 'wanted.id')
        .where('ref.kind', '<>', 'subject'),
    )
    .where((e) =>
      e.not(isNamedByLive({ repository: p.repository, blob: 'repository_blobs.blob_id' })),
    ),
);

const dropReferrers = statement<Within>()((q, p, engine) =>
  q
    .deleteFrom('referrers')
    .where('repository_id', '=', p.repository)
    .where('subject_id', 'in', (e) =>
      e
        .selectFrom(wantedIds(engine, p.manifests))
        .crossJoin('manifests as m')
        .select('m.subject_id')
        .whereRef('m.id', '=', 'wanted.id')
        .where('m.subject_id', 'is not', null),
    )
    .where('manifest_id', 'in', (e) =>
      e.selectFrom(wantedIds(engine, p.manifests)).select('wanted.id'),
    ),
);

const dropReferences = statement<{ manifests: string }>()((q, p, engine) =>
  q
    .deleteFrom('manifest_references')
    .where('parent_id', 'in', (e) =>
      e.selectFrom(wantedIds(engine, p.manifests)).select('wanted.id'),
    ),
);

const dropPulls = statement<{ manifests: string }>()((q, p, engine) =>
  q
    .deleteFrom('manifest_pulls')
    .where('manifest_id', 'in', (e) =>
      e.selectFrom(wantedIds(engine, p.manifests)).select('wanted.id'),
    ),
);

const dropManifests = statement<{ manifests: string }>()((q, p, engine) =>
  q
    .deleteFrom('manifests')
    .where('id', 'in', (e) => e.selectFrom(wantedIds(engine, p.manifests)).select('wanted.id')),
);

interface Some {
  repository: number;
  limit: number;
}

const someTags = statement<Some>()((q, p) =>
  q
    .selectFrom('tags')
    .select('id')
    .where('repository_id', '=', p.repository)
    .orderBy('id')
    .limit(p.limit),
);

const eventBlobs = statement<{ tags: string }>()((q, p, engine) =>
  q
    .selectFrom(wantedIds(engine, p.tags))
    .crossJoin('tag_events as t')
    .select(['t.old_blob_id as old', 't.new_blob_id as new'])
    .whereRef('t.tag_id', '=', 'wanted.id'),
);

const dropEvents = statement<{ tags: string }>()((q, p, engine) =>
  q
    .deleteFrom('tag_events')
    .where('tag_id', 'in', (e) => e.selectFrom(wantedIds(engine, p.tags)).select('wanted.id')),
);

const dropTagPulls = statement<{ tags: string }>()((q, p, engine) =>
  q
    .deleteFrom('tag_pulls')
    .where('tag_id', 'in', (e) => e.selectFrom(wantedIds(engine, p.tags)).select('wanted.id')),
);

const dropTags = statement<{ tags: string }>()((q, p, engine) =>
  q
    .deleteFrom('tags')
    .where('id', 'in', (e) => e.selectFrom(wantedIds(engine, p.tags)).select('wanted.id')),
);

const someManifests = statement<Some>()((q, p) =>
  q.selectFrom('manifests').select('id').where('repository_id', '=', p.repository).limit(p.limit),
);

const someRights = statement<Some>()((q, p) =>
  q
    .selectFrom('repository_blobs as rb')
    .innerJoin('blobs as b', 'b.id', 'rb.blob_id')
    .select(['rb.blob_id as id', 'b.size'])
    .where('rb.repository_id', '=', p.repository)
    .orderBy('rb.blob_id')
    .limit(p.limit),
);

const dropRights = statement<{ repository: number; blobs: string }>()((q, p, engine) =>
  q
    .deleteFrom('repository_blobs')
    .where('repository_id', '=', p.repository)
    .where('blob_id', 'in', (e) => e.selectFrom(wantedIds(engine, p.blobs)).select('wanted.id')),
);

const someOutbox = statement<Some>()((q, p) =>
  q
    .deleteFrom('outbox')
    .where('id', 'in', (e) =>
      e
        .selectFrom('outbox as o')
        .select('o.id')
        .where('o.repository_id', '=', p.repository)
        .limit(p.limit),
    ),
);

const someTrash = statement<Some>()((q, p) =>
  q
    .deleteFrom('trash')
    .where('id', 'in', (e) =>
      e
        .selectFrom('trash as t')
        .select('t.id')
        .where('t.repository_id', '=', p.repository)
        .limit(p.limit),
    ),
);

const dropLeaseItems = statement<{ repository: number }>()((q, p) =>
  q.deleteFrom('lease_items').where('repository_id', '=', p.repository),
);

const lockToPurge = statement<{ repository: number }>()((q, p, engine) => {
  const row = q.selectFrom('repositories').select('name').where('id', '=', p.repository);
  return engine === 'postgres' ? row.forUpdate() : row;
});

const uploadsOf = statement<{ name: string }>()((q, p) =>
  q
    .selectFrom('uploads')
    .select(['id', 'file', 'storage_key as storageKey'])
    .where('repository_name', '=', p.name),
);

const dropRepository = statement<{ repository: number }>()((q, p) =>
  q.deleteFrom('repositories').where('id', '=', p.repository),
);

export interface PurgedManifests {
  /** Their own blobs. */
  readonly blobs: readonly SizedBlob[];
  /** Rows taken away, about. */
  readonly rows: number;
  readonly digests: readonly Digest[];
}

/**
 * Takes manifests of a repository away, with what they name and what is said of them. Whoever calls it
 * holds the repository's lock, and lets go of what they held.
 */
export async function purgeManifests(
  tx: Transaction,
  { repository, manifests }: { repository: RepositoryId; manifests: readonly ManifestId[] },
): Promise<PurgedManifests> {
  if (manifests.length === 0) return { blobs: [], digests: [], rows: 0 };
  const list = JSON.stringify(manifests);
  const found = await tx.all(manifestBlobs, { repository, manifests: list });
  for (const { digest, deletedAt } of found) {
    if (deletedAt === null) continue;
    await forgetTrashed(tx, { repository, kind: 'manifest', digest: digestOf(digest) });
  }
  const absent = await tx.all(absentParts, { manifests: list });
  await tx.run(lookAtRights, { repository, manifests: list, now: await tx.now() });
  let rows = await tx.run(dropReferrers, { repository, manifests: list });
  rows += await tx.run(dropReferences, { manifests: list });
  rows += await tx.run(dropPulls, { manifests: list });
  rows += await tx.run(dropManifests, { manifests: list });
  const blobs = found.map(({ blob, size }) => ({ id: blob, size }));
  await markUnheld(
    tx,
    [...blobs, ...absent].map(({ id }) => id),
  );
  return { blobs, digests: found.map(({ digest }) => digestOf(digest)), rows };
}

function digestOf(bytes: Uint8Array): Digest {
  return digestFromBytes(bytes);
}

const withdraw = statement<{ manifests: string }>()((q, p, engine) =>
  q
    .updateTable('manifests')
    .set((e) => ({ deleted_at: e.ref('released_at') }))
    .where('deleted_at', 'is', null)
    .where('released_at', 'is not', null)
    .where('id', 'in', (e) => e.selectFrom(wantedIds(engine, p.manifests)).select('wanted.id')),
);

/** Released manifests that go together and are too many for one transaction: gone for all who ask. */
export async function withdrawManifests(
  tx: Transaction,
  { repository, manifests }: { repository: RepositoryId; manifests: readonly ManifestId[] },
): Promise<void> {
  const list = JSON.stringify(manifests);
  await tx.run(dropReferrers, { repository, manifests: list });
  await tx.run(withdraw, { manifests: list });
}

/**
 * Takes away about `limit` rows of ONE repository, and at last the repository itself. What it held is the
 * collector's from then on: its bytes go once nothing else holds them. @returns whether nothing is left.
 */
export async function purgeRepositoryBatch(
  tx: Transaction,
  { repository, limit }: { repository: RepositoryId; limit: number },
): Promise<boolean> {
  const name = (await tx.first(lockToPurge, { repository }))?.name;
  if (name === undefined) return true;
  const page = { repository, limit };
  if (await purgeTags(tx, page)) return false;
  await tx.run(dropLeaseItems, { repository });
  const tally = new UsageTally();
  if (await purgeSomeManifests(tx, page, tally)) {
    await settleUsage(tx, { name, tally });
    return false;
  }
  if (await purgeRights(tx, page, tally)) {
    await settleUsage(tx, { name, tally });
    return false;
  }
  if ((await tx.run(someOutbox, page)) > 0 || (await tx.run(someTrash, page)) > 0) return false;
  for (const upload of await tx.all(uploadsOf, { name })) await purgeUpload(tx, upload);
  await tx.run(dropRepository, { repository });
  return true;
}

async function purgeUpload(
  tx: Transaction,
  upload: { id: string; file: string | null; storageKey: string | null },
): Promise<void> {
  const { id, file, storageKey } = upload;
  await removeUpload(tx, id);
  if (file !== null) await queueRemoval(tx, { kind: 'upload', key: file });
  if (storageKey !== null) await queueRemoval(tx, { kind: 'content', key: storageKey });
}

async function purgeTags(tx: Transaction, page: Some): Promise<boolean> {
  const found = await tx.all(someTags, page);
  if (found.length === 0) return false;
  const tags = JSON.stringify(found.map(({ id }) => id));
  const blobs = new Set<BlobId>();
  for (const { old, new: next } of await tx.all(eventBlobs, { tags })) {
    for (const blob of [old, next]) if (blob !== null) blobs.add(blob);
  }
  await tx.run(dropEvents, { tags });
  await tx.run(dropTagPulls, { tags });
  await tx.run(dropTags, { tags });
  // Rows of blobs long gone, that only this history spoke of.
  await markUnheld(tx, [...blobs]);
  return true;
}

async function purgeSomeManifests(
  tx: Transaction,
  page: Some,
  tally: UsageTally,
): Promise<boolean> {
  const found = await tx.all(someManifests, page);
  const { repository } = page;
  const manifests = found.map(({ id }) => id);
  tally.remove((await purgeManifests(tx, { repository, manifests })).blobs);
  return found.length > 0;
}

async function purgeRights(tx: Transaction, page: Some, tally: UsageTally): Promise<boolean> {
  const found = await tx.all(someRights, page);
  if (found.length === 0) return false;
  const { repository } = page;
  const ids = found.map(({ id }) => id);
  await tx.run(dropRights, { repository, blobs: JSON.stringify(ids) });
  await markUnheld(tx, ids);
  tally.remove(found);
  return true;
}
