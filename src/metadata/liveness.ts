// Which manifests of a repository are live, and which of its rights to blobs are held by one that is. Only
// here and in the collector are `released_at`, `unheld_since` and `is_counted` written.
//
//   pushed ──► live ──last tag, lease, index or subject goes──► released ──window──► collected
//               ▲                                                  │
//               └───────────── pushed, tagged or leased again ─────┘
//
// Both directions take along what the manifest holds: children of an index, referrers of a subject.
// What keeps two of them at once apart on PostgreSQL: docs/decisions/0020-liveness.md.
import type { BlobId } from './blobs.ts';
import { wantedIds } from './fragments.ts';
import { isNamedByLive } from './live-holder.ts';
import type { ManifestId } from './manifests.ts';
import type { RepositoryId } from './repositories.ts';
import type { Transaction } from './sql.ts';
import { statement } from './statement.ts';
import type { UsageTally } from './usage.ts';

interface Within {
  repository: number;
  manifests: string;
}

/** Children and referrers of manifests, that are not in the trash, with whether they are released. */
const lower = statement<Within>()((q, p, engine) =>
  q
    .selectFrom(wantedIds(engine, p.manifests))
    .crossJoin('manifest_references as ref')
    .crossJoin('manifests as m')
    .select(['m.id', 'm.released_at as releasedAt'])
    .whereRef('ref.parent_id', '=', 'wanted.id')
    .where('ref.kind', '=', 'manifest')
    .whereRef('m.blob_id', '=', 'ref.child_id')
    .where('m.repository_id', '=', p.repository)
    .where('m.deleted_at', 'is', null)
    .unionAll(
      q
        .selectFrom(wantedIds(engine, p.manifests))
        .crossJoin('manifests as s')
        .crossJoin('manifests as m')
        .select(['m.id', 'm.released_at as releasedAt'])
        .whereRef('s.id', '=', 'wanted.id')
        .whereRef('m.subject_id', '=', 's.blob_id')
        .where('m.subject_id', 'is not', null)
        .where('m.repository_id', '=', p.repository)
        .where('m.deleted_at', 'is', null),
    ),
);

/**
 * PostgreSQL: manifests with their children and referrers. A release of one that is under way ends first, and
 * one that comes waits until it sees who holds it.
 */
const keepLevel = statement<Within>()((q, p, engine) =>
  q
    .selectFrom('manifests as m')
    .select('m.id')
    .where('m.id', 'in', (e) =>
      e
        .selectFrom(wantedIds(engine, p.manifests))
        .select('wanted.id')
        .unionAll(
          e
            .selectFrom(wantedIds(engine, p.manifests))
            .crossJoin('manifest_references as ref')
            .crossJoin('manifests as child')
            .select('child.id')
            .whereRef('ref.parent_id', '=', 'wanted.id')
            .where('ref.kind', '=', 'manifest')
            .whereRef('child.blob_id', '=', 'ref.child_id')
            .where('child.repository_id', '=', p.repository),
        )
        .unionAll(
          e
            .selectFrom(wantedIds(engine, p.manifests))
            .crossJoin('manifests as s')
            .crossJoin('manifests as referrer')
            .select('referrer.id')
            .whereRef('s.id', '=', 'wanted.id')
            .whereRef('referrer.subject_id', '=', 's.blob_id')
            .where('referrer.repository_id', '=', p.repository),
        ),
    )
    .orderBy('m.id')
    .forShare('m'),
);

/** PostgreSQL: nobody makes them live until the release is committed. */
const lockManifests = statement<{ manifests: string }>()((q, p, engine) =>
  q
    .selectFrom('manifests as m')
    .select('m.id')
    .where('m.id', 'in', (e) => e.selectFrom(wantedIds(engine, p.manifests)).select('wanted.id'))
    .orderBy('m.id')
    .forNoKeyUpdate('m'),
);

