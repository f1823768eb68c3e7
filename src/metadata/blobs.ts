// Blobs: bytes known by digest, where they are, and which repositories may have them.
import { sql as raw } from 'kysely';
import { type Digest, digestFromBytes, digestToBytes } from '../oci/digest.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import { digestList, kept, locked, wantedDigests } from './fragments.ts';
import type { RepositoryId } from './repositories.ts';
import type { Sql, Transaction } from './sql.ts';
import { statement } from './statement.ts';

export type BlobId = number;

const MOST_TRIES = 10;

export interface StoredBlob {
  readonly id: BlobId;
  /** Bytes. */
  readonly size: number;
  /** Key in the blob store; null = the bytes are a payload. */
  readonly storageKey: string | null;
}

/** A blob as a repository has it. */
export interface RepositoryBlob extends StoredBlob {
  readonly repository: number;
  /** Since when no live manifest is known to name it; null = one does. */
  readonly unheldSince: number | null;
}

const inRepository = statement<{ repository: string; digest: Uint8Array }>()((q, p) =>
  q
    .selectFrom('blobs as b')
    .innerJoin('repository_blobs as rb', 'rb.blob_id', 'b.id')
    .innerJoin('repositories as r', 'r.id', 'rb.repository_id')
    .select(['b.id', 'b.size', 'b.storage_key as storageKey'])
    .select(['rb.unheld_since as unheldSince', 'rb.repository_id as repository'])
    .where('b.digest', '=', p.digest)
    .where('r.name', '=', p.repository)
    .where('rb.deleted_at', 'is', null)
    .where('b.state', '=', 'stored'),
);

const stateByDigest = statement<{ digest: Uint8Array }>()((q, p, engine) =>
  kept(engine, q.selectFrom('blobs').select(['id', 'state']).where('digest', '=', p.digest)),
);

const stateByDigestLocked = statement<{ digest: Uint8Array }>()((q, p, engine) =>
  locked(engine, q.selectFrom('blobs').select(['id', 'state']).where('digest', '=', p.digest)),
);

const idByDigest = statement<{ digest: Uint8Array }>()((q, p) =>
  q.selectFrom('blobs').select('id').where('digest', '=', p.digest),
);

const insertBlob = statement<{
  digest: Uint8Array;
  size: number;
  storageKey: string | null;
  now: number;
}>()((q, p) =>
  q
    .insertInto('blobs')
    .values({
      digest: p.digest,
      size: p.size,
      storage_key: p.storageKey,
      state: 'stored',
      created_at: p.now,
    })
    .onConflict((c) => c.column('digest').doNothing())
    .returning('id'),
);

const insertAbsent = statement<{ digests: string; now: number }>()((q, p, engine) =>
  q
    .insertInto('blobs')
    .columns(['digest', 'size', 'state', 'created_at'])
    .expression(
      q
        .selectFrom(wantedDigests(engine, p.digests))
        .select([
          'wanted.digest',
          raw<number>`0`.as('size'),
          raw<'absent'>`'absent'`.as('state'),
          raw<number>`cast(${p.now} as bigint)`.as('created_at'),
        ])
        // SQLite would read `on conflict` as a join condition without it.
        .where(raw<boolean>`true`),
    )
    .onConflict((c) => c.column('digest').doNothing()),
);

const fillBlob = statement<{ id: number; size: number; storageKey: string | null }>()((q, p) =>
  q
    .updateTable('blobs')
    .set({ size: p.size, storage_key: p.storageKey, state: 'stored', unheld_since: null })
    .where('id', '=', p.id),
);

/** What the scrubber found damaged has whole bytes again. */
const healDamage = statement<{ id: number; now: number }>()((q, p) =>
  q
    .updateTable('damages')
    .set({ healed_at: p.now })
    .where('blob_id', '=', p.id)
    .where('healed_at', 'is', null),
);

const insertPayload = statement<{ blob: number; bytes: Uint8Array }>()((q, p) =>
  q
    .insertInto('payloads')
    .values({ blob_id: p.blob, bytes: p.bytes })
    .onConflict((c) => c.column('blob_id').doNothing()),
);

const payloadOf = statement<{ blob: number }>()((q, p) =>
  q.selectFrom('payloads').select('bytes').where('blob_id', '=', p.blob),
);

