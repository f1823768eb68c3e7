// Which tags have moves that are old enough to be forgotten. Tags that move a thousand times a day would have
// millions of them.
import { type OldEvents, tagsWithHistory } from '../../metadata/old-tag-events.ts';
import type { Sql } from '../../metadata/sql.ts';
import { readWindows } from '../collection/windows.ts';

export interface OldEventsPage {
  readonly tags: readonly Omit<OldEvents, 'limit'>[];
  /** The tag after which to go on; undefined: there are no more. */
  readonly next: number | undefined;
}

/**
 * Of up to `limit` tags after `after`. `ageMs`: moves are kept so long at least, and at least as long as what was
 * deleted at their path can be restored.
 */
export async function oldTagEvents(
  sql: Sql,
  page: { after: number; limit: number; ageMs: number; now: number },
): Promise<OldEventsPage> {
  const { limit, ageMs, now } = page;
  const windows = await readWindows(sql);
  const rows = await tagsWithHistory(sql, page);
  const tags = rows.flatMap(({ id, name, isTrashed, leftAt }) => {
    // What lies in the trash comes back as it went.
    if (isTrashed || leftAt === null) return [];
    const windowMs = windows.at(name);
    const before = now - Math.max(ageMs, windowMs);
    return leftAt < before ? [{ tag: id, before, windowStart: now - windowMs }] : [];
  });
  return { tags, next: rows.length < limit ? undefined : rows.at(-1)?.id };
}
