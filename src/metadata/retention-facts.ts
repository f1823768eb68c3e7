// What retention wants to know besides the graph of a repository: who else holds its blobs, what images say of
// themselves, and how tags moved since an instant.
import { type Digest, digestFromBytes } from '../oci/digest.ts';
import { wantedIds } from './fragments.ts';
import type { RepositoryId } from './repositories.ts';
import type { Sql } from './sql.ts';
import { statement } from './statement.ts';

/** Rights of a repository to blobs that another one has a right to as well. */
const sharedBlobs = statement<{ repository: number; after: number; limit: number }>()((q, p) =>
  q
    .selectFrom('repository_blobs as rb')
    .select('rb.blob_id as id')
    .where('rb.repository_id', '=', p.repository)
    .where('rb.blob_id', '>', p.after)
    .where((e) =>
      e.exists(
        e
          .selectFrom('repository_blobs as other')
          .select('other.blob_id')
          .whereRef('other.blob_id', '=', 'rb.blob_id')
          .whereRef('other.repository_id', '<>', 'rb.repository_id')
          .where('other.deleted_at', 'is', null),
      ),
    )
    .orderBy('rb.blob_id')
    .limit(p.limit),
);

const sharedManifests = statement<{ repository: number }>()((q, p) =>
  q
    .selectFrom('manifests as m')
    .select('m.blob_id as id')
    .where('m.repository_id', '=', p.repository)
    .where((e) =>
      e.exists(
        e
          .selectFrom('manifests as other')
          .select('other.id')
          .whereRef('other.blob_id', '=', 'm.blob_id')
          .whereRef('other.repository_id', '<>', 'm.repository_id')
          .where('other.deleted_at', 'is', null),
      ),
    ),
);

const holders = statement<{ blobs: string }>()((q, p, engine) =>
  q
    .selectFrom(wantedIds(engine, p.blobs))
    .crossJoin('repository_blobs as rb')
    .select(['wanted.id', (e) => e.fn.countAll<number>().as('count')])
    .whereRef('rb.blob_id', '=', 'wanted.id')
    .where('rb.deleted_at', 'is', null)
    .groupBy('wanted.id'),
);

/** Read at once. */
const PAGE = 10_000;

/** Ids of the blobs of a repository, manifests included, that another repository holds too. */
export async function blobsHeldElsewhere(sql: Sql, repository: RepositoryId): Promise<Set<number>> {
  const found = new Set((await sql.all(sharedManifests, { repository })).map(({ id }) => id));
  for (let after = 0; ; ) {
    const page = await sql.all(sharedBlobs, { repository, after, limit: PAGE });
    for (const { id } of page) {
      found.add(id);
      after = id;
    }
    if (page.length < PAGE) return found;
  }
}

/** How many repositories have a right to each of some blobs. */
export async function countHolders(
  sql: Sql,
  blobs: readonly number[],
): Promise<Map<number, number>> {
  const rows = await sql.all(holders, { blobs: JSON.stringify(blobs) });
  return new Map(rows.map(({ id, count }) => [id, Number(count)]));
}

const payload = statement<{ blob: number }>()((q, p) =>
  q.selectFrom('payloads').select('bytes').where('blob_id', '=', p.blob),
);

/** A manifest or small blob as JSON; undefined when it is not in the database, or is none. */
export async function readStoredJson(sql: Sql, blob: number): Promise<unknown> {
  const row = await sql.first(payload, { blob });
  if (row === undefined) return undefined;
  try {
    return JSON.parse(Buffer.from(row.bytes).toString('utf8'));
  } catch {
    return undefined;
  }
}

export interface TagMoveSince {
  readonly tag: string;
  readonly at: number;
  readonly to: Digest | undefined;
  readonly cause: string;
}

const movesSince = statement<{ repository: number; since: number }>()((q, p) =>
  q
    .selectFrom('tags as t')
    .innerJoin('tag_events as e', 'e.tag_id', 't.id')
    .leftJoin('blobs as b', 'b.id', 'e.new_blob_id')
    .select(['t.name as tag', 'e.at', 'e.cause', 'b.digest as to'])
    .where('t.repository_id', '=', p.repository)
    .where('e.at', '>', p.since)
    .orderBy('e.at')
    .orderBy('t.id')
    .orderBy('e.sequence'),
);

/** Moves of all tags of a repository after an instant, in the order of their times. */
export async function readMovesSince(
  sql: Sql,
  wanted: { repository: RepositoryId; since: number },
): Promise<TagMoveSince[]> {
  const rows = await sql.all(movesSince, wanted);
  return rows.map(({ to, ...row }) => ({
    ...row,
    to: to === null ? undefined : digestFromBytes(to),
  }));
}
