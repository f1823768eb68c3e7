// Tags in which tools keep something about an image beside it: `sha256-<hex>` and `sha256-<hex>.sig`.
import type { Tag } from '../oci/tag.ts';
import type { RepositoryId } from './repositories.ts';
import type { Sql } from './sql.ts';
import { statement } from './statement.ts';

const named = statement<{ repository: number; base: string; from: string; before: string }>()(
  (q, p) =>
    q
      .selectFrom('tags')
      .select('name')
      .where('repository_id', '=', p.repository)
      .where('manifest_id', 'is not', null)
      .where('name', '>=', p.base)
      .where('name', '<', p.before)
      .where((e) => e.or([e('name', '=', p.base), e('name', '>=', p.from)]))
      .orderBy('name'),
);

/** The tags of a repository that are `base` (see `referrersTag`) or begin with it and a dot. */
export async function tagsAbout(
  sql: Sql,
  { repository, base }: { repository: RepositoryId; base: string },
): Promise<Tag[]> {
  // A slash follows a dot.
  const rows = await sql.all(named, { repository, base, from: `${base}.`, before: `${base}/` });
  return rows.map(({ name }) => name as Tag);
}
