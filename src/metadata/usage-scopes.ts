// The paths whose use is counted: what they use now, counters folded, and what was there before a counter
// added up, a repository at a time, while everybody goes on pushing.
import { sql as raw } from 'kysely';
import { lockAccess } from './access-facts.ts';
import {
  type ContentPage,
  countedBlobs,
  countedRightsPage,
  isWithin,
  liveManifestsPage,
} from './counted-content.ts';
import { locked, wantedNames } from './fragments.ts';
import { type PathRange, pathRange } from './path-range.ts';
import type { Sql, Transaction } from './sql.ts';
import { statement } from './statement.ts';
import { addToScope, addToScopeBlobs, type SizedBlob, type Usage, writeChange } from './usage.ts';
import type { ScopeState } from './version-schema.ts';

export interface UsageScope extends Usage {
  readonly id: number;
  readonly path: string;
  readonly state: ScopeState;
}

/** One statement, so that what a job is just folding is not read twice or not at all. */
const usageOf = statement<{ paths: string }>()((q, p, engine) => {
  const changes = (column: 'bytes' | 'blobs' | 'tags' | 'repositories') =>
    raw<number>`cast(${raw.ref(`s.${column}`)} + coalesce((select sum(${raw.ref(`c.${column}`)})
      from usage_changes c where c.scope_id = s.id), 0) as bigint)`.as(column);
  return q
    .selectFrom(wantedNames(engine, p.paths))
    .crossJoin('usage_scopes as s')
    .select(['s.id', 's.path', 's.state'])
    .select([changes('bytes'), changes('blobs'), changes('tags'), changes('repositories')])
    .whereRef('s.path', '=', 'wanted.name')
    .orderBy(raw`length(s.path)`);
});

const insertScope = statement<{ path: string; state: string; now: number }>()((q, p) =>
  q
    .insertInto('usage_scopes')
    .values({
      path: p.path,
      bytes: 0,
      blobs: 0,
      tags: 0,
      repositories: 0,
      state: p.state as ScopeState,
      counted_to: '',
      created_at: p.now,
    })
    .onConflict((c) => c.column('path').doNothing()),
);

const lockScope = statement<{ scope: number }>()((q, p, engine) => {
  const row = q.selectFrom('usage_scopes').select('id').where('id', '=', p.scope);
  // Pushes, whose changes refer to the row, do not wait for it.
  return engine === 'postgres' ? row.forNoKeyUpdate() : row;
});

const takeChanges = statement<{ scope: number; limit: number }>()((q, p) =>
  q
    .deleteFrom('usage_changes')
    .where('id', 'in', (e) =>
      e
        .selectFrom('usage_changes as oldest')
        .select('oldest.id')
        .where('oldest.scope_id', '=', p.scope)
        .orderBy('oldest.id')
        .limit(p.limit),
    )
    .returning(['bytes', 'blobs', 'tags', 'repositories']),
);

const scopesWithChanges = statement()((q) =>
  q.selectFrom('usage_changes').select('scope_id as id').distinct(),
);

/**
 * From now on the use of that path is counted. `exact`: nothing lies there yet, as with a new namespace; else
 * a job adds up what there is. Whoever calls it for a path that has repositories holds `lockAccess`, so
 * that no repository is in the making that neither sees the scope nor is seen by the job.
 */
export async function ensureScope(
  tx: Transaction,
  { path, state }: { path: string; state: ScopeState },
): Promise<void> {
  await tx.run(insertScope, { path, state, now: await tx.now() });
}

/** From now on, or no more, what grows there is looked at: `afterGrowth` of the guards. */
export async function limitScope(
  tx: Transaction,
  limit: { path: string; isLimited: boolean },
): Promise<void> {
  await tx.run(setLimited, { path: limit.path, isLimited: limit.isLimited ? 1 : 0 });
}

/** The scopes among `paths`, shortest first, with what they use at this moment. */
export async function readScopes(sql: Sql, paths: readonly string[]): Promise<UsageScope[]> {
  return sql.all(usageOf, { paths: JSON.stringify(paths) });
}

const setLimited = statement<{ path: string; isLimited: number }>()((q, p) =>
  q.updateTable('usage_scopes').set({ is_limited: p.isLimited }).where('path', '=', p.path),
);

/** Scopes (ids) that have changes to fold. */
export async function scopesToFold(sql: Sql): Promise<number[]> {
  return (await sql.all(scopesWithChanges, {})).map(({ id }) => id);
}

/** Adds up to `limit` changes to their scope. @returns how many. */
export async function foldUsage(
  tx: Transaction,
  { scope, limit }: { scope: number; limit: number },
): Promise<number> {
  await tx.first(lockScope, { scope });
  const changes = await tx.all(takeChanges, { scope, limit });
  if (changes.length === 0) return 0;
  const sum = { bytes: 0, blobs: 0, tags: 0, repositories: 0 };
  for (const change of changes) {
    sum.bytes += change.bytes;
    sum.blobs += change.blobs;
    sum.tags += change.tags;
    sum.repositories += change.repositories;
  }
  await tx.run(addToScope, { scope, ...sum });
  return changes.length;
}

const countingScope = statement<{ scope: number }>()((q, p, engine) => {
  const row = q
    .selectFrom('usage_scopes')
    .select(['id', 'path', 'counted_to as countedTo', 'generation'])
    .where('id', '=', p.scope)
    .where('state', '=', 'counting');
  // As above: a push that waited for it would be waited for, with its repository.
  return engine === 'postgres' ? row.forNoKeyUpdate() : row;
});

const scopesOfState = statement<{ state: string }>()((q, p) =>
  q
    .selectFrom('usage_scopes')
    .select('id')
    .where('state', '=', p.state as ScopeState)
    .orderBy('id'),
);