/** Live indexes that name manifests, and their live subjects. */
const upper = statement<Within>()((q, p, engine) =>
  q
    .selectFrom(wantedIds(engine, p.manifests))
    .crossJoin('manifests as m')
    .crossJoin('manifest_references as ref')
    .crossJoin('manifests as holder')
    .select(['m.id', 'holder.id as holder'])
    .whereRef('m.id', '=', 'wanted.id')
    .whereRef('ref.child_id', '=', 'm.blob_id')
    .where('ref.repository_id', '=', p.repository)
    .where('ref.kind', '=', 'manifest')
    .whereRef('holder.id', '=', 'ref.parent_id')
    .where('holder.deleted_at', 'is', null)
    .where('holder.released_at', 'is', null)
    .unionAll(
      q
        .selectFrom(wantedIds(engine, p.manifests))
        .crossJoin('manifests as m')
        .crossJoin('manifests as holder')
        .select(['m.id', 'holder.id as holder'])
        .whereRef('m.id', '=', 'wanted.id')
        .where('m.subject_id', 'is not', null)
        .whereRef('holder.blob_id', '=', 'm.subject_id')
        .where('holder.repository_id', '=', p.repository)
        .where('holder.deleted_at', 'is', null)
        .where('holder.released_at', 'is', null),
    ),
);

/** Those of the manifests that a tag points at or a lease names: however many do, each once. */
const rooted = statement<Within>()((q, p, engine) =>
  q
    .selectFrom(wantedIds(engine, p.manifests))
    .crossJoin('manifests as m')
    .select('m.id')
    .whereRef('m.id', '=', 'wanted.id')
    .where((e) =>
      e.or([
        e.exists(e.selectFrom('tags as t').select('t.id').whereRef('t.manifest_id', '=', 'm.id')),
        e.exists(
          e
            .selectFrom('lease_items as li')
            .select('li.blob_id')
            .whereRef('li.blob_id', '=', 'm.blob_id')
            .where('li.repository_id', '=', p.repository),
        ),
      ]),
    ),
);

const livenessOf = statement<Within>()((q, p, engine) =>
  q
    .selectFrom(wantedIds(engine, p.manifests))
    .crossJoin('manifests as m')
    .crossJoin('blobs as b')
    .select(['m.id', 'm.released_at as releasedAt', 'm.deleted_at as deletedAt'])
    .select(['b.id as blobId', 'b.size'])
    .whereRef('m.id', '=', 'wanted.id')
    .where('m.repository_id', '=', p.repository)
    .whereRef('b.id', '=', 'm.blob_id'),
);

const setReleased = statement<{ manifests: string; at: number | null }>()((q, p, engine) =>
  q
    .updateTable('manifests')
    .set({ released_at: p.at })
    .where('id', 'in', (e) => e.selectFrom(wantedIds(engine, p.manifests)).select('wanted.id')),
);

/** Rights of the repository to what manifests name, whether they say that they are held or not. */
const rightsToParts = statement<Within>()((q, p, engine) => {
  const rows = q
    .selectFrom(wantedIds(engine, p.manifests))
    .crossJoin('manifest_references as ref')
    .crossJoin('repository_blobs as rb')
    .crossJoin('blobs as b')
    .select(['rb.blob_id as id', 'b.size', 'rb.unheld_since as unheldSince'])
    .select('rb.is_counted as isCounted')
    .whereRef('ref.parent_id', '=', 'wanted.id')
    .where('ref.kind', '<>', 'subject')
    .where('rb.repository_id', '=', p.repository)
    .whereRef('rb.blob_id', '=', 'ref.child_id')
    .where('rb.deleted_at', 'is', null)
    .whereRef('b.id', '=', 'rb.blob_id')
    .orderBy('rb.blob_id');
  // A release that is under way ends first, and one that comes waits until it sees this manifest.
  return engine === 'postgres' ? rows.forShare('rb') : rows;
});

/**
 * PostgreSQL: those that are about to be held. Two pushes of the same new layer that both shared them first would
 * wait for each other to write.
 */
