// What may go for good, for the collector: who waits, the locks that it takes, and the second look behind
// them. Knows no window and no grace, only instants. Why each lock: docs/decisions/0021-collection.md.
import { sql as raw } from 'kysely';
import { type Digest, digestFromBytes } from '../oci/digest.ts';
import type { BlobId } from './blobs.ts';
import { wantedIds } from './fragments.ts';
import { isNamedByLive } from './live-holder.ts';
import type { ManifestId } from './manifests.ts';
import type { RepositoryId } from './repositories.ts';
import type { Sql, Transaction } from './sql.ts';
import { statement } from './statement.ts';

interface AfterParameters {
  since: number;
  after: number;
  before: number;
  limit: number;
}

/** What lies under a hidden name comes back whole or is purged whole. */
const HIDDEN = '~%';

const releasedPage = statement<AfterParameters>()((q, p) =>
  q
    .selectFrom('manifests as m')
    .innerJoin('repositories as r', 'r.id', 'm.repository_id')
    .select(['m.id', 'm.released_at as since', 'm.repository_id as repository', 'r.name'])
    .where('m.released_at', 'is not', null)
    .where('m.released_at', '>=', p.since)
    .where((e) => e.or([e('m.released_at', '>', p.since), e('m.id', '>', p.after)]))
    .where('m.released_at', '<', p.before)
    .where('m.deleted_at', 'is', null)
    .where('r.name', 'not like', HIDDEN)
    .orderBy('m.released_at')
    .orderBy('m.id')
    .limit(p.limit),
);

const trashedPage = statement<AfterParameters>()((q, p) =>
  q
    .selectFrom('manifests as m')
    .innerJoin('repositories as r', 'r.id', 'm.repository_id')
    .select(['m.id', 'm.deleted_at as since', 'm.repository_id as repository', 'r.name'])
    .where('m.deleted_at', 'is not', null)
    .where('m.deleted_at', '>=', p.since)
    .where((e) => e.or([e('m.deleted_at', '>', p.since), e('m.id', '>', p.after)]))
    .where('m.deleted_at', '<', p.before)
    .where('r.name', 'not like', HIDDEN)
    .orderBy('m.deleted_at')
    .orderBy('m.id')
    .limit(p.limit),
);

const rightsPage = statement<AfterParameters & { repository: number }>()((q, p) =>
  q
    .selectFrom('repository_blobs as rb')
    .innerJoin('repositories as r', 'r.id', 'rb.repository_id')
    .innerJoin('blobs as b', 'b.id', 'rb.blob_id')
    .select(['rb.blob_id as id', 'rb.unheld_since as since', 'rb.repository_id as repository'])
    .select(['r.name', 'b.size', 'rb.deleted_at as deletedAt'])
    .where('rb.unheld_since', 'is not', null)
    .where('rb.unheld_since', '>=', p.since)
    .where((e) =>
      e.or([
        e('rb.unheld_since', '>', p.since),
        e('rb.repository_id', '>', p.repository),
        e.and([e('rb.repository_id', '=', p.repository), e('rb.blob_id', '>', p.after)]),
      ]),
    )
    .where('rb.unheld_since', '<', p.before)
    .where('r.name', 'not like', HIDDEN)
    .orderBy('rb.unheld_since')
    .orderBy('rb.repository_id')
    .orderBy('rb.blob_id')
    .limit(p.limit),
);

const oldest = statement()((q) =>
  q.selectFrom('collection_state').select((e) => [
    e
      .selectFrom('manifests')
      .select((m) => m.fn.min('released_at').as('at'))
      .where('released_at', 'is not', null)
      .as('released'),
    e
      .selectFrom('manifests')
      .select((m) => m.fn.min('deleted_at').as('at'))
      .where('deleted_at', 'is not', null)
      .as('trashed'),
    e
      .selectFrom('repository_blobs')
      .select((m) => m.fn.min('unheld_since').as('at'))
      .where('unheld_since', 'is not', null)
      .as('rights'),
    e
      .selectFrom('blobs')
      .select((m) => m.fn.min('unheld_since').as('at'))
      .where('unheld_since', 'is not', null)
      .as('blobs'),
  ]),
);

const takeRepository = statement<{ repository: number }>()((q, p, engine) => {
  const row = q.selectFrom('repositories').select('name').where('id', '=', p.repository);
  return engine === 'postgres' ? row.forUpdate().skipLocked() : row;
});

interface Within {
  repository: number;
  manifests: string;
}

const states = statement<Within>()((q, p, engine) =>
  q
    .selectFrom(wantedIds(engine, p.manifests))
    .crossJoin('manifests as m')
    .select(['m.id', 'm.released_at as releasedAt', 'm.deleted_at as deletedAt'])
    .whereRef('m.id', '=', 'wanted.id')
    .where('m.repository_id', '=', p.repository),
);

