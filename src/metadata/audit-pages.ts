// The audit log page by page: by time, or in the order of the chain. Each read looks at a bounded number of
// rows, whatever the filter: a page may be short or empty and still have a next one.
import { sql as raw } from 'kysely';
import {
  AUDIT_COLUMNS,
  type AuditEvent,
  type AuditFilter,
  type AuditRow,
  eventOf,
  type FilterParameters,
  filterParameters,
  fitsFilter,
} from './audit-events.ts';
import type { Sql } from './sql.ts';
import { statement } from './statement.ts';

/** Rows that one read looks at: a few milliseconds. */
const ROWS_LOOKED_AT = 5_000;

/** A place in the order of time; ids tell apart what happened in one millisecond. */
export interface TimePlace {
  readonly at: number;
  readonly id: number;
}

interface Between {
  /** Not itself. */
  at: number;
  id: number;
  endAt: number;
  endId: number;
}

const after = (p: Between) =>
  raw<boolean>`(at, id) > (${p.at}, ${p.id}) and (at, id) <= (${p.endAt}, ${p.endId})`;
const before = (p: Between) =>
  raw<boolean>`(at, id) < (${p.at}, ${p.id}) and (at, id) >= (${p.endAt}, ${p.endId})`;

const farthestAfter = statement<Between & { offset: number }>()((q, p) =>
  q
    .selectFrom('audit_events')
    .select(['at', 'id'])
    .where(after(p))
    .orderBy('at')
    .orderBy('id')
    .limit(1)
    .offset(p.offset),
);

const farthestBefore = statement<Between & { offset: number }>()((q, p) =>
  q
    .selectFrom('audit_events')
    .select(['at', 'id'])
    .where(before(p))
    .orderBy('at', 'desc')
    .orderBy('id', 'desc')
    .limit(1)
    .offset(p.offset),
);

const eventsAfter = statement<Between & FilterParameters & { limit: number }>()((q, p) =>
  q
    .selectFrom('audit_events')
    .select(AUDIT_COLUMNS)
    .where(after(p))
    .where(fitsFilter(p))
    .orderBy('at')
    .orderBy('id')
    .limit(p.limit),
);

const eventsBefore = statement<Between & FilterParameters & { limit: number }>()((q, p) =>
  q
    .selectFrom('audit_events')
    .select(AUDIT_COLUMNS)
    .where(before(p))
    .where(fitsFilter(p))
    .orderBy('at', 'desc')
    .orderBy('id', 'desc')
    .limit(p.limit),
);

const sealedBetween = statement<FilterParameters & { after: number; to: number; limit: number }>()(
  (q, p) =>
    q
      .selectFrom('audit_events')
      .select(AUDIT_COLUMNS)
      .where('sequence', '>', p.after)
      .where('sequence', '<=', p.to)
      .where(fitsFilter(p))
      .orderBy('sequence')
      .limit(p.limit),
);

export type TimeOrder = 'newest-first' | 'oldest-first';

/**
 * Events by time, sealed or not. @returns `next`: where the next page begins; undefined = that was all.
 * A page stays what it is when events are added: places are times and ids, and neither ever changes.
 */
export async function readEventsByTime(
  sql: Sql,
  page: {
    filter: AuditFilter;
    order: TimeOrder;
    after: TimePlace | undefined;
    limit: number;
  },
): Promise<{ readonly events: AuditEvent[]; readonly next: TimePlace | undefined }> {
  const { filter, order, limit } = page;
  const isNewestFirst = order === 'newest-first';
  // Ids begin at 1: with id 0 a place lies before all events of its time.
  const from = { at: filter.from ?? 0, id: 0 };
  const until = { at: filter.until ?? Number.MAX_SAFE_INTEGER, id: 0 };
  const start = page.after ?? (isNewestFirst ? until : from);
  const end = isNewestFirst ? from : until;
  const between = { at: start.at, id: start.id, endAt: end.at, endId: end.id };
  const look = { ...between, offset: ROWS_LOOKED_AT - 1 };
  const farthest = await sql.first(isNewestFirst ? farthestBefore : farthestAfter, look);
  const read = {
    ...between,
    ...(farthest !== undefined && { endAt: farthest.at, endId: farthest.id }),
    ...filterParameters(filter),
    limit,
  };
  const rows = await sql.all(isNewestFirst ? eventsBefore : eventsAfter, read);
  const last = rows.length === limit ? rows.at(-1) : farthest;
  return {
    events: rows.map((row) => eventOf(row as AuditRow)),
    next: last && { at: last.at, id: last.id },
  };
}

/** Sealed events with numbers above `after` and up to `last`. @returns `next`: how far it looked. */
export async function readEventsBySequence(
  sql: Sql,
  page: { filter: AuditFilter; after: number; last: number; limit: number },
): Promise<{ readonly events: AuditEvent[]; readonly next: number }> {
  const { filter, after: start, limit } = page;
  const to = Math.min(start + ROWS_LOOKED_AT, page.last);
  const rows = await sql.all(sealedBetween, {
    ...filterParameters(filter),
    after: start,
    to,
    limit,
  });
  const last = rows.length === limit ? rows.at(-1)?.sequence : undefined;
  const { from = 0, until = Number.MAX_SAFE_INTEGER } = filter;
  return {
    events: rows
      .map((row) => eventOf(row as AuditRow))
      .filter(({ at }) => at >= from && at < until),
    next: last ?? Math.max(start, to),
  };
}
