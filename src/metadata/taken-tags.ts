// Names of deleted tags that their trash keeps taken.
import { type Digest, parseDigest } from '../oci/digest.ts';
import type { Tag } from '../oci/tag.ts';
import type { RepositoryId } from './repositories.ts';
import type { Sql } from './sql.ts';
import { statement } from './statement.ts';

const lastTrashed = statement<{ repository: number; tag: string }>()((q, p) =>
  q
    .selectFrom('trash')
    .select('digest')
    .where('repository_id', '=', p.repository)
    .where('kind', '=', 'tag')
    .where('tag', '=', p.tag)
    .orderBy('id', 'desc')
    .limit(1),
);

/** What a tag in the trash pointed at when it was deleted last; undefined when there is none. */
export async function lastTrashedTag(
  sql: Sql,
  key: { repository: RepositoryId; tag: Tag },
): Promise<Digest | undefined> {
  const digest = (await sql.first(lastTrashed, key))?.digest ?? undefined;
  return digest === undefined ? undefined : parseDigest(digest);
}
