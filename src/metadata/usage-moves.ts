// What becomes of the counters of namespaces when names move: a scope keeps its numbers under its new name;
// those above lose or gain what moved. Little of it in the transaction of the move, much of it in batches
// behind it. Each batch looks at what is so now, so that it does not matter in which order they come, or
// whether the name has moved again.
import { sql as raw } from 'kysely';
import { pathAndAbove, type RepositoryName } from '../oci/repository-name.ts';
import {
  type ContentPage,
  countedBlobs,
  countedRightsPage,
  isWithin,
  liveManifestsPage,
} from './counted-content.ts';
import { locked, wantedNames } from './fragments.ts';
import { type PathRange, pathRange } from './path-range.ts';
import { keepRepository } from './repositories.ts';
import type { Sql, Transaction } from './sql.ts';
import { statement } from './statement.ts';
import {
  removeFromScopeBlobs,
  type SizedBlob,
  settleUsage,
  UsageTally,
  writeChange,
} from './usage.ts';

const countingWithin = statement<PathRange>()((q, p) =>
  q
    .selectFrom('usage_scopes')
    .select('id')
    .where('state', '=', 'counting')
    .where((e) =>
      e.or([e('path', '=', p.path), e.and([e('path', '>=', p.below), e('path', '<', p.before)])]),
    ),
);

const countingAmong = statement<{ paths: string }>()((q, p, engine) =>
  q
    .selectFrom(wantedNames(engine, p.paths))
    .crossJoin('usage_scopes as s')
    .select('s.id')
    .whereRef('s.path', '=', 'wanted.name')
    .where('s.state', '=', 'counting'),
);

const lockScopeAlone = statement<{ scope: number }>()((q, p, engine) =>
  locked(engine, q.selectFrom('usage_scopes').select('id').where('id', '=', p.scope)),
);

const lockScope = statement<{ scope: number }>()((q, p, engine) => {
  const row = q
    .selectFrom('usage_scopes')
    .select(['id', 'path', 'state'])
    .where('id', '=', p.scope);
  // Pushes, whose changes refer to the row, do not wait for it.
  return engine === 'postgres' ? row.forNoKeyUpdate() : row;
});

const dropChanges = statement<{ scope: number }>()((q, p) =>
  q.deleteFrom('usage_changes').where('scope_id', '=', p.scope),
);

const dropScopeBlobs = statement<{ scope: number }>()((q, p) =>
  q.deleteFrom('scope_blobs').where('scope_id', '=', p.scope),
);

const zero = statement<{ scope: number }>()((q, p) =>
  q
    .updateTable('usage_scopes')
    .set({ bytes: 0, blobs: 0, tags: 0, repositories: 0, state: 'counting', counted_to: '' })
    .set((e) => ({ generation: e('generation', '+', 1) }))
    .where('id', '=', p.scope),
);

const scopesAt = statement<{ paths: string }>()((q, p, engine) =>
  q
    .selectFrom(wantedNames(engine, p.paths))
    .crossJoin('usage_scopes as s')
    .select(['s.id', 's.path'])
    .whereRef('s.path', '=', 'wanted.name')
    .orderBy('s.id'),
);

interface PageParameters extends PathRange {
  limit: number;
}

/** Counted rights and live manifests of repositories. A release that is under way ends first. */
const contentOf = statement<PageParameters>()((q, p) =>
  q
    .selectFrom('repositories as r')
    .innerJoin('repository_blobs as rb', 'rb.repository_id', 'r.id')
    .innerJoin('blobs as b', 'b.id', 'rb.blob_id')
    .select(['b.id', 'b.size'])
    .where('rb.is_counted', '=', 1)
    .where('rb.deleted_at', 'is', null)
    .where(isWithin(p))
    .limit(p.limit),
);

const manifestsOf = statement<PageParameters>()((q, p) =>
  q
    .selectFrom('repositories as r')
    .innerJoin('manifests as m', 'm.repository_id', 'r.id')
    .innerJoin('blobs as b', 'b.id', 'm.blob_id')
    .select(['b.id', 'b.size'])
    .where('m.deleted_at', 'is', null)
    .where('m.released_at', 'is', null)
    .where(isWithin(p))
    .limit(p.limit),
);