const wholePayloadOf = statement<{ blob: number }>()((q, p) =>
  q
    .selectFrom('payloads as p')
    .innerJoin('blobs as b', 'b.id', 'p.blob_id')
    .select(['p.bytes', 'b.digest'])
    .where('p.blob_id', '=', p.blob),
);

const link = statement<{ repository: number; blob: number; now: number; isCounted: number }>()(
  (q, p) =>
    q
      .insertInto('repository_blobs')
      .values({
        repository_id: p.repository,
        blob_id: p.blob,
        created_at: p.now,
        deleted_at: null,
        unheld_since: p.now,
        is_counted: p.isCounted,
      })
      .onConflict((c) =>
        c.columns(['repository_id', 'blob_id']).doUpdateSet({
          // What a live manifest names stays held; anything else has its time of grace from now on.
          unheld_since: raw`case when repository_blobs.unheld_since is null
          and repository_blobs.deleted_at is null then null else cast(${p.now} as bigint) end`,
          deleted_at: null,
          is_counted: raw`case when repository_blobs.is_counted = 1 then 1
          else cast(${p.isCounted} as smallint) end`,
        }),
      ),
);

const keepStored = statement<{ blob: number }>()((q, p, engine) =>
  kept(
    engine,
    q.selectFrom('blobs').select('id').where('id', '=', p.blob).where('state', '=', 'stored'),
  ),
);

const unlink = statement<{ repository: number; blob: number; now: number }>()((q, p) =>
  q
    .updateTable('repository_blobs')
    .set({ deleted_at: p.now, unheld_since: p.now, is_counted: 0 })
    .where('repository_id', '=', p.repository)
    .where('blob_id', '=', p.blob)
    .where('deleted_at', 'is', null),
);

const heldBlobs = statement<{ repository: number; digests: string }>()((q, p, engine) =>
  kept(
    engine,
    q
      .selectFrom(wantedDigests(engine, p.digests))
      .crossJoin('blobs as b')
      .crossJoin('repository_blobs as rb')
      .select('b.digest')
      .whereRef('b.digest', '=', 'wanted.digest')
      .where('b.state', '=', 'stored')
      .whereRef('rb.blob_id', '=', 'b.id')
      .where('rb.repository_id', '=', p.repository)
      .where('rb.deleted_at', 'is', null),
  ),
);

/** Repositories with a right to a blob; those of the same namespace first. */
const holders = statement<{ digest: Uint8Array; prefix: string; limit: number }>()((q, p) =>
  q
    .selectFrom('blobs as b')
    .innerJoin('repository_blobs as rb', 'rb.blob_id', 'b.id')
    .innerJoin('repositories as r', 'r.id', 'rb.repository_id')
    .select('r.name')
    .where('b.digest', '=', p.digest)
    .where('b.state', '=', 'stored')
    .where('rb.deleted_at', 'is', null)
    // Not those in the trash.
    .where('r.name', '<', '~')
    .orderBy(raw`case when substr(r.name, 1, length(${p.prefix})) = ${p.prefix} then 0 else 1 end`)
    .orderBy('r.id')
    .limit(p.limit),
);

/** A blob that a repository may have, or undefined. The statement of every blob GET and HEAD. */
export async function findBlob(
  sql: Sql,
  key: { repository: RepositoryName; digest: Digest },
): Promise<RepositoryBlob | undefined> {
  return sql.first(inRepository, {
    repository: key.repository,
    digest: digestToBytes(key.digest),
  });
}

/**
 * Holds a blob in place until the transaction ends: the collector passes it over. To be asked before a
 * right to it is given. @returns false when its bytes are not there any more.
 */
export async function keepBlob(tx: Transaction, blob: BlobId): Promise<boolean> {
  return (await tx.first(keepStored, { blob })) !== undefined;
}

export async function readPayload(sql: Sql, blob: BlobId): Promise<Uint8Array | undefined> {
  return (await sql.first(payloadOf, { blob }))?.bytes;
}

/** With the digest that the bytes must have. */
export async function readWholePayload(
  sql: Sql,
  blob: BlobId,
): Promise<{ bytes: Uint8Array; digest: Digest } | undefined> {
  const row = await sql.first(wholePayloadOf, { blob });
  return row && { bytes: row.bytes, digest: digestFromBytes(row.digest) };
}

export async function findBlobId(sql: Sql, digest: Digest): Promise<BlobId | undefined> {
  return (await sql.first(idByDigest, { digest: digestToBytes(digest) }))?.id;
}

