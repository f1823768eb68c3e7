// Settings that hang on a path, a namespace or a repository, and hold below it: the nearest one wins.
import { sql as raw } from 'kysely';
import { pathAndAbove } from '../oci/repository-name.ts';
import type { Visibility } from './access-schema.ts';
import { wantedNames } from './fragments.ts';
import { pathRange } from './path-range.ts';
import type { Sql, Transaction } from './sql.ts';
import { statement } from './statement.ts';

const nearest = statement<{ paths: string }>()((q, p, engine) =>
  q
    .selectFrom(wantedNames(engine, p.paths))
    .crossJoin('path_settings as s')
    .select('s.visibility')
    .whereRef('s.path', '=', 'wanted.name')
    .where('s.visibility', 'is not', null)
    .orderBy(raw`length(s.path)`, 'desc')
    .limit(1),
);

const holding = statement<{ paths: string }>()((q, p, engine) =>
  q
    .selectFrom(wantedNames(engine, p.paths))
    .crossJoin('path_settings as s')
    .select(['s.path', 's.visibility', 's.creation'])
    .whereRef('s.path', '=', 'wanted.name')
    .orderBy(raw`length(s.path)`),
);

const byPath = statement<{ path: string }>()((q, p) =>
  q.selectFrom('path_settings').select(['visibility', 'creation']).where('path', '=', p.path),
);

interface PageParameters {
  path: string;
  below: string;
  before: string;
  after: string;
  limit: number;
}

const page = statement<PageParameters>()((q, p) =>
  q
    .selectFrom('path_settings')
    .select(['path', 'visibility', 'creation'])
    .where('path', '>', p.after)
    .where('path', '<', p.before)
    .where('path', '>=', p.below)
    .orderBy('path')
    .limit(p.limit),
);

const nearer = statement<{ path: string; below: string; before: string }>()((q, p) =>
  q
    .selectFrom('path_settings')
    .select('path')
    .where('path', '>=', p.below)
    .where('path', '<', p.before)
    .where('path', '<>', p.path)
    .where('visibility', 'is not', null)
    .orderBy('path'),
);

const putRow = statement<{ path: string; visibility: string | null; creation: string | null }>()(
  (q, p) => {
    const values = {
      visibility: p.visibility as Visibility | null,
      creation: p.creation as Creation | null,
    };
    return q
      .insertInto('path_settings')
      .values({ path: p.path, ...values })
      .onConflict((c) => c.column('path').doUpdateSet(values));
  },
);

const deleteRow = statement<{ path: string }>()((q, p) =>
  q.deleteFrom('path_settings').where('path', '=', p.path),
);

const deleteWithin = statement<{ path: string; below: string; before: string }>()((q, p) =>
  q
    .deleteFrom('path_settings')
    .where('path', '>=', p.path)
    .where('path', '<', p.before)
    .where((e) => e.or([e('path', '=', p.path), e('path', '>=', p.below)])),
);

const anyWithin = statement<{ path: string; below: string; before: string }>()((q, p) =>
  q
    .selectFrom('path_settings')
    .select('path')
    .where('path', '>=', p.path)
    .where('path', '<', p.before)
    .where((e) => e.or([e('path', '=', p.path), e('path', '>=', p.below)]))
    .limit(1),
);

const showRange = statement<{ from: string; before: string; visibility: string }>()((q, p) =>
  q
    .updateTable('repositories')
    .set({ visibility: p.visibility as Visibility })
    .where('name', '>=', p.from)
    .where('name', '<', p.before)
    .where('visibility', '<>', p.visibility as Visibility),
);

export type Creation = 'push' | 'explicit';

/** What is set on one path itself; undefined = nothing, what holds above holds here. */
export interface PathSetting {
  readonly visibility: Visibility | undefined;
  readonly creation: Creation | undefined;
}

/** What a new repository of that name shows. */
export async function nearestVisibility(sql: Sql | Transaction, path: string): Promise<Visibility> {
  const row = await sql.first(nearest, { paths: JSON.stringify(pathAndAbove(path)) });
  return row?.visibility ?? 'private';
}

export async function readPathSetting(sql: Sql, path: string): Promise<PathSetting> {
  const row = await sql.first(byPath, { path });
  return { visibility: row?.visibility ?? undefined, creation: row?.creation ?? undefined };
}

/** What is set on a path and on those above it, the root's first: the last one that says something holds. */
export async function settingsHolding(
  sql: Sql,
  path: string,
): Promise<(PathSetting & { readonly path: string })[]> {
  return (await sql.all(holding, { paths: JSON.stringify(pathAndAbove(path)) })).map(settingOf);
}

/** Up to `limit` of the paths below one that have a setting, after `after`, in byte order. */
export async function settingsBelow(
  sql: Sql,
  list: { path: string; after: string; limit: number },
): Promise<(PathSetting & { readonly path: string })[]> {
  const { path, after, limit } = list;
  return (await sql.all(page, { ...pathRange(path), after, limit })).map(settingOf);
}

function settingOf(row: {
  path: string;
  visibility: Visibility | null;
  creation: Creation | null;
}) {
  const { path, visibility, creation } = row;
  return { path, visibility: visibility ?? undefined, creation: creation ?? undefined };
}

/**
 * Sets what stands on a path. Whoever calls it holds `lockAccess`: a repository in the making reads the
 * settings too.
 */
export async function writePathSetting(
  tx: Transaction,
  { path, visibility, creation }: PathSetting & { path: string },
): Promise<void> {
  if (visibility === undefined && creation === undefined) {
    await tx.run(deleteRow, { path });
    return;
  }
  await tx.run(putRow, { path, visibility: visibility ?? null, creation: creation ?? null });
}

/** Whether anything is set on a path or below it. */
export async function isAnythingSet(sql: Sql, path: string): Promise<boolean> {
  return (await sql.first(anyWithin, pathRange(path))) !== undefined;
}

/** Takes away all that is set on a path and below it; as above. @returns how many settings there were. */
export function deleteSettingsWithin(tx: Transaction, path: string): Promise<number> {
  return tx.run(deleteWithin, pathRange(path));
}

/** Works out anew what the repositories at a path and below it show. @returns how many changed. */
export async function showRepositories(tx: Transaction, path: string): Promise<number> {
  const visibility = await nearestVisibility(tx, path);
  const kept = (await tx.all(nearer, pathRange(path))).map((row) => row.path);
  let changed = 0;
  for (const range of rangesBeside(path, kept)) {
    changed += await tx.run(showRange, { ...range, visibility });
  }
  return changed;
}

interface NameRange {
  readonly from: string;
  readonly before: string;
}

/**
 * The names at `path` and below it without those at and below `kept`, as ranges in byte order: those
 * have a nearer setting, and no row of theirs is looked at.
 */
function rangesBeside(path: string, kept: readonly string[]): NameRange[] {
  const holes = kept.flatMap(namesAt).sort((a, b) => (a.from < b.from ? -1 : 1));
  return namesAt(path).flatMap((whole) => {
    const ranges: NameRange[] = [];
    let from = whole.from;
    for (const hole of holes) {
      if (hole.before <= from || hole.from >= whole.before) continue;
      if (hole.from > from) ranges.push({ from, before: hole.from });
      from = hole.before;
    }
    if (from < whole.before) ranges.push({ from, before: whole.before });
    return ranges;
  });
}

/** A path alone, and all below it. No name goes on with a character before `-`. */
function namesAt(path: string): NameRange[] {
  const { below, before } = pathRange(path);
  if (path === '') return [{ from: below, before }];
  return [
    { from: path, before: `${path} ` },
    { from: below, before },
  ];
}
