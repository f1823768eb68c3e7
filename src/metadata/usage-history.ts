// What namespaces and repositories used, once a day: the top namespaces and paths with a quota each day, a
// repository on the days on which it has changed. A day without a row is as the last one before.
import { sql as raw } from 'kysely';
import { pathRange } from './path-range.ts';
import type { Sql, Transaction } from './sql.ts';
import { statement } from './statement.ts';

/** Live blobs, each once but in `apparent`, which counts every image with all its layers. */
export interface DayUsage {
  /** Days since 1970, UTC. The figures are of its beginning, or of when the registry came up on it. */
  readonly day: number;
  readonly bytes: number;
  readonly apparent: number;
  readonly blobs: number;
  readonly tags: number;
  readonly repositories: number;
}

export interface PathUsage extends DayUsage {
  readonly path: string;
}

/** Days that are kept one by one; of older ones the last of each week. */
export const DAILY_DAYS = 100;
/** Days that the history of a path is kept that is no more. */
export const GONE_DAYS = 400;
const WEEK = 7;

const FIGURES = ['day', 'bytes', 'apparent', 'blobs', 'tags', 'repositories'] as const;

const between = statement<{ path: string; from: number; to: number }>()((q, p) =>
  q
    .selectFrom('usage_history')
    .select(FIGURES)
    .where('path', '=', p.path)
    .where('day', '>=', p.from)
    .where('day', '<=', p.to)
    .orderBy('day'),
);

const lastBefore = statement<{ path: string; day: number }>()((q, p) =>
  q
    .selectFrom('usage_history')
    .select(FIGURES)
    .where('path', '=', p.path)
    .where('day', '<', p.day)
    .orderBy('day', 'desc')
    .limit(1),
);

const putRow = statement<{
  path: string;
  day: number;
  bytes: number;
  apparent: number;
  blobs: number;
  tags: number;
  repositories: number;
}>()((q, p) => {
  const { bytes, apparent, blobs, tags, repositories } = p;
  const values = { bytes, apparent, blobs, tags, repositories };
  return q
    .insertInto('usage_history')
    .values({ path: p.path, day: p.day, ...values })
    .onConflict((c) => c.columns(['path', 'day']).doUpdateSet(values));
});

/** The last row of a week says how it ended, and with it how the next one began. */
const thinOut = statement<{ path: string; before: number }>()((q, p) =>
  q
    .deleteFrom('usage_history')
    .where('path', '=', p.path)
    .where('day', '<', p.before)
    .where(
      raw<boolean>`exists (select 1 from usage_history later where later.path = usage_history.path
        and later.day > usage_history.day
        and later.day < (usage_history.day / ${raw.lit(WEEK)} + 1) * ${raw.lit(WEEK)})`,
    ),
);

const removePath = statement<{ path: string }>()((q, p) =>
  q.deleteFrom('usage_history').where('path', '=', p.path),
);

const goneAfter = statement<{ after: string; before: number; limit: number }>()((q, p) =>
  q
    .selectFrom('usage_history as h')
    .select('h.path')
    .where('h.path', '>', p.after)
    .where((e) =>
      e.not(e.exists(e.selectFrom('repositories').select('id').whereRef('name', '=', 'h.path'))),
    )
    .where((e) =>
      e.not(
        e.exists(
          e.selectFrom('usage_scopes as s').select('s.id').whereRef('s.path', '=', 'h.path'),
        ),
      ),
    )
    .groupBy('h.path')
    .having((e) => e(e.fn.max('h.day'), '<', p.before))
    .orderBy('h.path')
    .limit(p.limit),
);

const exactScopes = statement()((q) =>
  q
    .selectFrom('usage_scopes as s')
    .select('s.path')
    .select((e) =>
      e
        .selectFrom('usage_history as h')
        .select((m) => m.fn.max('h.day').as('day'))
        .whereRef('h.path', '=', 's.path')
        .as('day'),
    )
    .where('s.state', '=', 'exact')
    .orderBy('s.path'),
);

const outboxBefore = statement<{ before: number; limit: number }>()((q, p) =>
  q
    .selectFrom('outbox')
    .select(['id', 'repository_id as repository', 'created_at as at'])
    .where('id', '<', p.before)
    .orderBy('id', 'desc')
    .limit(p.limit),
);

const goneSince = statement<{ since: number }>()((q, p) =>
  q
    .selectFrom('manifests')
    .select('repository_id as repository')
    // Said too, so that the partial index is seen to fit.
    .where('released_at', 'is not', null)
    .where('released_at', '>=', p.since)
    .unionAll(
      q
        .selectFrom('manifests')
        .select('repository_id as repository')
        .where('deleted_at', 'is not', null)
        .where('deleted_at', '>=', p.since),
    ),
);

const listedPage = statement<{ after: string; limit: number }>()((q, p) =>
  q
    .selectFrom('repositories as r')
    .select(['r.id', 'r.name'])
    .select((e) =>
      e
        .selectFrom('usage_history as h')
        .select((m) => m.fn.max('h.day').as('day'))
        .whereRef('h.path', '=', 'r.name')
        .as('day'),
    )
    // Written out, so that the partial index is seen to fit.
    .where(raw<boolean>`listed = 1`)
    .where('r.name', '>', p.after)
    .orderBy('r.name')
    .limit(p.limit),
);