const lockUnheldRights = statement<Within>()((q, p, engine) =>
  q
    .selectFrom('repository_blobs as rb')
    .select('rb.blob_id as id')
    .where('rb.repository_id', '=', p.repository)
    .where('rb.unheld_since', 'is not', null)
    .where('rb.deleted_at', 'is', null)
    .where('rb.blob_id', 'in', (e) =>
      e
        .selectFrom(wantedIds(engine, p.manifests))
        .crossJoin('manifest_references as ref')
        .select('ref.child_id')
        .whereRef('ref.parent_id', '=', 'wanted.id')
        .where('ref.kind', '<>', 'subject'),
    )
    .orderBy('rb.blob_id')
    .forNoKeyUpdate('rb'),
);

const lockRightsToParts = statement<Within>()((q, p, engine) => {
  const rows = q
    .selectFrom('repository_blobs as rb')
    .select('rb.blob_id as id')
    .where('rb.repository_id', '=', p.repository)
    .where('rb.blob_id', 'in', (e) =>
      e
        .selectFrom(wantedIds(engine, p.manifests))
        .crossJoin('manifest_references as ref')
        .select('ref.child_id')
        .whereRef('ref.parent_id', '=', 'wanted.id')
        .where('ref.kind', '<>', 'subject'),
    )
    .orderBy('rb.blob_id');
  return engine === 'postgres' ? rows.forNoKeyUpdate('rb') : rows;
});

/** Rights to what manifests name that no live manifest of the repository names. */
const unneededRights = statement<Within>()((q, p, engine) =>
  q
    // Each blob once before it is asked who names it: a layer that thousands share would be asked for each.
    .selectFrom(
      q
        .selectFrom(wantedIds(engine, p.manifests))
        .crossJoin('manifest_references as ref')
        .select('ref.child_id')
        .distinct()
        .whereRef('ref.parent_id', '=', 'wanted.id')
        .where('ref.kind', '<>', 'subject')
        .as('named'),
    )
    .crossJoin('repository_blobs as rb')
    .crossJoin('blobs as b')
    .select(['rb.blob_id as id', 'b.size'])
    .where('rb.repository_id', '=', p.repository)
    .whereRef('rb.blob_id', '=', 'named.child_id')
    .whereRef('b.id', '=', 'rb.blob_id')
    .where((e) => e.not(isNamedByLive({ repository: p.repository, blob: 'rb.blob_id' }))),
);

const setHeld = statement<{ repository: number; blobs: string }>()((q, p, engine) =>
  q
    .updateTable('repository_blobs')
    .set({ unheld_since: null, is_counted: 1 })
    .where('repository_id', '=', p.repository)
    .where('blob_id', 'in', (e) => e.selectFrom(wantedIds(engine, p.blobs)).select('wanted.id')),
);

const setUnheld = statement<{ repository: number; blobs: string; now: number }>()((q, p, engine) =>
  q
    .updateTable('repository_blobs')
    .set({ unheld_since: p.now, is_counted: 0 })
    .where('repository_id', '=', p.repository)
    .where('blob_id', 'in', (e) => e.selectFrom(wantedIds(engine, p.blobs)).select('wanted.id')),
);

const oneReleaseAtATime = statement<{ repository: number }>()((q, p, engine) => {
  const row = q.selectFrom('repositories').select('name').where('id', '=', p.repository);
  return engine === 'postgres' ? row.forNoKeyUpdate() : row;
});

export interface Manifests {
  readonly repository: RepositoryId;
  readonly manifests: readonly ManifestId[];
}

/**
 * Whoever holds manifests and then releases others in one transaction calls it before both: two of them would
 * else wait for each other in a circle, the one for the repository, the other for a right that both need.
 */
export async function beginRelease(tx: Transaction, repository: RepositoryId): Promise<void> {
  if (tx.engine === 'postgres') await tx.first(oneReleaseAtATime, { repository });
}

