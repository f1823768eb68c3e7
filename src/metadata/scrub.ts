// What the scrubber writes down: how far it has read, and which stored bytes are gone or altered. Its
// transactions look again at all that was read before them.
import { type Digest, digestFromBytes } from '../oci/digest.ts';
import type { BlobId } from './blobs.ts';
import { locked } from './fragments.ts';
import type { Sql, Transaction } from './sql.ts';
import { statement } from './statement.ts';

export interface StoredBytes {
  readonly id: BlobId;
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  /** Null: they are a payload only. */
  readonly storageKey: string | null;
  /** They are in `payloads`, or there too. */
  readonly hasPayload: boolean;
}

const storedAfter = statement<{ after: number; limit: number }>()((q, p) =>
  q
    .selectFrom('blobs as b')
    .leftJoin('payloads as p', 'p.blob_id', 'b.id')
    .select(['b.id', 'b.digest', 'b.size', 'b.storage_key as storageKey', 'p.blob_id as payload'])
    .where('b.id', '>', p.after)
    .where('b.state', '=', 'stored')
    .orderBy('b.id')
    .limit(p.limit),
);

const someKeys = statement<{ before: number; limit: number }>()((q, p) =>
  q
    .selectFrom('blobs')
    .select('storage_key as storageKey')
    .where('id', '<', p.before)
    .where('storage_key', 'is not', null)
    .orderBy('id', 'desc')
    .limit(p.limit),
);

const state = statement()((q) =>
  q
    .selectFrom('scrub_state')
    .select(['next_blob_id as next', 'pass_started_at as startedAt', 'pass_bytes as bytes'])
    .select(['last_pass_ended_at as endedAt', 'orphans_looked_at as orphansLookedAt'])
    .where('id', '=', 1),
);

const lockState = statement()((q, _, engine) =>
  locked(
    engine,
    q
      .selectFrom('scrub_state')
      .select(['pass_started_at as startedAt', 'last_pass_ended_at as endedAt'])
      .where('id', '=', 1),
  ),
);

const beginState = statement<{ now: number }>()((q, p) =>
  q
    .updateTable('scrub_state')
    .set({ next_blob_id: 0, pass_started_at: p.now, pass_bytes: 0 })
    .where('id', '=', 1),
);

const moveState = statement<{ startedAt: number; next: number; bytes: number }>()((q, p) =>
  q
    .updateTable('scrub_state')
    .set({ next_blob_id: p.next, pass_bytes: p.bytes })
    .where('id', '=', 1)
    .where('pass_started_at', '=', p.startedAt)
    // Never back: two that read the same pass go on with what is further.
    .where('next_blob_id', '<=', p.next),
);

const endState = statement<{ startedAt: number; now: number }>()((q, p) =>
  q
    .updateTable('scrub_state')
    .set({ last_pass_ended_at: p.now })
    .where('id', '=', 1)
    .where('pass_started_at', '=', p.startedAt),
);

const orphansLooked = statement<{ now: number }>()((q, p) =>
  q.updateTable('scrub_state').set({ orphans_looked_at: p.now }).where('id', '=', 1),
);

const lockBlob = statement<{ id: number }>()((q, p, engine) =>
  locked(
    engine,
    q
      .selectFrom('blobs')
      .select(['id', 'state', 'storage_key as storageKey'])
      .where('id', '=', p.id),
  ),
);

const hasPayload = statement<{ id: number }>()((q, p) =>
  q.selectFrom('payloads').select('blob_id').where('blob_id', '=', p.id),
);

/** By its bytes: one that was stored anew since is another one. */
const deletePayload = statement<{ id: number; bytes: Uint8Array }>()((q, p) =>
  q.deleteFrom('payloads').where('blob_id', '=', p.id).where('bytes', '=', p.bytes),
);

const insertPayload = statement<{ id: number; bytes: Uint8Array }>()((q, p) =>
  q.insertInto('payloads').values({ blob_id: p.id, bytes: p.bytes }),
);

const letGoOfKey = statement<{ id: number; state: 'absent' | 'stored' }>()((q, p) =>
  q.updateTable('blobs').set({ storage_key: null, state: p.state }).where('id', '=', p.id),
);

