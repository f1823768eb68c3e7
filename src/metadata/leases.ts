// What clusters and pipelines say is in use: leases, and the manifests that they name. A row of
// `lease_items` is a root that holds (`liveness.ts`) until it is taken away, also when its lease is over;
// whether a lease forbids something depends on its end.
import { sql as raw } from 'kysely';
import { type Digest, digestFromBytes, digestToBytes } from '../oci/digest.ts';
import type { BlobId } from './blobs.ts';
import { manifestsAbove } from './closure.ts';
import { digestList, locked, wantedDigests, wantedIds, wantedPairs } from './fragments.ts';
import type { ManifestId } from './manifests.ts';
import { pathRange } from './path-range.ts';
import type { RepositoryId } from './repositories.ts';
import type { Sql, Transaction } from './sql.ts';
import { statement } from './statement.ts';

export interface StoredLease {
  readonly id: number;
  readonly name: string;
  readonly principal: string;
  readonly actor: string;
  readonly detail: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
  readonly createdAt: number;
}

const LEASE = [
  'l.id',
  'l.name',
  'l.principal',
  'l.actor',
  'l.detail',
  'l.expires_at as expiresAt',
  'l.created_at as createdAt',
] as const;

const byName = statement<{ name: string }>()((q, p) =>
  q.selectFrom('leases as l').select(LEASE).where('l.name', '=', p.name),
);

const byNameLocked = statement<{ name: string }>()((q, p, engine) =>
  locked(engine, q.selectFrom('leases as l').select(LEASE).where('l.name', '=', p.name)),
);

interface LeaseParameters {
  name: string;
  principal: string;
  actor: string;
  detail: string;
  expiresAt: number;
  now: number;
}

const upsertLease = statement<LeaseParameters>()((q, p) =>
  q
    .insertInto('leases')
    .values({
      name: p.name,
      principal: p.principal,
      actor: p.actor,
      detail: p.detail,
      expires_at: p.expiresAt,
      created_at: p.now,
    })
    .onConflict((c) =>
      c.column('name').doUpdateSet({
        principal: p.principal,
        actor: p.actor,
        detail: p.detail,
        expires_at: p.expiresAt,
      }),
    )
    .returning('id'),
);

const setEnd = statement<{ lease: number; at: number }>()((q, p) =>
  q.updateTable('leases').set({ expires_at: p.at }).where('id', '=', p.lease),
);

const leasesOfPrincipal = statement<{
  principal: string;
  now: number;
  after: string;
  limit: number;
}>()((q, p) =>
  q
    .selectFrom('leases as l')
    .select(LEASE)
    .where('l.principal', '=', p.principal)
    .where('l.expires_at', '>', p.now)
    .where('l.name', '>', p.after)
    .orderBy('l.name')
    .limit(p.limit),
);

const leasesWithin = statement<{
  path: string;
  below: string;
  before: string;
  now: number;
  after: string;
  limit: number;
}>()((q, p) =>
  q
    .selectFrom('leases as l')
    .select(LEASE)
    .where('l.expires_at', '>', p.now)
    .where('l.name', '>', p.after)
    .where('l.id', 'in', (e) =>
      e
        .selectFrom('repositories as r')
        .innerJoin('lease_items as i', 'i.repository_id', 'r.id')
        .select('i.lease_id')
        .where('r.name', '>=', p.path)
        .where('r.name', '<', p.before)
        .where((w) => w.or([w('r.name', '=', p.path), w('r.name', '>=', p.below)])),
    )
    .orderBy('l.name')
    .limit(p.limit),
);

const countOfPrincipal = statement<{ principal: string; now: number }>()((q, p) =>
  q
    .selectFrom('leases')
    .select((e) => e.fn.countAll<number>().as('count'))
    .where('principal', '=', p.principal)
    .where('expires_at', '>', p.now),
);

const itemsOf = statement<{ lease: number }>()((q, p) =>
  q
    .selectFrom('lease_items as i')
    .innerJoin('repositories as r', 'r.id', 'i.repository_id')
    .innerJoin('blobs as b', 'b.id', 'i.blob_id')
    .select(['i.repository_id as repository', 'i.blob_id as blob', 'r.name', 'b.digest'])
    .where('i.lease_id', '=', p.lease)
    .orderBy('r.name')
    .orderBy('b.digest'),
);

