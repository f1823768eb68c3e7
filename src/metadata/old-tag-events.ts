// Events of tags that are old enough to be forgotten: the first ones of a tag, so that what is kept has no gaps,
// and never the last. The first one that is kept still says what the tag pointed at before it.
import type { BlobId } from './blobs.ts';
import { markUnheld } from './collected-blobs.ts';
import type { Sql, Transaction } from './sql.ts';
import { statement } from './statement.ts';

const tagPage = statement<{ after: number; limit: number }>()((q, p) =>
  q
    .selectFrom('tags as t')
    .innerJoin('repositories as r', 'r.id', 't.repository_id')
    .select(['t.id', 'r.name', 'r.listed'])
    .select((e) =>
      e
        .selectFrom('tag_events as e')
        .select('e.at')
        .whereRef('e.tag_id', '=', 't.id')
        .orderBy('e.sequence')
        .limit(1)
        .offset(1)
        .as('leftAt'),
    )
    .where('t.id', '>', p.after)
    .orderBy('t.id')
    .limit(p.limit),
);

const firstEvents = statement<{ tag: number; limit: number }>()((q, p) =>
  q
    .selectFrom('tag_events as e')
    .innerJoin('tags as t', 't.id', 'e.tag_id')
    .innerJoin('tag_events as next', (j) =>
      j.onRef('next.tag_id', '=', 'e.tag_id').on('next.sequence', '=', (x) =>
        // Events have no gaps.
        x(x.ref('e.sequence'), '+', 1),
      ),
    )
    .leftJoin('manifests as m', (j) =>
      j.onRef('m.repository_id', '=', 't.repository_id').onRef('m.blob_id', '=', 'e.new_blob_id'),
    )
    .select(['e.sequence', 'e.old_blob_id as old', 'e.new_blob_id as new', 'next.at as leftAt'])
    .select(['m.deleted_at as deletedAt', 'm.released_at as releasedAt'])
    .where('e.tag_id', '=', p.tag)
    .orderBy('e.sequence')
    .limit(p.limit),
);

const dropEvents = statement<{ tag: number; last: number }>()((q, p) =>
  q.deleteFrom('tag_events').where('tag_id', '=', p.tag).where('sequence', '<=', p.last),
);

export interface TagWithHistory {
  readonly id: number;
  /** Its repository's. */
  readonly name: string;
  /** The repository lies in the trash. */
  readonly isTrashed: boolean;
  /** When the tag left what its first event that is kept moved it to; null: it never did. */
  readonly leftAt: number | null;
}

/** Up to `limit` tags with an id above `after`, in their order. */
export async function tagsWithHistory(
  sql: Sql,
  page: { after: number; limit: number },
): Promise<TagWithHistory[]> {
  const rows = await sql.all(tagPage, page);
  return rows.map(({ listed, ...tag }) => ({ ...tag, isTrashed: listed === 2 }));
}

export interface OldEvents {
  readonly tag: number;
  /** Goes: whatever the tag had left before then (ms). What it was since then is known to the end. */
  readonly before: number;
  /** Stays, with all after it: what moved to a digest that lost its last holder or was deleted since then (ms). */
  readonly windowStart: number;
  /** At most so many go. */
  readonly limit: number;
}

/** @returns how many went. */
export async function forgetOldEvents(
  tx: Transaction,
  { tag, before, windowStart, limit }: OldEvents,
): Promise<number> {
  const events = await tx.all(firstEvents, { tag, limit });
  const kept = events.findIndex(
    ({ leftAt, deletedAt, releasedAt }) =>
      leftAt >= before || Math.max(deletedAt ?? 0, releasedAt ?? 0) >= windowStart,
  );
  const old = kept === -1 ? events : events.slice(0, kept);
  const last = old.at(-1);
  if (last === undefined) return 0;
  await tx.run(dropEvents, { tag, last: last.sequence });
  const blobs = old.flatMap((event) => [event.old, event.new]).filter((blob) => blob !== null);
  // Rows of blobs long gone, that only this history spoke of.
  await markUnheld(tx, [...new Set<BlobId>(blobs)]);
  return old.length;
}