const upsertDamage = statement<{
  id: number;
  kind: 'missing' | 'altered';
  now: number;
  storageKey: string | null;
  quarantine: string | null;
  healedAt: number | null;
}>()((q, p) =>
  q
    .insertInto('damages')
    .values({
      blob_id: p.id,
      kind: p.kind,
      found_at: p.now,
      storage_key: p.storageKey,
      quarantine: p.quarantine,
      healed_at: p.healedAt,
    })
    .onConflict((c) =>
      c.column('blob_id').doUpdateSet({
        kind: p.kind,
        found_at: p.now,
        storage_key: p.storageKey,
        quarantine: p.quarantine,
        healed_at: p.healedAt,
      }),
    ),
);

const unquarantined = statement<{ limit: number }>()((q, p) =>
  q
    .selectFrom('damages')
    .select(['blob_id as blob', 'storage_key as storageKey'])
    .where('kind', '=', 'altered')
    .where('storage_key', 'is not', null)
    .where('quarantine', 'is', null)
    .orderBy('blob_id')
    .limit(p.limit),
);

const setQuarantine = statement<{ blob: number; storageKey: string; place: string }>()((q, p) =>
  q
    .updateTable('damages')
    .set({ quarantine: p.place })
    .where('blob_id', '=', p.blob)
    .where('storage_key', '=', p.storageKey),
);

const damagesAfter = statement<{ before: number; blob: number; limit: number }>()((q, p) =>
  q
    .selectFrom('damages as d')
    .innerJoin('blobs as b', 'b.id', 'd.blob_id')
    .select(['d.blob_id as blob', 'b.digest', 'b.size', 'd.kind', 'd.found_at as foundAt'])
    .select(['d.storage_key as storageKey', 'd.quarantine', 'd.healed_at as healedAt'])
    .where((e) =>
      e.or([
        e('d.found_at', '<', p.before),
        e.and([e('d.found_at', '=', p.before), e('d.blob_id', '<', p.blob)]),
      ]),
    )
    .orderBy('d.found_at', 'desc')
    .orderBy('d.blob_id', 'desc')
    .limit(p.limit),
);

const unhealed = statement()((q) =>
  q
    .selectFrom('damages')
    .select((e) => e.fn.countAll<number>().as('count'))
    .where('healed_at', 'is', null),
);

export interface ScrubState {
  /** Blobs with smaller ids were read in this pass. */
  readonly next: number;
  /** Milliseconds since 1970; 0 = there was no pass yet. */
  readonly startedAt: number;
  /** Bytes read in this pass. */
  readonly bytes: number;
  readonly endedAt: number | null;
  readonly orphansLookedAt: number | null;
}

export async function readScrubState(sql: Sql): Promise<ScrubState> {
  const found = await sql.first(state, {});
  if (found === undefined) throw new Error('the state of the scrubber has no row');
  return found;
}

export function isPassOpen({ startedAt, endedAt }: Pick<ScrubState, 'startedAt' | 'endedAt'>) {
  return startedAt > 0 && (endedAt === null || endedAt < startedAt);
}

/** Blobs whose bytes are claimed to be there, with ids above `after`. */
export async function nextStoredBytes(
  sql: Sql,
  page: { after: BlobId; limit: number },
): Promise<StoredBytes[]> {
  return (await sql.all(storedAfter, page)).map(({ payload, digest, ...row }) => ({
    ...row,
    digest: digestFromBytes(digest),
    hasPayload: payload !== null,
  }));
}

/** Keys of the newest blobs with ids below `before`: to see whether the store is there at all. */
export async function sampleKeys(
  sql: Sql,
  sample: { before: BlobId; limit: number },
): Promise<string[]> {
  const rows = await sql.all(someKeys, sample);
  return rows.flatMap(({ storageKey }) => (storageKey === null ? [] : [storageKey]));
}

/** @returns when the pass began; undefined when one is under way already. */
export async function beginPass(tx: Transaction): Promise<number | undefined> {
  const now = await tx.now();
  const known = await tx.first(lockState, {});
  if (known === undefined || isPassOpen(known)) return undefined;
  // Later than the last one, whatever the clock says.
  const startedAt = Math.max(now, known.startedAt + 1, (known.endedAt ?? 0) + 1);
  await tx.run(beginState, { now: startedAt });
  return startedAt;
}

