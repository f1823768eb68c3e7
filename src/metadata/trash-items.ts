// Items of the trash, read and taken out. What lies in a repository that is itself in the trash is not shown
// apart: it comes back with it.
import { sql as raw } from 'kysely';
import { type Digest, parseDigest } from '../oci/digest.ts';
import { locked, wantedIds } from './fragments.ts';
import { isHidden } from './names.ts';
import { pathRange } from './path-range.ts';
import type { RepositoryId } from './repositories.ts';
import type { Sql, Transaction } from './sql.ts';
import { statement } from './statement.ts';
import type { TrashKind } from './version-schema.ts';

export interface TrashItem {
  readonly id: number;
  readonly kind: TrashKind;
  /** Of the repository or namespace, when it was deleted. */
  readonly path: string;
  readonly repository: RepositoryId | null;
  /** Name of that repository now; null when it is gone. */
  readonly name: string | null;
  readonly tag: string | null;
  readonly digest: Digest | null;
  readonly hiddenPath: string | null;
  readonly plan: number | null;
  /** Milliseconds since 1970. */
  readonly deletedAt: number;
  readonly actor: string;
  readonly principal: string;
  readonly cause: string;
}

const ITEM = [
  't.id',
  't.kind',
  't.path',
  't.repository_id as repository',
  'r.name',
  't.tag',
  't.digest',
  't.hidden_path as hiddenPath',
  't.plan_id as plan',
  't.deleted_at as deletedAt',
  't.actor',
  't.principal',
  't.cause',
] as const;

const byId = statement<{ id: number }>()((q, p) =>
  q
    .selectFrom('trash as t')
    .leftJoin('repositories as r', 'r.id', 't.repository_id')
    .select(ITEM)
    .where('t.id', '=', p.id),
);

const lockRow = statement<{ id: number }>()((q, p, engine) =>
  locked(engine, q.selectFrom('trash').select('id').where('id', '=', p.id)),
);

interface PageParameters {
  path: string;
  below: string;
  before: string;
  kind: string;
  since: number;
  by: string;
  after: number;
  limit: number;
}

/** Newest first. Of what lies in a repository only while that is there. */
const page = statement<PageParameters>()((q, p) =>
  q
    .selectFrom('trash as t')
    .leftJoin('repositories as r', 'r.id', 't.repository_id')
    .select(ITEM)
    .where((e) =>
      e.or([
        e('t.path', '=', p.path),
        e.and([e('t.path', '>=', p.below), e('t.path', '<', p.before)]),
      ]),
    )
    .where((e) => e.or([e('t.kind', 'in', ['repository', 'namespace']), e('r.name', '<', '~')]))
    .where((e) =>
      e.or([e('t.kind', '=', p.kind as TrashKind), e(raw`cast(${p.kind} as text)`, '=', '')]),
    )
    .where('t.deleted_at', '>=', p.since)
    .where((e) => e.or([e('t.actor', '=', p.by), e(raw`cast(${p.by} as text)`, '=', '')]))
    .where('t.id', '<', p.after)
    .orderBy('t.id', 'desc')
    .limit(p.limit),
);

const olderOnes = statement<{ before: number; after: number; limit: number }>()((q, p) =>
  q
    .selectFrom('trash as t')
    .leftJoin('repositories as r', 'r.id', 't.repository_id')
    .select(ITEM)
    .where('t.kind', 'in', ['repository', 'namespace'])
    .where('t.deleted_at', '<', p.before)
    .where('t.id', '>', p.after)
    .orderBy('t.id')
    .limit(p.limit),
);

const tagsDeletedWith = statement<{ repository: number; digest: string; after: number }>()((q, p) =>
  q
    .selectFrom('trash as t')
    .select(['t.id', 't.tag'])
    .where('t.repository_id', '=', p.repository)
    .where('t.kind', '=', 'tag')
    .where('t.digest', '=', p.digest)
    .where('t.cause', '=', 'delete-manifest')
    .where('t.id', '>', p.after)
    .orderBy('t.tag'),
);

const oldTags = statement<{ since: number; after: number; before: number; limit: number }>()(
  (q, p) =>
    q
      .selectFrom('trash as t')
      .innerJoin('repositories as r', 'r.id', 't.repository_id')
      .select(['t.id', 't.deleted_at as since', 'r.id as repository', 'r.name'])
      .where('t.kind', '=', 'tag')
      .where('t.deleted_at', '>=', p.since)
      .where((e) => e.or([e('t.deleted_at', '>', p.since), e('t.id', '>', p.after)]))
      .where('t.deleted_at', '<', p.before)
      .where('r.name', '<', '~')
      .orderBy('t.deleted_at')
      .orderBy('t.id')
      .limit(p.limit),
);

const oldestTag = statement()((q) =>
  q
    .selectFrom('trash')
    .select('deleted_at as at')
    .where('kind', '=', 'tag')
    .orderBy('deleted_at')
    .limit(1),
);