/** As `beginRelease`. @returns the name of the repository, which it keeps until the transaction ends. */
export async function nameForRelease(
  tx: Transaction,
  repository: RepositoryId,
): Promise<string | undefined> {
  return (await tx.first(oneReleaseAtATime, { repository }))?.name;
}

/**
 * Makes manifests live, with all that they hold: called after one was pushed, tagged, leased or taken out of
 * the trash, in the same transaction, after its references were stored. Parts that the repository lacks are
 * the caller's to refuse.
 */
export async function holdManifests(
  tx: Transaction,
  { repository, manifests }: Manifests,
  tally: UsageTally,
): Promise<void> {
  const all = new Set<ManifestId>(manifests);
  let level = [...all];
  while (level.length > 0) {
    const within = { repository, manifests: JSON.stringify(level) };
    if (tx.engine === 'postgres') await tx.all(keepLevel, within);
    const below = await tx.all(lower, within);
    // What is live already has its own parts.
    level = fresh(
      below.filter(({ releasedAt }) => releasedAt !== null),
      all,
    );
  }
  const list = JSON.stringify([...all]);
  const states = await tx.all(livenessOf, { repository, manifests: list });
  const released = states.filter(({ releasedAt }) => releasedAt !== null);
  if (released.length > 0) await tx.run(setReleased, { manifests: idsOf(released), at: null });
  tally.add(states.map(({ blobId, size }) => ({ id: blobId, size })));
  if (tx.engine === 'postgres') await tx.all(lockUnheldRights, { repository, manifests: list });
  const rights = await tx.all(rightsToParts, { repository, manifests: list });
  const unheld = rights.filter(({ unheldSince }) => unheldSince !== null);
  if (unheld.length === 0) return;
  await tx.run(setHeld, { repository, blobs: idsOf(unheld) });
  tally.add(unheld.filter(({ isCounted }) => isCounted === 0));
}

/** What lost a holder, and what was put into the trash or taken away for good. */
export interface Release {
  readonly repository: RepositoryId;
  /** Lost a tag, a lease, an index or a subject: released, unless something else holds them. */
  readonly manifests: readonly ManifestId[];
  /** In the trash since this transaction: they hold nothing any more. */
  readonly deleted?: readonly ManifestId[];
}

const renew = statement<{ repository: number; blob: number; now: number }>()((q, p) =>
  q
    .updateTable('repository_blobs')
    .set({ unheld_since: p.now })
    .where('repository_id', '=', p.repository)
    .where('blob_id', '=', p.blob)
    .where('unheld_since', 'is not', null)
    .where('deleted_at', 'is', null),
);

/**
 * The time of grace of a right that nothing is known to hold starts anew. @returns false when there is no such
 * right: it is held meanwhile, or gone.
 */
export async function renewRight(
  tx: Transaction,
  right: { repository: RepositoryId; blob: BlobId },
): Promise<boolean> {
  return (await tx.run(renew, { ...right, now: await tx.now() })) > 0;
}

/** The other direction: called after the holder is gone, in the same transaction. */
export async function releaseManifests(
  tx: Transaction,
  { repository, manifests, deleted = [] }: Release,
  tally: UsageTally,
): Promise<void> {
  if (manifests.length === 0 && deleted.length === 0) return;
  await tx.first(oneReleaseAtATime, { repository });
  const released = await findReleased(tx, { repository, manifests, deleted });
  if (released.length > 0) {
    await tx.run(setReleased, { manifests: JSON.stringify(released), at: await tx.now() });
  }
  await letGoOfParts(tx, { repository, manifests: [...released, ...deleted] }, tally);
}

