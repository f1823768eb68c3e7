// What is shown of one repository, found by its name or its id. What lies in the trash under a hidden
// name is none: its name is no name of a repository.
import { sql as raw } from 'kysely';
import { isRepositoryName, type RepositoryName } from '../oci/repository-name.ts';
import type { Visibility } from './access-schema.ts';
import type { RepositoryId } from './repositories.ts';
import type { Sql } from './sql.ts';
import { statement } from './statement.ts';

export interface RepositoryDetails {
  readonly id: RepositoryId;
  readonly name: RepositoryName;
  readonly visibility: Visibility;
  readonly createdAt: number;
}

const DETAILS = ['id', 'name', 'visibility', 'created_at as createdAt'] as const;

const byId = statement<{ id: number }>()((q, p) =>
  q.selectFrom('repositories').select(DETAILS).where('id', '=', p.id),
);

const byName = statement<{ name: string }>()((q, p) =>
  q.selectFrom('repositories').select(DETAILS).where('name', '=', p.name),
);

const someTags = statement<{ repository: number; limit: number }>()((q, p) =>
  q
    .selectFrom(
      q
        .selectFrom('tags')
        .select('id')
        .where('repository_id', '=', p.repository)
        // Written out, so that the partial index is seen to fit.
        .where(raw<boolean>`manifest_id is not null`)
        .limit(p.limit)
        .as('some'),
    )
    .select((e) => e.fn.countAll<number>().as('count')),
);

const someManifests = statement<{ repository: number; limit: number }>()((q, p) =>
  q
    .selectFrom(
      q
        .selectFrom('manifests')
        .select('id')
        .where('repository_id', '=', p.repository)
        .where('deleted_at', 'is', null)
        .limit(p.limit)
        .as('some'),
    )
    .select((e) => e.fn.countAll<number>().as('count')),
);

type DetailsRow = Omit<RepositoryDetails, 'name'> & { readonly name: string };

function shown(row: DetailsRow | undefined): RepositoryDetails | undefined {
  if (row === undefined) return undefined;
  const { name } = row;
  return isRepositoryName(name) ? { ...row, name } : undefined;
}

export async function findRepositoryById(
  sql: Sql,
  id: RepositoryId,
): Promise<RepositoryDetails | undefined> {
  return shown(await sql.first(byId, { id }));
}

export async function findRepositoryByName(
  sql: Sql,
  name: RepositoryName,
): Promise<RepositoryDetails | undefined> {
  return shown(await sql.first(byName, { name }));
}

export interface RepositoryCounts {
  readonly tags: number;
  /** Also those that no tag holds, but not what was deleted. */
  readonly manifests: number;
}

/** Counts no further than `limit`: whoever asks waits for it. */
export async function countInRepository(
  sql: Sql,
  page: { repository: RepositoryId; limit: number },
): Promise<RepositoryCounts> {
  const tags = await sql.first(someTags, page);
  const manifests = await sql.first(someManifests, page);
  return { tags: Number(tags?.count ?? 0), manifests: Number(manifests?.count ?? 0) };
}