/** Indexes that name manifests, and their subjects, in any state. */
const holders = statement<Within>()((q, p, engine) =>
  q
    .selectFrom(wantedIds(engine, p.manifests))
    .crossJoin('manifests as m')
    .crossJoin('manifest_references as ref')
    .crossJoin('manifests as holder')
    .select(['m.id', 'holder.id as holder'])
    .select(['holder.released_at as releasedAt', 'holder.deleted_at as deletedAt'])
    .whereRef('m.id', '=', 'wanted.id')
    .whereRef('ref.child_id', '=', 'm.blob_id')
    .where('ref.repository_id', '=', p.repository)
    .where('ref.kind', '=', 'manifest')
    .whereRef('holder.id', '=', 'ref.parent_id')
    .unionAll(
      q
        .selectFrom(wantedIds(engine, p.manifests))
        .crossJoin('manifests as m')
        .crossJoin('manifests as holder')
        .select(['m.id', 'holder.id as holder'])
        .select(['holder.released_at as releasedAt', 'holder.deleted_at as deletedAt'])
        .whereRef('m.id', '=', 'wanted.id')
        .where('m.subject_id', 'is not', null)
        .whereRef('holder.blob_id', '=', 'm.subject_id')
        .where('holder.repository_id', '=', p.repository),
    ),
);

const postponeManifest = statement<{ manifest: number; at: number }>()((q, p) =>
  q
    .updateTable('manifests')
    .set({ released_at: p.at })
    .where('id', '=', p.manifest)
    .where('released_at', 'is not', null),
);

interface RightParameters {
  repository: number;
  blobs: string;
}

/** Rights, with whether a live manifest names them, when the last other one let go, and how many leases do. */
const rights = statement<RightParameters>()((q, p, engine) =>
  q
    .selectFrom(wantedIds(engine, p.blobs))
    .crossJoin('repository_blobs as rb')
    .crossJoin('blobs as b')
    .select(['rb.blob_id as id', 'b.size', 'b.digest', 'rb.is_counted as isCounted'])
    .select(['rb.unheld_since as unheldSince', 'rb.deleted_at as deletedAt'])
    .select((e) => [
      raw<number>`case when ${isNamedByLive({ repository: p.repository, blob: 'rb.blob_id' })} then 1 else 0 end`.as(
        'live',
      ),
      e
        .selectFrom('manifest_references as ref')
        .innerJoin('manifests as m', 'm.id', 'ref.parent_id')
        .select((c) => c.fn.max(c.fn.coalesce('m.deleted_at', 'm.released_at')).as('last'))
        .whereRef('ref.child_id', '=', 'rb.blob_id')
        .where('ref.repository_id', '=', p.repository)
        .where('ref.kind', '<>', 'subject')
        .as('lastNamed'),
      e
        .selectFrom('lease_items as i')
        .select((c) => c.fn.countAll<number>().as('count'))
        .whereRef('i.blob_id', '=', 'rb.blob_id')
        .where('i.repository_id', '=', p.repository)
        .as('leases'),
    ])
    .where('rb.repository_id', '=', p.repository)
    .whereRef('rb.blob_id', '=', 'wanted.id')
    .whereRef('b.id', '=', 'rb.blob_id'),
);

const holdAgain = statement<RightParameters>()((q, p, engine) =>
  q
    .updateTable('repository_blobs')
    .set({ unheld_since: null, is_counted: 1 })
    .where('repository_id', '=', p.repository)
    .where('deleted_at', 'is', null)
    .where('blob_id', 'in', (e) => e.selectFrom(wantedIds(engine, p.blobs)).select('wanted.id')),
);

const postponeRight = statement<{ repository: number; blob: number; from: number; to: number }>()(
  (q, p) =>
    q
      .updateTable('repository_blobs')
      .set({ unheld_since: p.to })
      .where('repository_id', '=', p.repository)
      .where('blob_id', '=', p.blob)
      .where('unheld_since', '=', p.from),
);

/** Says the time again: somebody may have renewed the right since it was read, without the repository's lock. */
const dropRights = statement<RightParameters & { before: number }>()((q, p, engine) =>
  q
    .deleteFrom('repository_blobs')
    .where('repository_id', '=', p.repository)
    .where('unheld_since', '<', p.before)
    .where('blob_id', 'in', (e) => e.selectFrom(wantedIds(engine, p.blobs)).select('wanted.id'))
    .returning('blob_id as id'),
);

/** Where the next page begins: what has the same time goes on by id. */
export interface Place {
  /** Milliseconds since 1970. */
  readonly since: number;
  readonly after: number;
  /** Of rights only. */
  readonly repository?: number;
}

export const BEGINNING: Place = { since: Number.MIN_SAFE_INTEGER, after: 0, repository: 0 };

export interface Waiting {
  /** Of the manifest, or of the blob of a right. */
  readonly id: number;
  readonly since: number;
  readonly repository: RepositoryId;
  readonly name: string;
}