/** @returns false when another pass has begun since, or somebody is further in this one. */
export async function notePass(
  tx: Transaction,
  pass: { startedAt: number; next: BlobId; bytes: number },
): Promise<boolean> {
  return (await tx.run(moveState, pass)) > 0;
}

export async function endPass(tx: Transaction, startedAt: number): Promise<boolean> {
  const now = Math.max(await tx.now(), startedAt);
  return (await tx.run(endState, { startedAt, now })) > 0;
}

export async function noteOrphansLooked(tx: Transaction): Promise<void> {
  await tx.run(orphansLooked, { now: await tx.now() });
}

export interface FoundDamage {
  readonly blob: BlobId;
  readonly kind: 'missing' | 'altered';
  /** Of the row when its bytes were read. */
  readonly storageKey: string | null;
  /** What stands under that key is gone or altered. */
  readonly isContentBad: boolean;
  /** The altered payload; null: it was good, or there was none. */
  readonly badPayload: Uint8Array | null;
  /** The bytes of the payload as they must be, when they are still under the key. */
  readonly goodPayload: Uint8Array | null;
  /** Where a copy of the altered payload lies. */
  readonly quarantine: string | null;
}

/**
 * Lets go of damaged bytes: what is whole elsewhere stays stored, else the blob is absent from now on, so
 * that it is pushed again. @returns whether it is absent; undefined when the row has changed since.
 */
export async function storeDamage(
  tx: Transaction,
  found: FoundDamage,
): Promise<'absent' | 'whole' | undefined> {
  const { blob: id, kind, storageKey, badPayload, goodPayload } = found;
  const row = await tx.first(lockBlob, { id });
  if (row === undefined || row.state !== 'stored' || row.storageKey !== storageKey)
    return undefined;
  if (badPayload !== null && (await tx.run(deletePayload, { id, bytes: badPayload })) === 0) {
    return undefined;
  }
  if (goodPayload !== null) await tx.run(insertPayload, { id, bytes: goodPayload });
  const isHere = (await tx.first(hasPayload, { id })) !== undefined;
  const isThere = storageKey !== null && !found.isContentBad;
  if (!found.isContentBad && badPayload === null && (isHere || isThere)) return undefined;
  const isWhole = isHere || isThere;
  if (!isThere) await tx.run(letGoOfKey, { id, state: isWhole ? 'stored' : 'absent' });
  const now = await tx.now();
  const key = found.isContentBad ? storageKey : null;
  const healedAt = isWhole ? now : null;
  const { quarantine } = found;
  await tx.run(upsertDamage, { id, kind, now, storageKey: key, quarantine, healedAt });
  return isWhole ? 'whole' : 'absent';
}

/** Altered content that is not in quarantine yet: its row was written and then came a crash. */
export async function contentToQuarantine(
  sql: Sql,
  limit: number,
): Promise<{ blob: BlobId; storageKey: string }[]> {
  const rows = await sql.all(unquarantined, { limit });
  return rows.flatMap(({ blob, storageKey }) =>
    storageKey === null ? [] : [{ blob, storageKey }],
  );
}

export async function noteQuarantine(
  tx: Transaction,
  note: { blob: BlobId; storageKey: string; place: string },
): Promise<void> {
  await tx.run(setQuarantine, note);
}

export interface Damage {
  readonly blob: BlobId;
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  readonly kind: 'missing' | 'altered';
  readonly foundAt: number;
  readonly storageKey: string | null;
  readonly quarantine: string | null;
  readonly healedAt: number | null;
}

/** Newest first; `after`: the last of the page before. */
export async function listDamages(
  sql: Sql,
  page: { after: Pick<Damage, 'foundAt' | 'blob'> | undefined; limit: number },
): Promise<Damage[]> {
  const { foundAt: before, blob } = page.after ?? { foundAt: Number.MAX_SAFE_INTEGER, blob: 0 };
  const rows = await sql.all(damagesAfter, { before, blob, limit: page.limit });
  return rows.map((row) => ({ ...row, digest: digestFromBytes(row.digest) }));
}

/** Damages that nobody has pushed again yet. */
export async function countDamages(sql: Sql): Promise<number> {
  return Number((await sql.first(unhealed, {}))?.count ?? 0);
}