const tagsOf = statement<PathRange>()((q, p) =>
  q
    .selectFrom('repositories as r')
    .innerJoin('tags as t', 't.repository_id', 'r.id')
    .select((e) => e.fn.countAll<number>().as('count'))
    .where(raw<boolean>`t.manifest_id is not null`)
    .where(isWithin(p)),
);

const scopePage = statement<{ scope: number; after: number; limit: number }>()((q, p) =>
  q
    .selectFrom('scope_blobs as sb')
    .innerJoin('blobs as b', 'b.id', 'sb.blob_id')
    .select(['b.id', 'b.size'])
    .where('sb.scope_id', '=', p.scope)
    .where('sb.blob_id', '>', p.after)
    .orderBy('sb.blob_id')
    .limit(p.limit),
);

const nextRepository = statement<PathRange & { after: string }>()((q, p) =>
  q
    .selectFrom('repositories')
    .select(['id', 'name'])
    .where('name', '>', p.after)
    .where((e) =>
      e.or([e('name', '=', p.path), e.and([e('name', '>=', p.below), e('name', '<', p.before)])]),
    )
    .orderBy('name')
    .limit(1),
);

const rightsPage = statement<ContentPage>()((q, p, engine) => {
  const rows = countedRightsPage(q, p);
  // What is released at this moment must not be counted behind it.
  return engine === 'postgres' ? rows.forShare('rb') : rows;
});

const manifestsPage = statement<ContentPage>()((q, p, engine) => {
  const rows = liveManifestsPage(q, p);
  return engine === 'postgres' ? rows.forShare('m') : rows;
});

/** Counts of it that are not finished are begun anew: half of them would stand under the old name. */
export async function restartScopesWithin(tx: Transaction, path: string): Promise<void> {
  for (const { id } of await tx.all(countingWithin, pathRange(path))) await restart(tx, id);
}

/** The same of those at a path and above it: a new name may lie on the other side of what they have reached. */
export async function restartScopesAbove(tx: Transaction, at: string): Promise<void> {
  const paths = JSON.stringify(pathAndAbove(at));
  for (const { id } of await tx.all(countingAmong, { paths })) await restart(tx, id);
}

async function restart(tx: Transaction, scope: number): Promise<void> {
  // Whoever has read how far the count is, and goes by that, ends first.
  await tx.first(lockScopeAlone, { scope });
  await tx.run(dropChanges, { scope });
  await tx.run(dropScopeBlobs, { scope });
  await tx.run(zero, { scope });
}

/** What lies at a place, as far as counters above it are concerned. */
export interface MovedContent {
  readonly tags: number;
  readonly repositories: number;
  /** Undefined: more than are settled in one transaction. */
  readonly blobs: readonly SizedBlob[] | undefined;
}

/** Rights and manifests settled in one transaction: some ten milliseconds. */
const MOST_AT_ONCE = 4_000;

export async function movedContent(
  sql: Sql,
  place: { path: string; isWhole: boolean; listed: number },
): Promise<MovedContent> {
  const { path, isWhole, listed } = place;
  const range = isWhole ? pathRange(path) : { path, below: path, before: path };
  const tags = Number((await sql.first(tagsOf, range))?.count ?? 0);
  const limit = MOST_AT_ONCE + 1;
  const rights = await sql.all(contentOf, { ...range, limit });
  const left = limit - rights.length;
  const manifests = left <= 0 ? [] : await sql.all(manifestsOf, { ...range, limit: left });
  const blobs = [...rights, ...manifests];
  return { tags, repositories: listed, blobs: blobs.length < limit ? blobs : undefined };
}

/**
 * The scopes at `at` and above it lose what has moved away, or gain it. Called last, after the names have
 * moved. What is too much for one transaction is left to `sweepScope` and `addMoved`. @returns as `settleUsage`.
 */