/** Digests of tags, for those that are there. */
const tagDigests = statement<{ tags: string }>()((q, p, engine) =>
  q
    .selectFrom(wantedPairs(engine, p.tags))
    .crossJoin('repositories as r')
    .crossJoin('tags as t')
    .crossJoin('manifests as m')
    .crossJoin('blobs as b')
    .select(['r.name as repository', 't.name as tag', 'b.digest'])
    .whereRef('r.name', '=', 'wanted.first')
    .whereRef('t.repository_id', '=', 'r.id')
    .whereRef('t.name', '=', 'wanted.second')
    .whereRef('m.id', '=', 't.manifest_id')
    .whereRef('b.id', '=', 'm.blob_id'),
);

/** Not in the trash. A release that is under way ends first, and one that comes sees the lease. */
const leasable = statement<{ repository: number; digests: string }>()((q, p, engine) => {
  const rows = q
    .selectFrom(wantedDigests(engine, p.digests))
    .crossJoin('blobs as b')
    .crossJoin('manifests as m')
    .select(['m.id', 'm.blob_id as blobId', 'b.digest'])
    .whereRef('b.digest', '=', 'wanted.digest')
    .whereRef('m.blob_id', '=', 'b.id')
    .where('m.repository_id', '=', p.repository)
    .where('m.deleted_at', 'is', null)
    .orderBy('m.id');
  return engine === 'postgres' ? rows.forShare('m') : rows;
});

const addItems = statement<{ lease: number; repository: number; blobs: string }>()((q, p, engine) =>
  q
    .insertInto('lease_items')
    .columns(['lease_id', 'repository_id', 'blob_id'])
    .expression(
      q
        .selectFrom(wantedIds(engine, p.blobs))
        .select([
          raw<number>`cast(${p.lease} as bigint)`.as('lease_id'),
          raw<number>`cast(${p.repository} as bigint)`.as('repository_id'),
          'wanted.id as blob_id',
        ])
        // SQLite would read `on conflict` as a join condition without it.
        .where(raw<boolean>`true`),
    )
    .onConflict((c) => c.doNothing()),
);

const moveItems = statement<{ from: number; to: number; repository: number; blobs: string }>()(
  (q, p, engine) =>
    q
      .updateTable('lease_items')
      .set({ lease_id: p.to })
      .where('lease_id', '=', p.from)
      .where('repository_id', '=', p.repository)
      .where('blob_id', 'in', (e) => e.selectFrom(wantedIds(engine, p.blobs)).select('wanted.id')),
);

const removeItems = statement<{ lease: number; repository: number; blobs: string }>()(
  (q, p, engine) =>
    q
      .deleteFrom('lease_items')
      .where('lease_id', '=', p.lease)
      .where('repository_id', '=', p.repository)
      .where('blob_id', 'in', (e) => e.selectFrom(wantedIds(engine, p.blobs)).select('wanted.id')),
);

const overNow = statement<{ now: number }>()((q, p, engine) => {
  const row = q
    .selectFrom('leases as l')
    .select(LEASE)
    .where('l.expires_at', '<=', p.now)
    .orderBy('l.expires_at')
    .limit(1);
  // Another node's is passed over, not waited for.
  return engine === 'postgres' ? row.forUpdate().skipLocked() : row;
});

const someItems = statement<{ lease: number; limit: number }>()((q, p) =>
  q
    .selectFrom('lease_items as i')
    .innerJoin('repositories as r', 'r.id', 'i.repository_id')
    .leftJoin('manifests as m', (j) =>
      j.onRef('m.blob_id', '=', 'i.blob_id').onRef('m.repository_id', '=', 'i.repository_id'),
    )
    .select(['i.repository_id as repository', 'i.blob_id as blob', 'r.name', 'm.id as manifest'])
    .where('i.lease_id', '=', p.lease)
    .orderBy('i.repository_id')
    .orderBy('i.blob_id')
    .limit(p.limit),
);

