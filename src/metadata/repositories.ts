// Repositories and the namespaces they lie in.
import { sql as raw } from 'kysely';
import type { RepositoryName } from '../oci/repository-name.ts';
import { namespaceOf } from '../oci/repository-name.ts';
import type { Visibility } from './access-schema.ts';
import { kept, locked } from './fragments.ts';
import { nearestVisibility } from './path-settings.ts';
import type { Sql, Transaction } from './sql.ts';
import { statement } from './statement.ts';

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
  const namespace = await ensureNamespace(tx, namespaceOf(name), now);
  const visibility = await nearestVisibility(tx, name);
  await tx.run(insertRepository, { name, namespace, visibility, now });
  return (await keepRepository(tx, name)) as RepositoryId;
}

async function ensureNamespace(tx: Transaction, path: string, now: number): Promise<number> {
  const known = await tx.first(namespaceByPath, { path });
  if (known !== undefined) return known.id;
  const slash = path.lastIndexOf('/');
  const parent = await ensureNamespace(tx, slash < 0 ? '' : path.slice(0, slash), now);
  await tx.run(insertNamespace, { path, parent, now });
  return (await tx.first(namespaceByPath, { path }))?.id as number;
}

/** From now on the repository appears in listings. */
export async function listRepository(tx: Transaction, id: RepositoryId): Promise<void> {
  await tx.run(setListed, { id });
}

/** Up to `limit` names after `last`, in byte order. */
export async function listedRepositories(
  sql: Sql,
  page: { last: string; limit: number },
): Promise<string[]> {
  return (await sql.all(listedPage, page)).map((row) => row.name);
}
