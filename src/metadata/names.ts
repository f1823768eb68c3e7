// Where names stand: every column that holds the path of a repository or namespace. Renaming, deleting to the
// trash and restoring change these columns and nothing else; whatever else there is refers to ids.
//
// In the trash a path begins with the number of its item: `~12/team/app`. No request can name that, and it
// stands behind all names in byte order, so that ranges of paths do not meet it.
import { type Compilable, sql as raw } from 'kysely';
import { pathRange } from './path-range.ts';
import { ensureNamespace } from './repositories.ts';
import type { Sql, Transaction } from './sql.ts';
import { type Queries, statement } from './statement.ts';
import { restartScopesWithin } from './usage-moves.ts';

interface NameColumn {
  readonly table: string;
  readonly column: string;
  /** `repository`: names one repository. `path`: holds for all that lies below. */
  readonly of: 'repository' | 'path';
}

/** What moves with a name. */
export const MOVED_COLUMNS: readonly NameColumn[] = [
  { table: 'repositories', column: 'name', of: 'repository' },
  { table: 'uploads', column: 'repository_name', of: 'repository' },
  { table: 'namespaces', column: 'path', of: 'path' },
  { table: 'grants', column: 'path', of: 'path' },
  { table: 'path_settings', column: 'path', of: 'path' },
  { table: 'path_policies', column: 'path', of: 'path' },
  { table: 'robots', column: 'path', of: 'path' },
  { table: 'trust_policies', column: 'path', of: 'path' },
  { table: 'usage_scopes', column: 'path', of: 'path' },
  { table: 'usage_history', column: 'path', of: 'path' },
  { table: 'plans', column: 'path', of: 'path' },
];

/** Columns with a name that do not move with it, and why. A test holds that there are no others. */
export const UNMOVED_COLUMNS: Readonly<Record<string, string>> = {
  'usage_scopes.counted_to': 'a scope that is being counted is begun anew',
  'trash.path': 'where it lay when it was deleted; follows its repository, see moveTrashOf',
  'trash.hidden_path': 'the number of the item itself',
  'aliases.path': 'an old name, which stays',
  'aliases.target': 'see aliases.ts',
  'plan_items.repository': 'the name when the plan was made, for its reader',
  'audit_events.target': 'what it was called then',
};

/** A path with all that lies below it, or the repository of that name alone. */
export interface Place {
  readonly path: string;
  readonly isWhole: boolean;
}

interface MoveParameters {
  path: string;
  below: string;
  before: string;
  to: string;
  /** Characters of the old path. */
  cut: number;
}

/** The same statement for each column: only a template can name its table. */
function moveColumn({ table, column }: NameColumn, isWhole: boolean) {
  return statement<MoveParameters>()((q, p): Compilable<unknown> => {
    const name = raw.ref(column);
    const inRange = isWhole
      ? raw`(${name} = ${p.path} or (${name} >= ${p.below} and ${name} < ${p.before}))`
      : raw`${name} = ${p.path}`;
    const moved = raw`cast(${p.to} as text) || substr(${name}, cast(${p.cut} as integer) + 1)`;
    return template(q, raw`update ${raw.table(table)} set ${name} = ${moved} where ${inRange}`);
  });
}

function template(q: Queries, text: ReturnType<typeof raw>): Compilable<unknown> {
  return { compile: () => text.compile(q) };
}

const moves = MOVED_COLUMNS.map((column) => ({
  ...column,
  whole: moveColumn(column, true),
  alone: moveColumn(column, false),
}));

const setListed = statement<{
  path: string;
  below: string;
  before: string;
  from: number;
  to: number;
}>()((q, p) =>
  q
    .updateTable('repositories')
    .set({ listed: p.to })
    // With the sign no index of listed ones is tried: SQLite finds no plan for that beside the `or`.
    .where(raw<boolean>`+listed = ${p.from}`)
    .where((e) =>
      e.or([e('name', '=', p.path), e.and([e('name', '>=', p.below), e('name', '<', p.before)])]),
    ),
);

const placeRepository = statement<{ name: string; namespace: number }>()((q, p) =>
  q.updateTable('repositories').set({ namespace_id: p.namespace }).where('name', '=', p.name),
);

const placeNamespace = statement<{ path: string; parent: number }>()((q, p) =>
  q.updateTable('namespaces').set({ parent_id: p.parent }).where('path', '=', p.path),
);

/** Of a path where nothing lies: rows that say nothing. */
const LEFT_OVER = [
  (p: RangeParameters) =>
    raw`delete from usage_scopes where path = ${p.path} or (path >= ${p.below} and path < ${p.before})`,
  (p: RangeParameters) =>
    raw`delete from usage_history where path = ${p.path} or (path >= ${p.below} and path < ${p.before})`,
  (p: RangeParameters) =>
    raw`delete from namespaces where path = ${p.path} or (path >= ${p.below} and path < ${p.before})`,
  // Rows of deleted robots and policies stay for history; their names are free.
  (p: RangeParameters) =>
    raw`update robots set path = '~gone/' || id where state = 'deleted'
      and (path = ${p.path} or (path >= ${p.below} and path < ${p.before}))`,
  (p: RangeParameters) =>
    raw`update trust_policies set path = '~gone/' || id where state = 'deleted'
      and (path = ${p.path} or (path >= ${p.below} and path < ${p.before}))`,
] as const;

