// What tags pointed at before: after a move of theirs, or at a past instant. Time is a label of events that
// never runs backwards within a tag, so the last event up to an instant says what held then. The first events of
// a tag may be forgotten (`old-tag-events.ts`): what held before the first that is left is not known.
import { sql as raw } from 'kysely';
import { type Digest, digestFromBytes, digestToBytes } from '../oci/digest.ts';
import type { Tag } from '../oci/tag.ts';
import type { BlobId } from './blobs.ts';
import { pathRange } from './path-range.ts';
import type { RepositoryId } from './repositories.ts';
import type { Sql } from './sql.ts';
import { statement } from './statement.ts';

/** What a tag pointed at; both undefined: there was no such tag. */
export interface PastTag {
  /** The move that brought it there; 0: before the first one that is kept. */
  readonly sequence: number;
  readonly digest: Digest | undefined;
  readonly blob: BlobId | undefined;
}

const afterMove = statement<{ tag: number; sequence: number }>()((q, p) =>
  q
    .selectFrom('tag_events as e')
    .leftJoin('blobs as b', 'b.id', 'e.new_blob_id')
    .select(['e.sequence', 'b.id as blob', 'b.digest'])
    .where('e.tag_id', '=', p.tag)
    .where('e.sequence', '=', p.sequence),
);

/** What the first event that is kept says of the one before it. */
const beforeMove = statement<{ tag: number; sequence: number }>()((q, p) =>
  q
    .selectFrom('tag_events as e')
    .leftJoin('blobs as b', 'b.id', 'e.old_blob_id')
    .select(['b.id as blob', 'b.digest'])
    .where('e.tag_id', '=', p.tag)
    .where('e.sequence', '=', p.sequence),
);

const firstKept = statement<{ tag: number }>()((q, p) =>
  q
    .selectFrom('tag_events')
    .select(['sequence', 'at'])
    .where('tag_id', '=', p.tag)
    .orderBy('sequence')
    .limit(1),
);

const atInstant = statement<{ tag: number; at: number }>()((q, p) =>
  q
    .selectFrom('tag_events as e')
    .leftJoin('blobs as b', 'b.id', 'e.new_blob_id')
    .select(['e.sequence', 'b.id as blob', 'b.digest'])
    .where('e.tag_id', '=', p.tag)
    .where('e.at', '<=', p.at)
    .orderBy('e.sequence', 'desc')
    .limit(1),
);

const lastTo = statement<{ tag: number; digest: Uint8Array }>()((q, p) =>
  q
    .selectFrom('tag_events as e')
    .innerJoin('blobs as b', 'b.id', 'e.new_blob_id')
    .select(['e.sequence', 'b.id as blob', 'b.digest'])
    .where('e.tag_id', '=', p.tag)
    .where('b.digest', '=', p.digest)
    .orderBy('e.sequence', 'desc')
    .limit(1),
);

interface PastRow {
  readonly sequence: number;
  readonly blob: number | null;
  readonly digest: Uint8Array | null;
}

function pastOf(row: PastRow | undefined): PastTag {
  if (row === undefined) return { sequence: 0, digest: undefined, blob: undefined };
  const { sequence, blob, digest } = row;
  return {
    sequence,
    digest: digest === null ? undefined : digestFromBytes(digest),
    blob: blob ?? undefined,
  };
}

/** What a tag pointed at after a move of its history; 0 and less: nothing yet. */
export async function tagAfterMove(
  sql: Sql,
  key: { tag: number; sequence: number },
): Promise<PastTag> {
  const { tag, sequence } = key;
  const row = await sql.first(afterMove, key);
  if (row !== undefined) return pastOf(row);
  const before = await sql.first(beforeMove, { tag, sequence: sequence + 1 });
  return pastOf(before && { ...before, sequence });
}

/** The first move of a tag that is kept; undefined: it never moved. */
export async function firstKeptMove(
  sql: Sql,
  tag: number,
): Promise<{ readonly sequence: number; readonly at: number } | undefined> {
  return sql.first(firstKept, { tag });
}

/** `at`: milliseconds since 1970. */
export async function tagAtInstant(sql: Sql, key: { tag: number; at: number }): Promise<PastTag> {
  return pastOf(await sql.first(atInstant, key));
}

/** The last move of a tag to a digest; sequence 0: it never pointed there. */
export async function lastMoveTo(
  sql: Sql,
  { tag, digest }: { tag: number; digest: Digest },
): Promise<PastTag> {
  return pastOf(await sql.first(lastTo, { tag, digest: digestToBytes(digest) }));
}

