// What tags were: their events by pages, from the newest, and the events by which a manifest was ever
// reached. Each event comes with what is left of the manifest that it moved to.
import { sql as raw } from 'kysely';
import { type Digest, digestFromBytes } from '../oci/digest.ts';
import type { Tag } from '../oci/tag.ts';
import type { BlobId } from './blobs.ts';
import type { RepositoryId } from './repositories.ts';
import type { Sql } from './sql.ts';
import { statement } from './statement.ts';

/** A manifest as a repository still has it; undefined times: it is neither. */
export interface ManifestRemains {
  readonly mediaType: string;
  /** Since when it is in the trash. */
  readonly deletedAt: number | null;
  /** Since when nothing holds it. */
  readonly releasedAt: number | null;
}

export interface PastTagEvent {
  /** Of the tag: its events have no gaps. */
  readonly sequence: number;
  readonly from: Digest | undefined;
  /** Undefined: the tag was deleted. */
  readonly to: Digest | undefined;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly actor: string;
  /** As in `Actor`; '' in events of version 0.2 and older. */
  readonly principal: string;
  readonly credential: string;
  readonly cause: string;
  readonly plan: number | null;
  /** What is left of `to`; undefined: nothing. */
  readonly remains: ManifestRemains | undefined;
}

const EVENT = [
  'e.sequence',
  'e.at',
  'e.actor',
  'e.principal',
  'e.credential',
  'e.cause',
  'e.plan_id as plan',
] as const;

const eventsOfTag = statement<{
  repository: number;
  name: string;
  before: number;
  limit: number;
}>()((q, p) =>
  q
    .selectFrom('tags as t')
    .innerJoin('tag_events as e', 'e.tag_id', 't.id')
    .leftJoin('blobs as old', 'old.id', 'e.old_blob_id')
    .leftJoin('blobs as new', 'new.id', 'e.new_blob_id')
    .leftJoin('manifests as m', (j) =>
      j.onRef('m.repository_id', '=', 't.repository_id').onRef('m.blob_id', '=', 'e.new_blob_id'),
    )
    .select(EVENT)
    .select(['old.digest as from', 'new.digest as to'])
    .select([
      'm.media_type as mediaType',
      'm.deleted_at as deletedAt',
      'm.released_at as releasedAt',
    ])
    .where('t.repository_id', '=', p.repository)
    .where('t.name', '=', p.name)
    .where('e.sequence', '<', p.before)
    .orderBy('e.sequence', 'desc')
    .limit(p.limit),
);

const eventsToBlob = statement<{ blob: number; tag: number; sequence: number; limit: number }>()(
  (q, p) =>
    q
      .selectFrom('tag_events as e')
      .select(['e.tag_id as tagId', ...EVENT])
      .where('e.new_blob_id', '=', p.blob)
      // As one value: both engines go straight to that place of the index.
      .where(raw<boolean>`(e.tag_id, e.sequence) > (${p.tag}, ${p.sequence})`)
      .orderBy('e.tag_id')
      .orderBy('e.sequence')
      .limit(p.limit),
);

const tagInRepository = statement<{ tag: number; repository: number }>()((q, p) =>
  q
    .selectFrom('tags')
    .select('name')
    .where('id', '=', p.tag)
    .where('repository_id', '=', p.repository),
);

const timeOfEvent = statement<{ tag: number; sequence: number }>()((q, p) =>
  q
    .selectFrom('tag_events')
    .select('at')
    .where('tag_id', '=', p.tag)
    .where('sequence', '=', p.sequence),
);

/** Up to `limit` events of a tag before a number, newest first. */
export async function readTagEvents(
  sql: Sql,
  page: { repository: RepositoryId; name: Tag; before?: number | undefined; limit: number },
): Promise<PastTagEvent[]> {
  const { before = Number.MAX_SAFE_INTEGER } = page;
  const rows = await sql.all(eventsOfTag, { ...page, before });
  return rows.map(({ from, to, mediaType, deletedAt, releasedAt, ...event }) => ({
    ...event,
    from: from === null ? undefined : digestFromBytes(from),
    to: to === null ? undefined : digestFromBytes(to),
    remains: mediaType === null ? undefined : { mediaType, deletedAt, releasedAt },
  }));
}

/** A time that a tag pointed at a manifest. */
export interface TagVisit {
  readonly tagId: number;
  readonly tag: Tag;
  readonly sequence: number;
  readonly at: number;
  readonly actor: string;
  readonly principal: string;
  readonly credential: string;
  readonly cause: string;
  readonly plan: number | null;
  /** When it moved away; undefined: it points there now. */
  readonly until: number | undefined;
}

/** Where a page of visits begins: after this event. */
export interface VisitPlace {
  readonly tag: number;
  readonly sequence: number;
}

/**
 * The times that tags of a repository pointed at a manifest, in the order of the tags' age. `limit` bounds what
 * is read, which may be of other repositories: fewer rows may be given, or none, and there may be more.
 */
export async function readVisits(
  sql: Sql,
  page: { repository: RepositoryId; blob: BlobId; after: VisitPlace; limit: number },
): Promise<{ visits: TagVisit[]; next: VisitPlace | undefined }> {
  const { repository, blob, after, limit } = page;
  const rows = await sql.all(eventsToBlob, { blob, ...after, limit });
  const visits: TagVisit[] = [];
  for (const { tagId, ...event } of rows) {
    const tag = await sql.first(tagInRepository, { tag: tagId, repository });
    if (tag === undefined) continue;
    const left = await sql.first(timeOfEvent, { tag: tagId, sequence: event.sequence + 1 });
    visits.push({ ...event, tagId, tag: tag.name as Tag, until: left?.at });
  }
  const last = rows.length < limit ? undefined : rows.at(-1);
  return { visits, next: last && { tag: last.tagId, sequence: last.sequence } };
}