export async function settleMoved(
  tx: Transaction,
  move: { at: string; content: MovedContent; sign: 1 | -1 },
): ReturnType<typeof settleUsage> {
  const { at, content, sign } = move;
  await restartScopesAbove(tx, at);
  const tally = new UsageTally();
  tally.tags = sign * content.tags;
  tally.repositories = sign * content.repositories;
  if (sign === 1) tally.add(content.blobs ?? []);
  else tally.remove(content.blobs ?? []);
  return settleUsage(tx, { name: at, tally });
}

/** Ids of the scopes at a path and above it. */
export async function scopesAbove(sql: Sql, at: string): Promise<number[]> {
  const rows = await sql.all(scopesAt, { paths: JSON.stringify(pathAndAbove(at)) });
  return rows.map(({ id }) => id);
}

/**
 * Takes out of a scope what nothing at its path names any more, `limit` blobs at a time.
 * @returns after which blob to go on; undefined = it is done.
 */
export async function sweepScope(
  tx: Transaction,
  sweep: { scope: number; after: number; limit: number },
): Promise<number | undefined> {
  const { scope, after, limit } = sweep;
  const row = await tx.first(lockScope, { scope });
  // One that is being counted began anew after the move.
  if (row === undefined || row.state === 'counting') return undefined;
  const page = await tx.all(scopePage, { scope, after, limit });
  const blobs = new Map(page.map(({ id, size }) => [id, size]));
  const gone = await removeFromScopeBlobs(tx, { scope: row, blobs });
  const change = { scope, bytes: -gone.bytes, blobs: -gone.blobs, tags: 0, repositories: 0 };
  await writeChange(tx, change);
  return page.length < limit ? undefined : page.at(-1)?.id;
}

export interface AddCursor {
  /** Name of the repository that is being walked; those up to it are done. */
  readonly name: string;
  readonly repository: number;
  readonly kind: 'rights' | 'manifests';
  readonly after: number;
}

/**
 * Counts what lies at a path in all scopes above it, up to `limit` blobs.
 * @returns where to go on; undefined = it is done.
 */
export async function addMoved(
  tx: Transaction,
  add: { path: string; cursor: AddCursor | undefined; limit: number },
): Promise<AddCursor | undefined> {
  const { path, limit } = add;
  const cursor = add.cursor ?? (await startAfter(tx, { path, after: '' }));
  if (cursor === undefined) return undefined;
  // It may have been renamed or deleted since: whoever did that has settled it.
  if ((await keepRepository(tx, cursor.name as RepositoryName)) !== cursor.repository) {
    return startAfter(tx, { path, after: cursor.name });
  }
  const statementOf = cursor.kind === 'rights' ? rightsPage : manifestsPage;
  const { repository, after } = cursor;
  const page = await tx.all(statementOf, { repository, after, limit });
  const tally = new UsageTally();
  tally.add(page);
  await settleUsage(tx, { name: cursor.name, tally });
  const last = page.at(-1);
  if (last !== undefined && page.length === limit) return { ...cursor, after: last.id };
  if (cursor.kind === 'rights') return { ...cursor, kind: 'manifests', after: 0 };
  return startAfter(tx, { path, after: cursor.name });
}

async function startAfter(
  tx: Transaction,
  { path, after }: { path: string; after: string },
): Promise<AddCursor | undefined> {
  const next = await tx.first(nextRepository, { ...pathRange(path), after });
  return next && { name: next.name, repository: next.id, kind: 'rights', after: 0 };
}

const missing = statement<PathRange & { scope: number }>()((q, p) =>
  q
    .selectFrom('blobs as b')
    .select(raw<number>`cast(coalesce(sum(b.size), 0) as bigint)`.as('bytes'))
    .where('b.id', 'in', countedBlobs(q, p))
    .where((e) =>
      e.not(
        e.exists(
          e
            .selectFrom('scope_blobs as sb')
            .select('sb.blob_id')
            .where('sb.scope_id', '=', p.scope)
            .whereRef('sb.blob_id', '=', 'b.id'),
        ),
      ),
    ),
);

/** Bytes that a scope would gain if what lies at `path` came to it: a read of all of that. */
export async function bytesMissing(
  sql: Sql,
  { scope, path }: { scope: number; path: string },
): Promise<number> {
  return Number((await sql.first(missing, { ...pathRange(path), scope }))?.bytes ?? 0);
}
