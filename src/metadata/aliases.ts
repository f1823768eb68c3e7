// Old names that still answer for a time, and stay reserved so long. They are few: a node keeps them all in
// memory until the revision of access changes.
import { sql as raw } from 'kysely';
import { RegistryError } from '../oci/errors.ts';
import { pathAndAbove } from '../oci/repository-name.ts';
import { wantedNames } from './fragments.ts';
import { pathRange } from './path-range.ts';
import type { Sql, Transaction } from './sql.ts';
import { statement } from './statement.ts';

export interface Alias {
  /** The old name, of a repository or namespace: what lies below it is meant too. */
  readonly path: string;
  readonly target: string;
  /** Milliseconds since 1970. */
  readonly until: number;
  readonly actor: string;
  readonly createdAt: number;
}

const ALIAS = ['path', 'target', 'until', 'actor', 'created_at as createdAt'] as const;

const living = statement<{ now: number }>()((q, p) =>
  q.selectFrom('aliases').select(ALIAS).where('until', '>', p.now).orderBy('path'),
);

const one = statement<{ path: string }>()((q, p) =>
  q.selectFrom('aliases').select(ALIAS).where('path', '=', p.path),
);

const within = statement<{
  path: string;
  below: string;
  before: string;
  now: number;
  after: string;
  limit: number;
}>()((q, p) =>
  q
    .selectFrom('aliases')
    .select(ALIAS)
    .where('until', '>', p.now)
    .where('path', '>', p.after)
    .where((e) =>
      e.or([
        e('target', '=', p.path),
        e.and([e('target', '>=', p.below), e('target', '<', p.before)]),
      ]),
    )
    .orderBy('path')
    .limit(p.limit),
);

const holding = statement<{ paths: string; now: number }>()((q, p, engine) =>
  q
    .selectFrom(wantedNames(engine, p.paths))
    .crossJoin('aliases as a')
    .select(['a.path', 'a.target', 'a.until', 'a.actor', 'a.created_at as createdAt'])
    .whereRef('a.path', '=', 'wanted.name')
    .where('a.until', '>', p.now)
    .orderBy(raw`length(a.path)`, 'desc')
    .limit(1),
);

const reservedWithin = statement<{ path: string; below: string; before: string; now: number }>()(
  (q, p) =>
    q
      .selectFrom('aliases')
      .select(ALIAS)
      .where('until', '>', p.now)
      .where((e) =>
        e.or([e('path', '=', p.path), e.and([e('path', '>=', p.below), e('path', '<', p.before)])]),
      )
      .orderBy('path')
      .limit(1),
);

const put = statement<{
  path: string;
  target: string;
  until: number;
  actor: string;
  now: number;
}>()((q, p) =>
  q
    .insertInto('aliases')
    .values({
      path: p.path,
      target: p.target,
      until: p.until,
      actor: p.actor,
      created_at: p.now,
    })
    .onConflict((c) =>
      c
        .column('path')
        .doUpdateSet({ target: p.target, until: p.until, actor: p.actor, created_at: p.now }),
    ),
);

const remove = statement<{ path: string }>()((q, p) =>
  q.deleteFrom('aliases').where('path', '=', p.path),
);

const removeTo = statement<{ path: string; below: string; before: string }>()((q, p) =>
  q
    .deleteFrom('aliases')
    .where((e) =>
      e.or([
        e('target', '=', p.path),
        e.and([e('target', '>=', p.below), e('target', '<', p.before)]),
      ]),
    ),
);

const removeToOne = statement<{ path: string }>()((q, p) =>
  q.deleteFrom('aliases').where('target', '=', p.path),
);

const retarget = statement<{
  path: string;
  below: string;
  before: string;
  to: string;
  cut: number;
}>()((q, p) =>
  q
    .updateTable('aliases')
    .set({
      target: raw<string>`cast(${p.to} as text) || substr(target, cast(${p.cut} as integer) + 1)`,
    })
    .where((e) =>
      e.or([
        e('target', '=', p.path),
        e.and([e('target', '>=', p.below), e('target', '<', p.before)]),
      ]),
    ),
);

const retargetOne = statement<{ path: string; to: string }>()((q, p) =>
  q.updateTable('aliases').set({ target: p.to }).where('target', '=', p.path),
);

const expired = statement<{ now: number }>()((q, p) =>
  q.deleteFrom('aliases').where('until', '<=', p.now),
);

/** Every old name that still answers. */
export function livingAliases(sql: Sql, now: number): Promise<Alias[]> {
  return sql.all(living, { now });
}

export function readAlias(sql: Sql, path: string): Promise<Alias | undefined> {
  return sql.first(one, { path });
}

/** Those whose target lies at a path or below it: up to `limit` after `after`. */
export function aliasesTo(
  sql: Sql,
  page: { path: string; now: number; after: string; limit: number },
): Promise<Alias[]> {
  return sql.all(within, { ...pathRange(page.path), ...page });
}

/** The old name at a path or above it that reserves the path, the nearest one. */
export async function reservingAlias(tx: Transaction, path: string): Promise<Alias | undefined> {
  const paths = JSON.stringify(pathAndAbove(path));
  return tx.first(holding, { paths, now: await tx.now() });
}

/** An old name at a path or below it. */
export async function aliasWithin(tx: Transaction, path: string): Promise<Alias | undefined> {
  return tx.first(reservedWithin, { ...pathRange(path), now: await tx.now() });
}

/**
 * Nothing new is made at an old name or below it. Who asks may not be meant to know the new one.
 * @throws RegistryError DENIED
 */
export async function refuseReserved(tx: Transaction, path: string): Promise<void> {
  const alias = await reservingAlias(tx, path);
  if (alias === undefined) return;
  const until = new Date(alias.until).toISOString();
  throw new RegistryError(
    'DENIED',
    `"${alias.path}" is the old name of what was renamed and stays reserved until ${until}. Use another name, or have the old one ended by who manages the new one: entrepot alias end ${alias.path}`,
    { path: alias.path, until },
  );
}

export async function putAlias(
  tx: Transaction,
  alias: { path: string; target: string; until: number; actor: string },
): Promise<void> {
  await tx.run(put, { ...alias, now: await tx.now() });
}

/** @returns false when there was none. */
export async function deleteAlias(tx: Transaction, path: string): Promise<boolean> {
  return (await tx.run(remove, { path })) > 0;
}

/** Old names of what goes away. @returns how many. */
export function deleteAliasesTo(
  tx: Transaction,
  place: { path: string; isWhole: boolean },
): Promise<number> {
  const { path, isWhole } = place;
  return isWhole ? tx.run(removeTo, pathRange(path)) : tx.run(removeToOne, { path });
}

/** Older names follow at once, so that no chain is ever walked and no loop is possible. */
export async function retargetAliases(
  tx: Transaction,
  move: { from: { path: string; isWhole: boolean }; to: string },
): Promise<void> {
  const { from, to } = move;
  if (from.isWhole) {
    await tx.run(retarget, { ...pathRange(from.path), to, cut: from.path.length });
  } else await tx.run(retargetOne, { path: from.path, to });
}

export function trimAliases(tx: Transaction, now: number): Promise<number> {
  return tx.run(expired, { now });
}