interface RangeParameters {
  path: string;
  below: string;
  before: string;
  after: string;
  limit: number;
}

const lastOfRepositories = statement<RangeParameters>()((q, p) =>
  q
    .selectFrom('repositories as r')
    .select('r.name')
    .select((e) =>
      e
        .selectFrom('usage_history as h')
        .select('h.apparent')
        .whereRef('h.path', '=', 'r.name')
        .orderBy('h.day', 'desc')
        .limit(1)
        .as('apparent'),
    )
    .where(raw<boolean>`listed = 1`)
    .where('r.name', '>', p.after)
    .where('r.name', '>=', p.path)
    .where('r.name', '<', p.before)
    .where((e) => e.or([e('r.name', '=', p.path), e('r.name', '>=', p.below)]))
    .orderBy('r.name')
    .limit(p.limit),
);

/**
 * Day by day, both ends included, from the first day that is known. Empty for a path of which nothing is
 * written down.
 */
export async function growthOf(
  sql: Sql,
  { path, from, to }: { path: string; from: number; to: number },
): Promise<DayUsage[]> {
  const rows = await sql.all(between, { path, from, to });
  let last: DayUsage | undefined = await sql.first(lastBefore, { path, day: from });
  const days: DayUsage[] = [];
  for (let day = from, next = 0; day <= to; day += 1) {
    if (rows[next]?.day === day) {
      last = rows[next];
      next += 1;
    }
    if (last !== undefined) days.push({ ...last, day });
  }
  return days;
}

/** Writes rows down and thins out what is older of their paths. */
export async function recordUsage(tx: Transaction, rows: readonly PathUsage[]): Promise<void> {
  for (const row of rows) {
    await tx.run(putRow, { ...row });
    await tx.run(thinOut, { path: row.path, before: row.day - DAILY_DAYS });
  }
}

export async function forgetUsage(tx: Transaction, paths: readonly string[]): Promise<void> {
  for (const path of paths) await tx.run(removePath, { path });
}

export interface RecordedPath {
  readonly path: string;
  /** Of its last row; undefined = it has none. */
  readonly lastDay: number | undefined;
}

/** Paths whose use is counted all the time and counted to the end. */
export async function countedPaths(sql: Sql): Promise<RecordedPath[]> {
  const rows = await sql.all(exactScopes, {});
  return rows.map(({ path, day }) => ({ path, lastDay: day ?? undefined }));
}

/** Rows read at once. */
const PAGE = 2_000;
/** Ids of the outbox are in the order of their making, give or take a transaction that took so long (ms). */
const LATE_MS = 60 * 60 * 1_000;

/**
 * Repositories (ids) whose content may have changed since then (ms). Reads what has happened since, not what
 * there is: moves and pushes stand in the outbox, and what went is found by when it did.
 */
export async function changedSince(sql: Sql, since: number): Promise<Set<number>> {
  const changed = new Set<number>();
  for (const { repository } of await sql.all(goneSince, { since })) changed.add(repository);
  for (let before = Number.MAX_SAFE_INTEGER; ; ) {
    const page = await sql.all(outboxBefore, { before, limit: PAGE });
    for (const { repository } of page) changed.add(repository);
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE || last.at < since - LATE_MS) return changed;
    before = last.id;
  }
}

export interface ToRecord {
  readonly id: number;
  readonly name: string;
}

/** Listed repositories that have no row yet, or have changed and none of that day; in byte order. */
export async function repositoriesToRecord(
  sql: Sql,
  { day, changed }: { day: number; changed: ReadonlySet<number> },
): Promise<ToRecord[]> {
  const wanted: ToRecord[] = [];
  for (let after = ''; ; ) {
    const page = await sql.all(listedPage, { after, limit: PAGE });
    for (const row of page) {
      after = row.name;
      const isDue = row.day === null || (row.day < day && changed.has(row.id));
      if (isDue) wanted.push({ id: row.id, name: row.name });
    }
    if (page.length < PAGE) return wanted;
  }
}

/** What the repositories at a path and below it had as `apparent` when they were last written down. */
export async function apparentBelow(sql: Sql, path: string): Promise<number> {
  let bytes = 0;
  for (let after = ''; ; ) {
    const page = await sql.all(lastOfRepositories, { ...pathRange(path), after, limit: PAGE });
    for (const { name, apparent } of page) {
      after = name;
      bytes += apparent ?? 0;
    }
    if (page.length < PAGE) return bytes;
  }
}

/** Paths with a history that are neither repository nor counted, and were last written down before `day`. */
export async function goneFromUsage(
  sql: Sql,
  page: { after: string; day: number; limit: number },
): Promise<string[]> {
  const { after, day: before, limit } = page;
  return (await sql.all(goneAfter, { after, before, limit })).map(({ path }) => path);
}
