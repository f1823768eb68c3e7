// Repositories and the namespaces they lie in.
import { sql as raw } from 'kysely';
import type { RepositoryName } from '../oci/repository-name.ts';
import { namespaceOf } from '../oci/repository-name.ts';
import { holdAccess } from './access-facts.ts';
import type { Visibility } from './access-schema.ts';
import { refuseReserved } from './aliases.ts';
import { kept, locked } from './fragments.ts';
import { pathRange } from './path-range.ts';
import { nearestVisibility } from './path-settings.ts';
import type { Sql, Transaction } from './sql.ts';
import { statement } from './statement.ts';
import { ensureScope } from './usage-scopes.ts';

export type RepositoryId = number;

const byName = statement<{ name: string }>()((q, p) =>
  q.selectFrom('repositories').select(['id', 'listed']).where('name', '=', p.name),
);

/** Held by everyone who adds to a repository: see `lockRepository`. */
const byNameKept = statement<{ name: string }>()((q, p, engine) =>
  kept(engine, q.selectFrom('repositories').select('id').where('name', '=', p.name)),
);

const byNameLocked = statement<{ name: string }>()((q, p, engine) =>
  locked(engine, q.selectFrom('repositories').select('id').where('name', '=', p.name)),
);

interface RepositoryParameters {
  name: string;
  namespace: number;
  visibility: Visibility;
  now: number;
}

const insertRepository = statement<RepositoryParameters>()((q, p) =>
  q
    .insertInto('repositories')
    .values({
      name: p.name,
      namespace_id: p.namespace,
      listed: 0,
      visibility: p.visibility,
      created_at: p.now,
    })
    .onConflict((c) => c.column('name').doNothing()),
);

const namespaceByPath = statement<{ path: string }>()((q, p) =>
  q.selectFrom('namespaces').select('id').where('path', '=', p.path),
);

const insertNamespace = statement<{ path: string; parent: number; now: number }>()((q, p) =>
  q
    .insertInto('namespaces')
    .values({ path: p.path, parent_id: p.parent, created_at: p.now })
    .onConflict((c) => c.column('path').doNothing()),
);

const anyWithin = statement<{ path: string; below: string; before: string }>()((q, p) =>
  q
    .selectFrom('repositories')
    .select('name')
    .where('name', '>=', p.path)
    .where('name', '<', p.before)
    .where((e) => e.or([e('name', '=', p.path), e('name', '>=', p.below)]))
    .orderBy('name')
    .limit(1),
);

const setListed = statement<{ id: number }>()((q, p) =>
  q.updateTable('repositories').set({ listed: 1 }).where('id', '=', p.id).where('listed', '=', 0),
);

const listedPage = statement<{ last: string; limit: number }>()((q, p) =>
  q
    .selectFrom('repositories')
    .select('name')
    // Written out, so that the partial index is seen to fit.
    .where(raw<boolean>`listed = 1`)
    .where('name', '>', p.last)
    .orderBy('name')
    .limit(p.limit),
);

/** All that begins with a text, in byte order: after `from`, before `to`. */
const listedRange = statement<{ last: string; from: string; to: string; limit: number }>()((q, p) =>
  q
    .selectFrom('repositories')
    .select('name')
    .where(raw<boolean>`listed = 1`)
    .where('name', '>', p.last)
    .where('name', '>=', p.from)
    .where('name', '<', p.to)
    .orderBy('name')
    .limit(p.limit),
);

const listedOf = statement<{ visibility: Visibility; last: string; limit: number }>()((q, p) =>
  q
    .selectFrom('repositories')
    .select('name')
    .where(raw<boolean>`listed = 1 and visibility <> 'private'`)
    .where('visibility', '=', p.visibility)
    .where('name', '>', p.last)
    .orderBy('name')
    .limit(p.limit),
);

const isListed = statement<{ name: string }>()((q, p) =>
  q.selectFrom('repositories').select('id').where('name', '=', p.name).where('listed', '=', 1),
);

export async function findRepository(
  sql: Sql,
  name: RepositoryName,
): Promise<RepositoryId | undefined> {
  return (await sql.first(byName, { name }))?.id;
}