const removeLease = statement<{ lease: number }>()((q, p) =>
  q.deleteFrom('leases').where('id', '=', p.lease),
);

const HOLDING = ['i.blob_id as blob', 'l.name', 'l.actor', 'l.expires_at as expiresAt'] as const;

const anyOf = statement<{ repository: number; now: number }>()((q, p) =>
  q
    .selectFrom('lease_items as i')
    .innerJoin('leases as l', 'l.id', 'i.lease_id')
    .select('l.id')
    .where('i.repository_id', '=', p.repository)
    .where('l.expires_at', '>', p.now)
    .limit(1),
);

const ofRepository = statement<{ repository: number; now: number }>()((q, p) =>
  q
    .selectFrom('lease_items as i')
    .innerJoin('leases as l', 'l.id', 'i.lease_id')
    .select(HOLDING)
    .where('i.repository_id', '=', p.repository)
    .where('l.expires_at', '>', p.now)
    .orderBy('l.expires_at', 'desc'),
);

const ofBlobs = statement<{ repository: number; blobs: string; now: number }>()((q, p, engine) =>
  q
    .selectFrom(wantedIds(engine, p.blobs))
    .crossJoin('lease_items as i')
    .crossJoin('leases as l')
    .select(HOLDING)
    .whereRef('i.blob_id', '=', 'wanted.id')
    .where('i.repository_id', '=', p.repository)
    .whereRef('l.id', '=', 'i.lease_id')
    .where('l.expires_at', '>', p.now)
    .orderBy('l.expires_at', 'desc')
    .limit(1),
);