/** Climbs down from what lost a holder, and takes out again what something else holds. */
async function findReleased(
  tx: Transaction,
  { repository, manifests, deleted }: Required<Release>,
): Promise<ManifestId[]> {
  const gone = new Set<ManifestId>(deleted);
  const candidates = new Set<ManifestId>();
  const lost = await tx.all(livenessOf, { repository, manifests: JSON.stringify(manifests) });
  let level = fresh(lost.filter(isLive), candidates);
  // The usual case: another tag points there, and nothing below is looked at.
  const isAllRooted = async () => {
    const found = await tx.all(rooted, { repository, manifests: JSON.stringify(level) });
    return new Set(found.map(({ id }) => id)).size === level.length;
  };
  if (gone.size === 0 && (level.length === 0 || (await isAllRooted()))) return [];
  level = [...level, ...gone];
  while (level.length > 0) {
    const below = await tx.all(lower, { repository, manifests: JSON.stringify(level) });
    level = fresh(
      below.filter(({ id, releasedAt }) => releasedAt === null && !gone.has(id)),
      candidates,
    );
  }
  if (candidates.size === 0) return [];
  return withoutHeld(tx, { repository, candidates });
}

async function withoutHeld(
  tx: Transaction,
  { repository, candidates }: { repository: RepositoryId; candidates: Set<ManifestId> },
): Promise<ManifestId[]> {
  const list = JSON.stringify([...candidates]);
  if (tx.engine === 'postgres') await tx.all(lockManifests, { manifests: list });
  const held = new Set<ManifestId>();
  for (const { id } of await tx.all(rooted, { repository, manifests: list })) held.add(id);
  const heldBy = new Map<ManifestId, ManifestId[]>();
  for (const { id, holder } of await tx.all(upper, { repository, manifests: list })) {
    if (!candidates.has(holder)) held.add(id);
    else {
      const others = heldBy.get(holder);
      if (others === undefined) heldBy.set(holder, [id]);
      else others.push(id);
    }
  }
  // A set gives what is added to it while it is walked: what is held holds what is below it.
  for (const holder of held) for (const id of heldBy.get(holder) ?? []) held.add(id);
  return [...candidates].filter((id) => !held.has(id));
}

async function letGoOfParts(
  tx: Transaction,
  { repository, manifests }: Manifests,
  tally: UsageTally,
): Promise<void> {
  if (manifests.length === 0) return;
  const list = JSON.stringify(manifests);
  if (tx.engine === 'postgres') await tx.all(lockRightsToParts, { repository, manifests: list });
  const unneeded = await tx.all(unneededRights, { repository, manifests: list });
  if (unneeded.length > 0) {
    await tx.run(setUnheld, { repository, blobs: idsOf(unneeded), now: await tx.now() });
  }
  tally.remove(unneeded);
  const own = await tx.all(livenessOf, { repository, manifests: list });
  tally.remove(own.map(({ blobId, size }) => ({ id: blobId, size })));
}

/** Children and referrers of manifests that are not in the trash. */
export async function manifestsBelow(
  tx: Transaction,
  { repository, manifests }: Manifests,
): Promise<ManifestId[]> {
  const rows = await tx.all(lower, { repository, manifests: JSON.stringify(manifests) });
  return fresh(rows, new Set());
}

/** Those of the manifests that a tag points at or a lease names. */
export async function heldByTagOrLease(
  tx: Transaction,
  { repository, manifests }: Manifests,
): Promise<ManifestId[]> {
  return fresh(
    await tx.all(rooted, { repository, manifests: JSON.stringify(manifests) }),
    new Set(),
  );
}

function isLive(state: { releasedAt: number | null; deletedAt: number | null }): boolean {
  return state.releasedAt === null && state.deletedAt === null;
}

function fresh(rows: readonly { id: ManifestId }[], seen: Set<ManifestId>): ManifestId[] {
  const added: ManifestId[] = [];
  for (const { id } of rows) {
    if (seen.has(id)) continue;
    seen.add(id);
    added.push(id);
  }
  return added;
}

function idsOf(rows: readonly { readonly id: BlobId }[]): string {
  return JSON.stringify([...new Set(rows.map(({ id }) => id))].sort((a, b) => a - b));
}