const dropTags = statement<{ items: string }>()((q, p, engine) =>
  q
    .deleteFrom('trash')
    .where('kind', '=', 'tag')
    .where('id', 'in', (e) => e.selectFrom(wantedIds(engine, p.items)).select('wanted.id')),
);

const removeRow = statement<{ id: number }>()((q, p) =>
  q.deleteFrom('trash').where('id', '=', p.id),
);

const setHidden = statement<{ id: number; hiddenPath: string }>()((q, p) =>
  q.updateTable('trash').set({ hidden_path: p.hiddenPath }).where('id', '=', p.id),
);

const follow = statement<{ path: string; below: string; before: string }>()((q, p) =>
  q
    .updateTable('trash')
    .set({
      path: raw<string>`(select r.name from repositories r where r.id = trash.repository_id)`,
    })
    .where('kind', 'in', ['tag', 'manifest', 'blob'])
    .where('repository_id', 'in', (e) =>
      e
        .selectFrom('repositories')
        .select('id')
        .where((w) =>
          w.or([
            w('name', '=', p.path),
            w.and([w('name', '>=', p.below), w('name', '<', p.before)]),
          ]),
        ),
    ),
);

interface ItemRow extends Omit<TrashItem, 'digest'> {
  readonly digest: string | null;
}

function itemOf(row: ItemRow): TrashItem {
  return { ...row, digest: row.digest === null ? null : parseDigest(row.digest) };
}

export async function readTrashItem(sql: Sql, id: number): Promise<TrashItem | undefined> {
  const row = await sql.first(byId, { id });
  return row && itemOf(row);
}

/** As `readTrashItem`; nobody else restores or purges it until the transaction ends. */
export async function lockTrashItem(tx: Transaction, id: number): Promise<TrashItem | undefined> {
  return (await tx.first(lockRow, { id })) === undefined ? undefined : readTrashItem(tx, id);
}

export interface TrashFilter {
  /** At it and below it. */
  readonly path: string;
  readonly kind?: TrashKind | undefined;
  /** Deleted since then: milliseconds since 1970. */
  readonly since?: number | undefined;
  /** Deleted by whom: a name. */
  readonly by?: string | undefined;
}

/** Up to `limit` items with ids below `after`, newest first. */
export async function listTrash(
  sql: Sql,
  { filter, after, limit }: { filter: TrashFilter; after: number | undefined; limit: number },
): Promise<TrashItem[]> {
  const { path, kind = '', since = 0, by = '' } = filter;
  const from = after ?? Number.MAX_SAFE_INTEGER;
  const rows = await sql.all(page, { ...pathRange(path), kind, since, by, after: from, limit });
  return rows.map(itemOf);
}

/** Repositories and namespaces deleted before `before` (ms), with ids above `after`, oldest first. */
export async function oldPlaces(
  sql: Sql,
  wanted: { before: number; after: number; limit: number },
): Promise<TrashItem[]> {
  return (await sql.all(olderOnes, wanted)).map(itemOf);
}

/** Names of the tags that went with a manifest; of items newer than its own. */
export async function tagsTrashedWith(
  sql: Sql,
  item: { repository: RepositoryId; digest: Digest; id: number },
): Promise<string[]> {
  const { repository, digest, id } = item;
  const rows = await sql.all(tagsDeletedWith, { repository, digest, after: id });
  return [...new Set(rows.flatMap(({ tag }) => (tag === null ? [] : [tag])))];
}

export interface OldTagItem {
  readonly id: number;
  /** Milliseconds since 1970. */
  readonly since: number;
  readonly repository: RepositoryId;
  readonly name: string;
}

/** Tags deleted before `before`, the longest ago first; not of repositories that lie in the trash themselves. */
export function oldTagItems(
  sql: Sql,
  page: { since: number; after: number; before: number; limit: number },
): Promise<OldTagItem[]> {
  return sql.all(oldTags, page);
}

/** When the tag was deleted that lies in the trash the longest (ms). */
export async function oldestTagItem(sql: Sql): Promise<number | undefined> {
  return (await sql.first(oldestTag, {}))?.at;
}

/** Their time in the trash is over; what they pointed at stands in their history. @returns how many went. */
export function forgetTagItems(tx: Transaction, items: readonly number[]): Promise<number> {
  return tx.run(dropTags, { items: JSON.stringify(items) });
}

export async function removeTrashItem(tx: Transaction, id: number): Promise<void> {
  await tx.run(removeRow, { id });
}

export async function hideTrashItem(
  tx: Transaction,
  item: { id: number; hiddenPath: string },
): Promise<void> {
  await tx.run(setHidden, item);
}

/** What lies in the trash of repositories at a path is found where they are now. */
export async function moveTrashOf(tx: Transaction, path: string): Promise<void> {
  if (!isHidden(path)) await tx.run(follow, pathRange(path));
}