const tagRow = statement<{ repository: number; name: string }>()((q, p) =>
  q
    .selectFrom('tags as t')
    .leftJoin('manifests as m', 'm.id', 't.manifest_id')
    .leftJoin('blobs as b', 'b.id', 'm.blob_id')
    .select(['t.id', 't.sequence', 'b.digest'])
    .where('t.repository_id', '=', p.repository)
    .where('t.name', '=', p.name),
);

export interface PresentTag {
  readonly id: number;
  /** Number of its last move. */
  readonly sequence: number;
  /** Undefined: it was deleted. */
  readonly digest: Digest | undefined;
}

/** A tag as it is, without locking it; undefined: it never was. */
export async function readTag(
  sql: Sql,
  key: { repository: RepositoryId; name: Tag },
): Promise<PresentTag | undefined> {
  const row = await sql.first(tagRow, key);
  return row && { ...row, digest: row.digest === null ? undefined : digestFromBytes(row.digest) };
}

/** A tag then and now. */
export interface TagThen {
  readonly tag: Tag;
  readonly past: Digest | undefined;
  /** When it was moved there; undefined without `past`. */
  readonly since: number | undefined;
  readonly now: Digest | undefined;
  /**
   * What is left of `past`; without it `gone`, or `forgotten`: its history does not go back so far, nobody knows
   * whether it was there.
   */
  readonly state: 'there' | 'trash' | 'gone' | 'forgotten';
}

const tagsThen = statement<{ repository: number; at: number; after: string; limit: number }>()(
  (q, p) =>
    q
      .selectFrom('tags as t')
      .leftJoin('tag_events as e', (j) =>
        j
          .onRef('e.tag_id', '=', 't.id')
          .on('e.sequence', '=', (x) =>
            x
              .selectFrom('tag_events as last')
              .select('last.sequence')
              .whereRef('last.tag_id', '=', 't.id')
              .where('last.at', '<=', p.at)
              .orderBy('last.sequence', 'desc')
              .limit(1),
          ),
      )
      .leftJoin('blobs as b', 'b.id', 'e.new_blob_id')
      .leftJoin('manifests as m', (j) =>
        j.onRef('m.repository_id', '=', 't.repository_id').onRef('m.blob_id', '=', 'e.new_blob_id'),
      )
      .leftJoin('manifests as present', 'present.id', 't.manifest_id')
      .leftJoin('blobs as here', 'here.id', 'present.blob_id')
      .select(['t.name', 'e.at', 'b.digest as past', 'here.digest as now'])
      .select(['m.id as manifest', 'm.deleted_at as deletedAt'])
      .select(
        raw<number | null>`case when e.at is null then
          (select min(f.sequence) from tag_events as f where f.tag_id = t.id) end`.as('firstKept'),
      )
      .where('t.repository_id', '=', p.repository)
      .where('t.name', '>', p.after)
      .orderBy('t.name')
      .limit(p.limit),
);

/** Up to `limit` tags after `after` that were ever there, in byte order, as they were at an instant and are now. */
export async function readTagsThen(
  sql: Sql,
  page: { repository: RepositoryId; at: number; after: string; limit: number },
): Promise<TagThen[]> {
  return (await sql.all(tagsThen, page)).map((row) => ({
    tag: row.name as Tag,
    past: row.past === null ? undefined : digestFromBytes(row.past),
    since: row.past === null ? undefined : (row.at ?? undefined),
    now: row.now === null ? undefined : digestFromBytes(row.now),
    state: stateThen(row),
  }));
}

function stateThen(row: {
  readonly manifest: number | null;
  readonly deletedAt: number | null;
  readonly firstKept: number | null;
}): TagThen['state'] {
  if (Number(row.firstKept ?? 1) > 1) return 'forgotten';
  if (row.manifest === null) return 'gone';
  return row.deletedAt === null ? 'there' : 'trash';
}

export interface RepositoryHere {
  readonly id: RepositoryId;
  readonly name: string;
}

const repositoriesIn = statement<{
  path: string;
  below: string;
  before: string;
  after: string;
  limit: number;
}>()((q, p) =>
  q
    .selectFrom('repositories')
    .select(['id', 'name'])
    .where('name', '>', p.after)
    .where('name', '>=', p.path)
    .where('name', '<', p.before)
    .where((e) => e.or([e('name', '=', p.path), e('name', '>=', p.below)]))
    // What lies in the trash has a name that no path leads to, but stands before the root's end.
    .where('listed', '<', 2)
    .orderBy('name')
    .limit(p.limit),
);

/** Repositories at a path and below it, not those in the trash: up to `limit` after `after`, in byte order. */
export function repositoriesWithin(
  sql: Sql,
  page: { path: string; after: string; limit: number },
): Promise<RepositoryHere[]> {
  const { path, after, limit } = page;
  return sql.all(repositoriesIn, { ...pathRange(path), after, limit });
}
