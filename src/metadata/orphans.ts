// Stored bytes that no row names: which they are, when they were seen first, and the way out for them.
import { type Digest, digestOf, digestToBytes } from '../oci/digest.ts';
import { digestList, wantedDigests, wantedTexts } from './fragments.ts';
import type { Sql, Transaction } from './sql.ts';
import { statement } from './statement.ts';

/** By digest, which the key holds: there is an index of those. */
const keysOfBlobs = statement<{ digests: string }>()((q, p, engine) =>
  q
    .selectFrom(wantedDigests(engine, p.digests))
    .crossJoin('blobs as b')
    .select('b.storage_key as key')
    .whereRef('b.digest', '=', 'wanted.digest')
    .where('b.storage_key', 'is not', null),
);

const keysElsewhere = statement<{ keys: string }>()((q, p, engine) => {
  const wanted = () => q.selectFrom(wantedTexts(engine, p.keys));
  return wanted()
    .crossJoin('uploads as u')
    .select('wanted.name as key')
    .whereRef('u.storage_key', '=', 'wanted.name')
    .unionAll(
      wanted()
        .crossJoin('removals as r')
        .select('wanted.name as key')
        .whereRef('r.key', '=', 'wanted.name')
        .where('r.kind', '=', 'content'),
    )
    .unionAll(
      // Still to be put in quarantine.
      wanted()
        .crossJoin('damages as d')
        .select('wanted.name as key')
        .whereRef('d.storage_key', '=', 'wanted.name')
        .where('d.quarantine', 'is', null),
    );
});

const noteOrphan = statement<{ key: string; size: number; now: number }>()((q, p) =>
  q
    .insertInto('orphans')
    .values({ storage_key: p.key, size: p.size, first_seen: p.now })
    .onConflict((c) => c.column('storage_key').doNothing()),
);

const orphanOf = statement<{ key: string }>()((q, p) =>
  q
    .selectFrom('orphans')
    .select(['size', 'first_seen as firstSeen'])
    .where('storage_key', '=', p.key),
);

const orphansAfter = statement<{ after: string; limit: number }>()((q, p) =>
  q
    .selectFrom('orphans')
    .select(['storage_key as key', 'size', 'first_seen as firstSeen'])
    .where('storage_key', '>', p.after)
    .orderBy('storage_key')
    .limit(p.limit),
);

const seenOrphans = statement<{ keys: string }>()((q, p, engine) =>
  q
    .selectFrom(wantedTexts(engine, p.keys))
    .crossJoin('orphans as o')
    .select(['o.storage_key as key', 'o.first_seen as firstSeen'])
    .whereRef('o.storage_key', '=', 'wanted.name'),
);

const deleteOrphan = statement<{ key: string }>()((q, p) =>
  q.deleteFrom('orphans').where('storage_key', '=', p.key),
);

const removeContent = statement<{ key: string; size: number; now: number }>()((q, p) =>
  q.insertInto('removals').values({ kind: 'content', key: p.key, size: p.size, created_at: p.now }),
);

/** Which of `keys` any row names, or is about to. */
export async function namedKeys(sql: Sql, keys: readonly string[]): Promise<Set<string>> {
  const digests = digestList(keys.map((key) => digestToBytes(digestOfKey(key))));
  const named = new Set<string | null>();
  for (const { key } of await sql.all(keysOfBlobs, { digests })) named.add(key);
  for (const { key } of await sql.all(keysElsewhere, { keys: JSON.stringify(keys) }))
    named.add(key);
  return new Set(keys.filter((key) => named.has(key)));
}

/** `sha256/ab/<hex>.<random>` */
function digestOfKey(key: string): Digest {
  const [algorithm, , name = ''] = key.split('/');
  return digestOf(algorithm === 'sha512' ? 'sha512' : 'sha256', name.split('.')[0] ?? '');
}

export interface Orphan {
  readonly key: string;
  /** Bytes. */
  readonly size: number;
}

export interface NotedOrphan extends Orphan {
  readonly firstSeen: number;
}

/** Writes down bytes that no row names, at their first sight. */
export async function noteOrphans(tx: Transaction, orphans: readonly Orphan[]): Promise<void> {
  const now = await tx.now();
  for (const { key, size } of orphans) await tx.run(noteOrphan, { key, size, now });
}

/**
 * Hands bytes over to be removed, unless a row names them now or they were first seen after `seenBefore`.
 * @returns whether they go.
 */
export async function giveUpOrphan(
  tx: Transaction,
  orphan: { key: string; seenBefore: number },
): Promise<boolean> {
  const { key, seenBefore } = orphan;
  const noted = await tx.first(orphanOf, { key });
  if (noted === undefined || noted.firstSeen > seenBefore) return false;
  await tx.run(deleteOrphan, { key });
  if ((await namedKeys(tx, [key])).size > 0) return false;
  await tx.run(removeContent, { key, size: noted.size, now: await tx.now() });
  return true;
}

/** When those of `keys` that are noted were seen first. */
export async function firstSeen(
  sql: Sql,
  keys: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const rows = await sql.all(seenOrphans, { keys: JSON.stringify(keys) });
  return new Map(rows.map((row) => [row.key, row.firstSeen]));
}

export async function forgetOrphans(tx: Transaction, keys: readonly string[]): Promise<void> {
  for (const key of keys) await tx.run(deleteOrphan, { key });
}

export async function listOrphans(
  sql: Sql,
  page: { after: string; limit: number },
): Promise<NotedOrphan[]> {
  return sql.all(orphansAfter, page);
}