/** Where the bytes of a new blob are: under a key of the blob store, or here. */
export type BlobPlace = { readonly storageKey: string } | { readonly payload: Uint8Array };

/**
 * Records that the bytes of `digest` are stored.
 * @returns the blob, and whether `place` became its place; if not, other bytes of that digest were
 * there first and those at `place` are not needed.
 */
export async function storeBlob(
  tx: Transaction,
  blob: { digest: Digest; size: number; place: BlobPlace },
): Promise<{ id: BlobId; isNew: boolean }> {
  const digest = digestToBytes(blob.digest);
  const storageKey = 'storageKey' in blob.place ? blob.place.storageKey : null;
  const now = await tx.now();
  const { id, isStored } = await blobRow(tx, { digest, size: blob.size, storageKey, now });
  if (isStored) return { id, isNew: false };
  if ('payload' in blob.place) {
    await tx.run(insertPayload, { blob: id, bytes: blob.place.payload });
  }
  return { id, isNew: true };
}

interface NewBlobRow {
  readonly digest: Uint8Array;
  readonly size: number;
  readonly storageKey: string | null;
  readonly now: number;
}

/** The row of a digest, locked, made or filled; `isStored`: it had its bytes already. */
async function blobRow(
  tx: Transaction,
  row: NewBlobRow,
): Promise<{ id: BlobId; isStored: boolean }> {
  // The collector may take an empty row away while this transaction waits for it.
  for (let tries = 0; tries < MOST_TRIES; tries += 1) {
    const inserted = await tx.first(insertBlob, row);
    if (inserted !== undefined) return { id: inserted.id, isStored: false };
    // Many push what is there already: they must not wait for each other, nor for who counts it.
    const kept = await tx.first(stateByDigest, { digest: row.digest });
    if (kept?.state === 'stored') return { id: kept.id, isStored: true };
    const known = await tx.first(stateByDigestLocked, { digest: row.digest });
    if (known === undefined) continue;
    if (known.state === 'stored') return { id: known.id, isStored: true };
    await tx.run(fillBlob, { id: known.id, size: row.size, storageKey: row.storageKey });
    await tx.run(healDamage, { id: known.id, now: row.now });
    return { id: known.id, isStored: false };
  }
  throw new Error('the row of a blob vanished again and again');
}

/** Keeps the bytes of a manifest here too, when they came as a blob before and have a storage key. */
export async function keepPayload(
  tx: Transaction,
  payload: { blob: BlobId; bytes: Uint8Array },
): Promise<void> {
  await tx.run(insertPayload, payload);
}

/** Rows for digests that a manifest names and nobody has pushed yet: a part that is "not held". */
export async function ensureBlobRows(tx: Transaction, digests: readonly Digest[]): Promise<void> {
  const list = digestList(digests.map(digestToBytes));
  await tx.run(insertAbsent, { digests: list, now: await tx.now() });
}

export async function linkBlob(
  tx: Transaction,
  pair: { repository: RepositoryId; blob: BlobId; isCounted?: boolean },
): Promise<void> {
  const { repository, blob, isCounted = false } = pair;
  await tx.run(link, { repository, blob, now: await tx.now(), isCounted: isCounted ? 1 : 0 });
}

/** @returns false when the repository did not hold the blob. */
export async function unlinkBlob(
  tx: Transaction,
  pair: { repository: RepositoryId; blob: BlobId },
): Promise<boolean> {
  return (await tx.run(unlink, { ...pair, now: await tx.now() })) > 0;
}

/** Which of `digests` the repository holds as blobs. */
export async function heldAsBlobs(
  tx: Transaction,
  wanted: { repository: RepositoryId; digests: readonly Digest[] },
): Promise<Set<Digest>> {
  const digests = digestList(wanted.digests.map(digestToBytes));
  const rows = await tx.all(heldBlobs, { repository: wanted.repository, digests });
  return new Set(rows.map((row) => digestFromBytes(row.digest)));
}

/** Names of at most `limit` repositories that hold a blob, those under `prefix` first. */
export async function repositoriesWithBlob(
  sql: Sql,
  wanted: { digest: Digest; prefix: string; limit: number },
): Promise<string[]> {
  const rows = await sql.all(holders, { ...wanted, digest: digestToBytes(wanted.digest) });
  return rows.map((row) => row.name);
}
