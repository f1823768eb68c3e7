// What counters of namespaces go by, as parts of statements: counted rights to blobs and live manifests, of
// a repository or of all at a path and below it. One wording for those who add, move, count and check.
import { type RawBuilder, sql } from 'kysely';
import type { PathRange } from './path-range.ts';
import type { Queries } from './statement.ts';

/** Whether the repository `r` lies at the path or below it. */
export function isWithin(range: PathRange): RawBuilder<boolean> {
  const { path, below, before } = range;
  return sql<boolean>`(r.name = ${path} or (r.name >= ${below} and r.name < ${before}))`;
}

/** Ids of the blobs that count at a path and below it, each once. */
export function countedBlobs(q: Queries, range: PathRange) {
  return q
    .selectFrom('repository_blobs as rb')
    .innerJoin('repositories as r', 'r.id', 'rb.repository_id')
    .select('rb.blob_id')
    .where('rb.is_counted', '=', 1)
    .where('rb.deleted_at', 'is', null)
    .where(isWithin(range))
    .union(
      q
        .selectFrom('manifests as m')
        .innerJoin('repositories as r', 'r.id', 'm.repository_id')
        .select('m.blob_id')
        .where('m.deleted_at', 'is', null)
        .where('m.released_at', 'is', null)
        .where(isWithin(range)),
    );
}

export interface ContentPage {
  repository: number;
  /** The last blob of the page before. */
  after: number;
  limit: number;
}

/** Blobs that a repository has a counted right to, with their sizes. */
export function countedRightsPage(q: Queries, p: ContentPage) {
  return q
    .selectFrom('repository_blobs as rb')
    .innerJoin('blobs as b', 'b.id', 'rb.blob_id')
    .select(['b.id', 'b.size'])
    .where('rb.repository_id', '=', p.repository)
    .where('rb.is_counted', '=', 1)
    .where('rb.deleted_at', 'is', null)
    .where('rb.blob_id', '>', p.after)
    .orderBy('rb.blob_id')
    .limit(p.limit);
}

/** Blobs of a repository's live manifests, with their sizes. */
export function liveManifestsPage(q: Queries, p: ContentPage) {
  return q
    .selectFrom('manifests as m')
    .innerJoin('blobs as b', 'b.id', 'm.blob_id')
    .select(['b.id', 'b.size'])
    .where('m.repository_id', '=', p.repository)
    .where('m.deleted_at', 'is', null)
    .where('m.released_at', 'is', null)
    .where('m.blob_id', '>', p.after)
    .orderBy('m.blob_id')
    .limit(p.limit);
}
