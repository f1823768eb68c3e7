// Settings that hang on a path, a namespace or a repository, and hold below it: the nearest one wins.
import { sql as raw } from 'kysely';
import { pathAndAbove } from '../oci/repository-name.ts';
import type { Visibility } from './access-schema.ts';
import { wantedNames } from './fragments.ts';
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

/** What a new repository of that name shows. */
export async function nearestVisibility(sql: Sql | Transaction, path: string): Promise<Visibility> {
  const row = await sql.first(nearest, { paths: JSON.stringify(pathAndAbove(path)) });
  return row?.visibility ?? 'private';
}