/** The repository of that name; it is not taken away from, see below, until the transaction ends. */
export async function keepRepository(
  tx: Transaction,
  name: RepositoryName,
): Promise<RepositoryId | undefined> {
  return (await tx.first(byNameKept, { name }))?.id;
}

/**
 * The repository of that name, alone: nobody adds to it until the transaction ends. Whoever takes
 * something away asks first whether a tag needs it, at any depth; a push that does not see the
 * removal and is not seen by it would leave that tag with a lost part.
 */
export async function lockRepository(
  tx: Transaction,
  name: RepositoryName,
): Promise<RepositoryId | undefined> {
  return (await tx.first(byNameLocked, { name }))?.id;
}

/** As `keepRepository`; made with its namespaces when it is new. */
export async function ensureRepository(
  tx: Transaction,
  name: RepositoryName,
): Promise<RepositoryId> {
  const known = await keepRepository(tx, name);
  if (known !== undefined) return known;
  const now = await tx.now();
  // A change of visibility or of a name that runs at this moment would neither see this row nor be seen by it.
  await holdAccess(tx);
  await refuseReserved(tx, name);
  const namespace = await ensureNamespace(tx, namespaceOf(name), now);
  const visibility = await nearestVisibility(tx, name);
  await tx.run(insertRepository, { name, namespace, visibility, now });
  return (await keepRepository(tx, name)) as RepositoryId;
}

/** The namespace of that path, made with those above it when it is new. */
export async function ensureNamespace(tx: Transaction, path: string, now: number): Promise<number> {
  const known = await tx.first(namespaceByPath, { path });
  if (known !== undefined) return known.id;
  const slash = path.lastIndexOf('/');
  const parent = await ensureNamespace(tx, slash < 0 ? '' : path.slice(0, slash), now);
  await tx.run(insertNamespace, { path, parent, now });
  // What a top namespace uses is counted from its first repository on.
  if (slash < 0) {
    const isEmpty = (await anyRepositoryAt(tx, path)) === undefined;
    await ensureScope(tx, { path, state: isEmpty ? 'exact' : 'counting' });
  }
  return (await tx.first(namespaceByPath, { path }))?.id as number;
}

/** From now on the repository appears in listings. @returns false when it did before. */
export async function listRepository(tx: Transaction, id: RepositoryId): Promise<boolean> {
  return (await tx.run(setListed, { id })) > 0;
}

/** Up to `limit` names after `last`, in byte order. */
export async function listedRepositories(
  sql: Sql,
  page: { last: string; limit: number },
): Promise<string[]> {
  return (await sql.all(listedPage, page)).map((row) => row.name);
}

/** Those at a path and below it: up to `limit` names after `last`, in byte order. */
export async function listedRepositoriesAt(
  sql: Sql,
  page: { path: string; last: string; limit: number },
): Promise<string[]> {
  const { path, last, limit } = page;
  if (path === '') return listedRepositories(sql, { last, limit });
  // `team-b` stands between `team` and `team/app`.
  const at = { last, from: path, to: `${path}\u0001`, limit: 1 };
  const below = { last, from: `${path}/`, to: `${path}0`, limit };
  const rows = [...(await sql.all(listedRange, at)), ...(await sql.all(listedRange, below))];
  return rows.slice(0, limit).map((row) => row.name);
}

/** Those that are `public` or `internal`: up to `limit` names after `last`, in byte order. */
export async function listedRepositoriesOf(
  sql: Sql,
  page: { visibility: Visibility; last: string; limit: number },
): Promise<string[]> {
  return (await sql.all(listedOf, page)).map((row) => row.name);
}

/** Whether it holds a manifest or was made by hand. */
export async function isRepositoryListed(sql: Sql, name: string): Promise<boolean> {
  return (await sql.first(isListed, { name })) !== undefined;
}

/** The first repository at a path or below it, listed or not; undefined when there is none. */
export async function anyRepositoryAt(sql: Sql, path: string): Promise<string | undefined> {
  return (await sql.first(anyWithin, pathRange(path)))?.name;
}
