// Purging now: what somebody must be rid of does not wait for the time that it could be restored in, nor for
// the collector. The same rows are locked and looked at again as there: what anything holds stays.
import { type Compilable, sql as raw } from 'kysely';
import type { BlobId } from './blobs.ts';
import { emptyBlobRows, heldOf, markUnheld, takeUnheldBlobs, unmark } from './collected-blobs.ts';
import { wantedIds } from './fragments.ts';
import { pathRange } from './path-range.ts';
import { queueRemoval } from './removals.ts';
import type { RepositoryId } from './repositories.ts';
import type { Sql, Transaction } from './sql.ts';
import { statement } from './statement.ts';

const dropRights = statement<{ repository: number; blobs: string }>()((q, p, engine) =>
  q
    .deleteFrom('repository_blobs')
    .where('repository_id', '=', p.repository)
    .where('is_counted', '=', 0)
    .where('blob_id', 'in', (e) => e.selectFrom(wantedIds(engine, p.blobs)).select('wanted.id'))
    .where((e) =>
      e.not(
        e.exists(
          e
            .selectFrom('manifest_references as ref')
            .innerJoin('manifests as m', 'm.id', 'ref.parent_id')
            .select('m.id')
            .whereRef('ref.child_id', '=', 'repository_blobs.blob_id')
            .where('ref.repository_id', '=', p.repository)
            .where('ref.kind', '<>', 'subject'),
        ),
      ),
    ),
);

const dropTagItems = statement<{ repository: number; digest: string }>()((q, p) =>
  q
    .deleteFrom('trash')
    .where('repository_id', '=', p.repository)
    .where('kind', '=', 'tag')
    .where('digest', '=', p.digest),
);

const setPurging = statement<{ id: number }>()((q, p) =>
  q.updateTable('trash').set({ cause: 'purge' }).where('id', '=', p.id),
);

interface RangeParameters {
  path: string;
  below: string;
  before: string;
}

const HANGING = [
  ...[
    'grants',
    'path_settings',
    'path_policies',
    'usage_history',
    'usage_scopes',
    'namespaces',
  ].map((table) => `delete from ${table} where`),
  // Revoked tokens and deleted accounts stay: history names them.
  "update robots set state = 'deleted', epoch = epoch + 1, path = '~gone/' || id where",
  "update trust_policies set state = 'deleted', epoch = epoch + 1, path = '~gone/' || id where",
].map((head) =>
  statement<RangeParameters>()((q, p): Compilable<unknown> => {
    const text = raw`${raw.raw(head)} (path = ${p.path} or (path >= ${p.below} and path < ${p.before}))`;
    return { compile: () => text.compile(q) };
  }),
);

const blobsOfRepository = statement<{ repository: number; after: number; limit: number }>()(
  (q, p) =>
    q
      .selectFrom(
        q
          .selectFrom('repository_blobs')
          .select('blob_id as id')
          .where('repository_id', '=', p.repository)
          .union(
            q
              .selectFrom('manifests')
              .select('blob_id as id')
              .where('repository_id', '=', p.repository),
          )
          .as('held'),
      )
      .select('held.id')
      .where('held.id', '>', p.after)
      .orderBy('held.id')
      .limit(p.limit),
);

const queuedKeys = statement<{ keys: string }>()((q, p, engine) => {
  const list =
    engine === 'sqlite'
      ? raw<string>`(select value from json_each(${p.keys}))`
      : raw<string>`(select value from json_array_elements_text(${p.keys}::text::json))`;
  return q
    .selectFrom('removals')
    .select('key')
    .where('kind', '=', 'content')
    .where(raw<boolean>`key in ${list}`);
});

/** Rights of a repository to blobs, but for those that some manifest of it names, in the trash or not. */
export async function dropRightsTo(
  tx: Transaction,
  { repository, blobs }: { repository: RepositoryId; blobs: readonly BlobId[] },
): Promise<void> {
  if (blobs.length > 0) await tx.run(dropRights, { repository, blobs: JSON.stringify(blobs) });
}

/** Tags that pointed to a manifest which is gone for good do not come back. */
export async function forgetTagsOf(
  tx: Transaction,
  of: { repository: RepositoryId; digest: string },
): Promise<void> {
  await tx.run(dropTagItems, of);
}

export interface RemovedNow {
  readonly blobs: readonly BlobId[];
  /** Keys whose bytes the next look at the queue removes. */
  readonly keys: readonly string[];
  readonly bytes: number;
}

/** Lets go of the bytes of those that nothing holds. */
export async function removeNow(tx: Transaction, blobs: readonly BlobId[]): Promise<RemovedNow> {
  await markUnheld(tx, blobs);
  const taken = await takeUnheldBlobs(tx, blobs);
  const held = await heldOf(
    tx,
    taken.map(({ id }) => id),
  );
  await unmark(tx, [...held]);
  const free = taken.filter(({ id }) => !held.has(id));
  const keys: string[] = [];
  let bytes = 0;
  for (const { storageKey, size, state } of free) {
    if (state === 'stored') bytes += size;
    if (storageKey === null) continue;
    await queueRemoval(tx, { kind: 'content', key: storageKey, size });
    keys.push(storageKey);
  }
  const ids = free.map(({ id }) => id);
  await emptyBlobRows(tx, ids);
  return { blobs: ids, keys, bytes };
}

/** From now on the item is on its way out and does not come back. */
export async function markPurging(tx: Transaction, id: number): Promise<void> {
  await tx.run(setPurging, { id });
}

/** What hangs on a hidden path, once no repository lies there. */
export async function dropHanging(tx: Transaction, path: string): Promise<void> {
  for (const one of HANGING) await tx.run(one, pathRange(path));
}

/** Blobs that a repository holds in any way: up to `limit` after `after`. */
export async function blobsHeldBy(
  sql: Sql,
  page: { repository: RepositoryId; after: BlobId; limit: number },
): Promise<BlobId[]> {
  return (await sql.all(blobsOfRepository, page)).map(({ id }) => id);
}

/** Keys whose bytes are still waiting to be removed. */
export async function keysStillQueued(sql: Sql, keys: readonly string[]): Promise<string[]> {
  if (keys.length === 0) return [];
  return (await sql.all(queuedKeys, { keys: JSON.stringify(keys) })).map(({ key }) => key);
}