interface RangeParameters {
  path: string;
  below: string;
  before: string;
}

const clearing = LEFT_OVER.map((make) =>
  statement<RangeParameters>()((q, p): Compilable<unknown> => template(q, make(p))),
);

/** Repositories at a path and below it, locked in one order: pushes to them end first. */
const lockWithin = statement<RangeParameters>()((q, p, engine) => {
  const rows = q
    .selectFrom('repositories')
    .select(['id', 'name', 'listed'])
    .where((e) =>
      e.or([e('name', '=', p.path), e.and([e('name', '>=', p.below), e('name', '<', p.before)])]),
    )
    .orderBy('id');
  return engine === 'postgres' ? rows.forUpdate() : rows;
});

export interface LockedRepository {
  readonly id: number;
  readonly name: string;
  readonly listed: number;
}

/** Locks the repositories of a place: nobody adds to them or takes away until the transaction ends. */
export async function lockPlace(tx: Transaction, place: Place): Promise<LockedRepository[]> {
  const { path, isWhole } = place;
  const range = isWhole ? pathRange(path) : { path, below: path, before: path };
  return tx.all(lockWithin, range);
}

export interface NameMove {
  readonly from: Place;
  readonly to: string;
  /** What stays where it was although it hangs on the path. */
  readonly without?: readonly string[];
}

/**
 * Gives a place its new name, in every table. The new one is free, see `whatLiesAt`; the caller holds
 * `lockAccess` and `lockPlace`.
 */
export async function moveName(tx: Transaction, move: NameMove): Promise<void> {
  const { from, to, without = [] } = move;
  const range = pathRange(from.path);
  if (from.isWhole) {
    for (const one of clearing) await tx.run(one, pathRange(to));
    await restartScopesWithin(tx, from.path);
  }
  const parameters = { ...range, to, cut: from.path.length };
  for (const { table, of, whole, alone } of moves) {
    if (without.includes(table)) continue;
    if (from.isWhole) await tx.run(whole, parameters);
    else if (of === 'repository') await tx.run(alone, parameters);
  }
  const parent = await ensureNamespace(tx, isHidden(to) ? '' : parentOf(to), await tx.now());
  if (from.isWhole) await tx.run(placeNamespace, { path: to, parent });
  await tx.run(placeRepository, { name: to, namespace: parent });
  const listed = { ...pathRange(to) };
  if (isHidden(to)) await tx.run(setListed, { ...listed, from: 1, to: 2 });
  else await tx.run(setListed, { ...listed, from: 2, to: 1 });
}

export function isHidden(path: string): boolean {
  return path.startsWith('~');
}

/** Where an item of the trash lies: its number, before the name that it had. */
export function hiddenPath(item: number, path: string): string {
  return `~${item}/${path}`;
}

/** '' for one part. */
export function parentOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? '' : path.slice(0, slash);
}

/** What stands at a path and below it, in numbers. */
export interface PlaceContents {
  readonly repositories: number;
  readonly listed: number;
  readonly grants: number;
  readonly settings: number;
  readonly policies: number;
  readonly robots: number;
  readonly trustPolicies: number;
}

const standing = statement<RangeParameters>()((q, p): Compilable<PlaceContents> => {
  const count = (table: string, column: string, more = raw``) =>
    raw`(select count(*) from ${raw.table(table)} where (${raw.ref(column)} = ${p.path}
      or (${raw.ref(column)} >= ${p.below} and ${raw.ref(column)} < ${p.before})) ${more})`;
  const active = raw`and state <> 'deleted'`;
  const text = raw<PlaceContents>`select ${count('repositories', 'name')} as repositories,
    ${count('repositories', 'name', raw`and listed > 0`)} as listed,
    ${count('grants', 'path')} as grants, ${count('path_settings', 'path')} as settings,
    ${count('path_policies', 'path')} as policies, ${count('robots', 'path', active)} as robots,
    ${count('trust_policies', 'path', active)} as "trustPolicies"`;
  return { compile: () => text.compile(q) };
});

export async function whatLiesAt(sql: Sql, path: string): Promise<PlaceContents> {
  const row = await sql.first(standing, pathRange(path));
  return {
    repositories: Number(row?.repositories ?? 0),
    listed: Number(row?.listed ?? 0),
    grants: Number(row?.grants ?? 0),
    settings: Number(row?.settings ?? 0),
    policies: Number(row?.policies ?? 0),
    robots: Number(row?.robots ?? 0),
    trustPolicies: Number(row?.trustPolicies ?? 0),
  };
}

const anyBelow = statement<{ below: string; before: string }>()((q, p) =>
  q
    .selectFrom('repositories')
    .select('id')
    .where('name', '>=', p.below)
    .where('name', '<', p.before)
    .limit(1),
);

/** Whether repositories lie below a path, which its settings and grants are for as well. */
export async function isAnyRepositoryBelow(sql: Sql, path: string): Promise<boolean> {
  const { below, before } = pathRange(path);
  return (await sql.first(anyBelow, { below, before })) !== undefined;
}