/** Alone: nobody adds to it or takes away from it until the transaction ends. */
const nextRepository = statement<{ after: string } & PathRange>()((q, p, engine) =>
  locked(
    engine,
    q
      .selectFrom('repositories')
      .select(['id', 'name', 'listed'])
      .where('name', '>', p.after)
      .where('name', '>=', p.path)
      .where('name', '<', p.before)
      .where((e) => e.or([e('name', '=', p.path), e('name', '>=', p.below)]))
      .orderBy('name')
      .limit(1),
  ),
);

const countedPage = statement<ContentPage>()((q, p) => countedRightsPage(q, p));
const livePage = statement<ContentPage>()((q, p) => liveManifestsPage(q, p));

const tagsOf = statement<{ repository: number }>()((q, p) =>
  q
    .selectFrom('tags')
    .select((e) => e.fn.countAll<number>().as('count'))
    .where('repository_id', '=', p.repository)
    .where('manifest_id', 'is not', null),
);

const setReached = statement<{ scope: number; name: string }>()((q, p) =>
  q.updateTable('usage_scopes').set({ counted_to: p.name }).where('id', '=', p.scope),
);

const setExact = statement<{ scope: number }>()((q, p) =>
  q.updateTable('usage_scopes').set({ state: 'exact' }).where('id', '=', p.scope),
);

/** Scopes (ids) that the job still adds up. */
export async function scopesToCount(sql: Sql): Promise<number[]> {
  return (await sql.all(scopesOfState, { state: 'counting' })).map(({ id }) => id);
}

/** Where in a repository the count goes on; undefined = with the next repository. */
export interface CountCursor {
  readonly generation: number;
  readonly repository: number;
  readonly kind: 'blobs' | 'manifests';
  /** The last blob that was counted. */
  readonly after: number;
}

/**
 * Counts up to `limit` blobs more of a scope. What is counted twice is counted once: after a crash a
 * repository is simply begun again. @returns where to go on, or `done` when the scope is exact.
 */
export async function countScope(
  tx: Transaction,
  count: { scope: number; cursor: CountCursor | undefined; limit: number },
): Promise<CountCursor | 'next' | 'done'> {
  const scope = await tx.first(countingScope, { scope: count.scope });
  if (scope === undefined) return 'done';
  const where = { after: scope.countedTo, ...pathRange(scope.path) };
  let repository = await tx.first(nextRepository, where);
  if (repository === undefined) {
    // Whoever makes a repository at this moment ends first.
    await lockAccess(tx);
    repository = await tx.first(nextRepository, where);
    if (repository === undefined) {
      await tx.run(setExact, { scope: scope.id });
      return 'done';
    }
  }
  const { id, name, listed } = repository;
  const { generation } = scope;
  const start = { generation, repository: id, kind: 'blobs', after: 0 } as const;
  const isThere = count.cursor?.repository === id && count.cursor.generation === generation;
  const cursor = isThere ? (count.cursor ?? start) : start;
  const page = cursor.kind === 'blobs' ? countedPage : livePage;
  const rows = await tx.all(page, { repository: id, after: cursor.after, limit: count.limit });
  await addRows(tx, { scope: scope.id, rows });
  const last = rows.at(-1);
  if (last !== undefined && rows.length === count.limit) return { ...cursor, after: last.id };
  if (cursor.kind === 'blobs') return { generation, repository: id, kind: 'manifests', after: 0 };
  const tags = Number((await tx.first(tagsOf, { repository: id }))?.count ?? 0);
  // In the trash it counts for the namespaces that lie there with it.
  const repositories = listed > 0 ? 1 : 0;
  await writeChange(tx, { scope: scope.id, bytes: 0, blobs: 0, tags, repositories });
  await tx.run(setReached, { scope: scope.id, name });
  return 'next';
}

async function addRows(
  tx: Transaction,
  { scope, rows }: { scope: number; rows: readonly SizedBlob[] },
): Promise<void> {
  const blobs = new Map(rows.map(({ id, size }) => [id, size]));
  const added = await addToScopeBlobs(tx, { scope, blobs });
  await writeChange(tx, { scope, ...added, tags: 0, repositories: 0 });
}

const recounted = statement<PathRange>()((q, p) =>
  q
    .selectFrom('blobs as b')
    .select([
      raw<number>`count(*)`.as('blobs'),
      raw<number>`cast(coalesce(sum(b.size), 0) as bigint)`.as('bytes'),
    ])
    .where('b.id', 'in', countedBlobs(q, p)),
);

const recountedNames = statement<PathRange>()((q, p) =>
  q.selectNoFrom((e) => [
    e
      .selectFrom('repositories as r')
      .select((c) => c.fn.countAll<number>().as('count'))
      .where('r.listed', '=', 1)
      .where(isWithin(p))
      .as('repositories'),
    e
      .selectFrom('tags as t')
      .innerJoin('repositories as r', 'r.id', 't.repository_id')
      .select((c) => c.fn.countAll<number>().as('count'))
      .where('t.manifest_id', 'is not', null)
      .where(isWithin(p))
      .as('tags'),
  ]),
);

/** What a path uses, added up from nothing: a long read. For checks of what is kept up. */
export async function recountUsage(sql: Sql, path: string): Promise<Usage> {
  const range = pathRange(path);
  const blobs = await sql.first(recounted, range);
  const names = await sql.first(recountedNames, range);
  return {
    bytes: Number(blobs?.bytes ?? 0),
    blobs: Number(blobs?.blobs ?? 0),
    tags: Number(names?.tags ?? 0),
    repositories: Number(names?.repositories ?? 0),
  };
}