/** Who says that a manifest is in use. */
export interface Holding {
  readonly blob: BlobId;
  readonly name: string;
  readonly actor: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

/** Also one that is over and not yet taken away. */
export function findLease(sql: Sql, name: string): Promise<StoredLease | undefined> {
  return sql.first(byName, { name });
}

export function lockLease(tx: Transaction, name: string): Promise<StoredLease | undefined> {
  return tx.first(byNameLocked, { name });
}

export interface NewLease {
  readonly name: string;
  readonly principal: string;
  readonly actor: string;
  readonly detail: string;
  readonly expiresAt: number;
}

/** Makes a lease or says it anew. @returns its id. */
export async function writeLease(tx: Transaction, lease: NewLease): Promise<number> {
  const row = await tx.first(upsertLease, { ...lease, now: await tx.now() });
  if (row === undefined) throw new Error('an upsert of a lease gave no row');
  return row.id;
}

/** From now on it forbids nothing; what it holds is let go by `releaseEndedLeases`. */
export async function endLeaseNow(tx: Transaction, lease: number): Promise<void> {
  await tx.run(setEnd, { lease, at: await tx.now() });
}

export interface LeaseItem {
  readonly repository: RepositoryId;
  readonly blob: BlobId;
  /** Of the repository. */
  readonly name: string;
  readonly digest: Digest;
}

/** By names of repositories, then digests. */
export async function leaseItems(sql: Sql, lease: number): Promise<LeaseItem[]> {
  const rows = await sql.all(itemsOf, { lease });
  return rows.map((row) => ({ ...row, digest: digestFromBytes(row.digest) }));
}

export interface TagOf {
  readonly repository: string;
  readonly tag: string;
}

/** Where tags point; those that are not there are left out. */
export async function digestsOfTags(
  sql: Sql,
  tags: readonly TagOf[],
): Promise<(TagOf & { readonly digest: Digest })[]> {
  const list = JSON.stringify(tags.map(({ repository, tag }) => [repository, tag]));
  const rows = await sql.all(tagDigests, { tags: list });
  return rows.map((row) => ({ ...row, digest: digestFromBytes(row.digest) }));
}

export interface LeasableManifest {
  readonly id: ManifestId;
  readonly blobId: BlobId;
  readonly digest: Digest;
}

/** Those of the digests that the repository has as manifests; they stay until the transaction ends. */
export async function keepLeasable(
  tx: Transaction,
  { repository, digests }: { repository: RepositoryId; digests: readonly Digest[] },
): Promise<LeasableManifest[]> {
  const list = digestList(digests.map(digestToBytes));
  const rows = await tx.all(leasable, { repository, digests: list });
  return rows.map((row) => ({ ...row, digest: digestFromBytes(row.digest) }));
}

export interface ItemsOfRepository {
  readonly repository: RepositoryId;
  readonly blobs: readonly BlobId[];
}

export async function addLeaseItems(
  tx: Transaction,
  { lease, repository, blobs }: ItemsOfRepository & { lease: number },
): Promise<void> {
  await tx.run(addItems, { lease, repository, blobs: JSON.stringify(blobs) });
}

/** Hands items to another lease, which may not have them yet: they are held all the while. */
export async function moveLeaseItems(
  tx: Transaction,
  move: ItemsOfRepository & { from: number; to: number },
): Promise<void> {
  await tx.run(moveItems, { ...move, blobs: JSON.stringify(move.blobs) });
}

export async function removeLeaseItems(
  tx: Transaction,
  { lease, repository, blobs }: ItemsOfRepository & { lease: number },
): Promise<void> {
  await tx.run(removeItems, { lease, repository, blobs: JSON.stringify(blobs) });
}

/** One that is over, locked, the longest over first. */
export async function nextEndedLease(tx: Transaction): Promise<StoredLease | undefined> {
  return tx.first(overNow, { now: await tx.now() });
}

export interface EndedItem {
  readonly repository: RepositoryId;
  readonly name: string;
  readonly blob: BlobId;
  /** Null when the manifest is gone for good. */
  readonly manifest: ManifestId | null;
}

export function someLeaseItems(
  tx: Transaction,
  page: { lease: number; limit: number },
): Promise<EndedItem[]> {
  return tx.all(someItems, page);
}

export async function deleteLease(tx: Transaction, lease: number): Promise<void> {
  await tx.run(removeLease, { lease });
}

export interface LeasePage {
  readonly now: number;
  readonly after: string;
  readonly limit: number;
}

export function leasesBy(
  sql: Sql,
  page: LeasePage & { principal: string },
): Promise<StoredLease[]> {
  return sql.all(leasesOfPrincipal, page);
}

/** Those that name something at a path or below it: looks at all that is leased there, a report. */
export function leasesAt(sql: Sql, page: LeasePage & { path: string }): Promise<StoredLease[]> {
  return sql.all(leasesWithin, { ...page, ...pathRange(page.path) });
}

export async function countLeasesBy(
  sql: Sql,
  of: { principal: string; now: number },
): Promise<number> {
  return Number((await sql.first(countOfPrincipal, of))?.count ?? 0);
}

/** What is leased in a repository: by the blob of the manifest, the lease that lasts longest. */
export async function leasesOf(
  sql: Sql,
  { repository, now }: { repository: RepositoryId; now: number },
): Promise<Map<BlobId, Holding>> {
  const rows = await sql.all(ofRepository, { repository, now });
  return new Map(rows.reverse().map((row) => [row.blob, row]));
}

/** The lease that lasts longest on a manifest itself; undefined when there is none. */
export async function leaseOn(
  tx: Transaction,
  { repository, blob }: { repository: RepositoryId; blob: BlobId },
): Promise<Holding | undefined> {
  return tx.first(ofBlobs, { repository, blobs: JSON.stringify([blob]), now: await tx.now() });
}

/**
 * A lease on a manifest or blob, or on what it is a part of, at any depth. In a repository without leases
 * one statement.
 */
export async function leaseThatNeeds(
  tx: Transaction,
  part: { repository: RepositoryId; blob: BlobId },
): Promise<Holding | undefined> {
  const { repository, blob } = part;
  const now = await tx.now();
  if ((await tx.first(anyOf, { repository, now })) === undefined) return undefined;
  const own = await tx.first(ofBlobs, { repository, blobs: JSON.stringify([blob]), now });
  if (own !== undefined) return own;
  for await (const level of manifestsAbove(tx, part)) {
    const blobs = JSON.stringify(level.map(({ blobId }) => blobId));
    const found = await tx.first(ofBlobs, { repository, blobs, now });
    if (found !== undefined) return found;
  }
  return undefined;
}