export interface WaitingRight extends Waiting {
  readonly size: number;
  readonly deletedAt: number | null;
}

export interface Page {
  readonly place: Place;
  /** Only what waits since before that. */
  readonly before: number;
  readonly limit: number;
}

/** Manifests that nothing holds (`released`) or that lie in the trash (`trashed`), the oldest first. */
export async function waitingManifests(
  sql: Sql,
  kind: 'released' | 'trashed',
  { place, before, limit }: Page,
): Promise<Waiting[]> {
  const page = { since: place.since, after: place.after, before, limit };
  const rows = await sql.all(kind === 'released' ? releasedPage : trashedPage, page);
  return rows.map((row) => ({ ...row, since: row.since as number }));
}

/** Rights that no live manifest is known to need, the oldest first. */
export async function waitingRights(
  sql: Sql,
  { place, before, limit }: Page,
): Promise<WaitingRight[]> {
  const { since, after, repository = 0 } = place;
  const rows = await sql.all(rightsPage, { since, after, repository, before, limit });
  return rows.map((row) => ({ ...row, since: row.since as number }));
}

/** Since when the longest waiting one of each kind waits; null = none does. */
export interface OldestWaiting {
  readonly released: number | null;
  readonly trashed: number | null;
  readonly rights: number | null;
  readonly blobs: number | null;
}

export async function oldestWaiting(sql: Sql): Promise<OldestWaiting> {
  return (await sql.first(oldest, {})) as OldestWaiting;
}

/**
 * The repository alone: who adds to it or takes from it has ended, or comes after this transaction. To be
 * looked at in a new statement. @returns its name, or undefined when somebody is at work in it.
 */
export async function takeForCollection(
  tx: Transaction,
  repository: RepositoryId,
): Promise<string | undefined> {
  return (await tx.first(takeRepository, { repository }))?.name;
}

export interface ManifestTimes {
  readonly releasedAt: number | null;
  readonly deletedAt: number | null;
}

export function manifestTimes(
  tx: Transaction,
  { repository, manifests }: { repository: RepositoryId; manifests: readonly ManifestId[] },
): Promise<(ManifestTimes & { readonly id: ManifestId })[]> {
  return tx.all(states, { repository, manifests: JSON.stringify(manifests) });
}

export function holdersOf(
  tx: Transaction,
  { repository, manifests }: { repository: RepositoryId; manifests: readonly ManifestId[] },
): Promise<(ManifestTimes & { readonly id: ManifestId; readonly holder: ManifestId })[]> {
  return tx.all(holders, { repository, manifests: JSON.stringify(manifests) });
}

/** A released manifest waits as long as what names it. */
export async function postponeManifestTo(
  tx: Transaction,
  { manifest, at }: { manifest: ManifestId; at: number },
): Promise<void> {
  await tx.run(postponeManifest, { manifest, at });
}

export interface RightState {
  readonly id: BlobId;
  readonly digest: Digest;
  readonly size: number;
  readonly isCounted: boolean;
  readonly unheldSince: number | null;
  readonly deletedAt: number | null;
  /** A live manifest of the repository names it. */
  readonly isLive: boolean;
  /** When the last of those that name it was let go or deleted; null when none names it. */
  readonly lastNamed: number | null;
  readonly isLeased: boolean;
}

export async function rightStates(
  tx: Transaction,
  { repository, blobs }: { repository: RepositoryId; blobs: readonly BlobId[] },
): Promise<RightState[]> {
  const rows = await tx.all(rights, { repository, blobs: JSON.stringify(blobs) });
  return rows.map(({ live, leases, lastNamed, isCounted, digest, ...row }) => ({
    ...row,
    digest: digestFromBytes(digest),
    isCounted: isCounted === 1,
    isLive: Number(live) > 0,
    isLeased: Number(leases) > 0,
    lastNamed: lastNamed === null ? null : Number(lastNamed),
  }));
}

interface RightsOf {
  readonly repository: RepositoryId;
  readonly blobs: readonly BlobId[];
}

export async function holdRightsAgain(
  tx: Transaction,
  { repository, blobs }: RightsOf,
): Promise<void> {
  await tx.run(holdAgain, { repository, blobs: JSON.stringify(blobs) });
}

/** The right is looked at again later. Without effect when somebody has renewed it meanwhile. */
export async function postponeRightTo(
  tx: Transaction,
  right: { repository: RepositoryId; blob: BlobId; from: number; to: number },
): Promise<void> {
  await tx.run(postponeRight, right);
}

/** Takes rights away for good, unless renewed since `before`. @returns the blobs of those that went. */
export async function dropRightsOf(
  tx: Transaction,
  { repository, blobs, before }: RightsOf & { before: number },
): Promise<BlobId[]> {
  const list = JSON.stringify(blobs);
  return (await tx.all(dropRights, { repository, blobs: list, before })).map(({ id }) => id);
}
