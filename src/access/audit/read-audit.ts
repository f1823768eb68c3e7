// Reading the audit log: page by page, following it, and all of it for an export. Places are handed out as
// cursors, which stay good while events are added and sealed.
import { setImmediate } from 'node:timers/promises';
import { readChain } from '../../metadata/audit-chain.ts';
import type { AuditEvent, AuditFilter } from '../../metadata/audit-events.ts';
import {
  readEventsBySequence,
  readEventsByTime,
  type TimeOrder,
  type TimePlace,
} from '../../metadata/audit-pages.ts';
import type { Sql } from '../../metadata/sql.ts';
import { RegistryError } from '../../oci/errors.ts';

/** Events in one page at most: a page is held in memory. */
export const AUDIT_PAGE = 1_000;

export interface AuditPage {
  readonly events: readonly AuditEvent[];
  /** Hand it in for the next page; undefined = that was all. A page may be empty and have a next one. */
  readonly next: string | undefined;
}

/**
 * Events by time, those that are not sealed yet included (`sequence` undefined).
 * @throws RegistryError REQUEST_INVALID for a cursor that is none.
 */
export async function listAudit(
  sql: Sql,
  page: {
    filter?: AuditFilter;
    order?: TimeOrder;
    cursor?: string | undefined;
    limit?: number;
  } = {},
): Promise<AuditPage> {
  const { filter = {}, order = 'newest-first', cursor, limit = 100 } = page;
  const after = cursor === undefined ? undefined : parseTimeCursor(cursor);
  const read = { filter, order, after, limit: boundedLimit(limit) };
  const { events, next } = await readEventsByTime(sql, read);
  return { events, next: next && `t${next.at}.${next.id}` };
}

export interface FollowedPage {
  readonly events: readonly AuditEvent[];
  /** Hand it in for what comes after. */
  readonly next: string;
  /** All that is sealed was seen: ask again in a second. */
  readonly isAtEnd: boolean;
}

/**
 * Sealed events after a cursor, in the order of the chain, each exactly once. The order of time would not
 * do: an event whose transaction ended late has an earlier time than others that were seen already.
 * Without a cursor it begins at the end: what comes from now on. `s0` begins with the oldest.
 * @throws RegistryError REQUEST_INVALID for a cursor that is none, or from before a restored backup.
 */
export async function followAudit(
  sql: Sql,
  page: { filter?: AuditFilter; cursor?: string | undefined; limit?: number } = {},
): Promise<FollowedPage> {
  const { filter = {}, cursor, limit = 100 } = page;
  const { anchor, end } = await readChain(sql);
  const asked = cursor === undefined ? end.sequence : parseSequenceCursor(cursor);
  if (asked > end.sequence) {
    throw new RegistryError(
      'REQUEST_INVALID',
      `The log ends at event ${end.sequence}, before the cursor "${cursor}": was the database restored from a backup? Begin anew without a cursor.`,
    );
  }
  const after = Math.max(asked, anchor.sequence);
  const read = { filter, after, last: end.sequence, limit: boundedLimit(limit) };
  const { events, next } = await readEventsBySequence(sql, read);
  return { events, next: `s${next}`, isAtEnd: next >= end.sequence };
}

/** All events of a filter, oldest first, a page in memory at a time. Ends with what was there at the start. */
export async function* everyEvent(
  sql: Sql,
  filter: AuditFilter & { readonly until: number },
): AsyncGenerator<AuditEvent> {
  let after: TimePlace | undefined;
  do {
    const page = { filter, order: 'oldest-first' as const, after, limit: AUDIT_PAGE };
    const { events, next } = await readEventsByTime(sql, page);
    yield* events;
    after = next;
    // SQLite answers without a turn of the event loop, and requests must have theirs.
    await setImmediate();
  } while (after !== undefined);
}

function boundedLimit(limit: number): number {
  return Math.min(Math.max(Math.trunc(limit), 1), AUDIT_PAGE);
}

function parseTimeCursor(cursor: string): TimePlace {
  const [, at, id] = /^t(\d{1,15})\.(\d{1,15})$/.exec(cursor) ?? [];
  if (at === undefined || id === undefined) throw notACursor(cursor);
  return { at: Number(at), id: Number(id) };
}

function parseSequenceCursor(cursor: string): number {
  const [, sequence] = /^s(\d{1,15})$/.exec(cursor) ?? [];
  if (sequence === undefined) throw notACursor(cursor);
  return Number(sequence);
}

function notACursor(cursor: string): RegistryError {
  const shown = cursor.slice(0, 40);
  return new RegistryError(
    'REQUEST_INVALID',
    `"${shown}" is no cursor of this list. Use the one that the page before gave.`,
  );
}
