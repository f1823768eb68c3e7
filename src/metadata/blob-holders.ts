// Which repositories hold blobs: by a right or as a manifest. And which repositories there are at a path, with
// those of it that lie in the trash under a hidden name (`~12`, above every name in byte order).
import { sql as raw } from 'kysely';
import type { BlobId } from './blobs.ts';
import { wantedIds } from './fragments.ts';
import { pathRange } from './path-range.ts';
import type { RepositoryId } from './repositories.ts';
import type { Sql } from './sql.ts';
import { type Engine, statement } from './statement.ts';

const HIDDEN = '~';

/** A repository alone, or a path with what lies below it and what of that is in the trash. */
export type Inside =
  | { readonly repository: RepositoryId }
  | { readonly path: string; readonly hidden: readonly string[] };

/** `live`: somewhere it is used. `history`: only trash and history have it. `nobody`: not there at all. */
export type Holder = 'live' | 'history' | 'nobody';

interface InsideParameters {
  blobs: string;
  repository: number;
  path: string;
  below: string;
  before: string;
  hidden: string;
}

/** Of the row `r`. The parameter stands in a list of its own, so that SQLite reads it once. */
function isOutside(engine: Engine, p: InsideParameters) {
  const top =
    engine === 'sqlite'
      ? raw`substr(r.name, 1, instr(r.name || '/', '/') - 1)`
      : raw`split_part(r.name, '/', 1)`;
  const list =
    engine === 'sqlite'
      ? raw`select value from json_each(${p.hidden})`
      : raw`select value from json_array_elements_text(${p.hidden}::text::json)`;
  return raw<boolean>`r.id <> ${p.repository} and r.name <> ${p.path}
    and not (r.name >= ${p.below} and r.name < ${p.before})
    and not (r.name >= ${HIDDEN} and ${top} in (${list}))`;
}

const outside = statement<InsideParameters>()((q, p, engine) => {
  const holds = (table: 'repository_blobs' | 'manifests', isLive: boolean) => {
    const live =
      table === 'manifests'
        ? raw`h.deleted_at is null and h.released_at is null`
        : raw`h.deleted_at is null and h.is_counted = 1`;
    return raw<boolean>`exists (select 1 from ${raw.table(table)} h
      join repositories r on r.id = h.repository_id
      where h.blob_id = wanted.id and ${isOutside(engine, p)}
      ${isLive ? raw`and ${live} and r.name < ${HIDDEN}` : raw``})`;
  };
  return q.selectFrom(wantedIds(engine, p.blobs)).select([
    'wanted.id',
    raw<number>`case
      when ${holds('repository_blobs', true)} or ${holds('manifests', true)} then 2
      when ${holds('repository_blobs', false)} or ${holds('manifests', false)} then 1
      else 0 end`.as('held'),
  ]);
});

interface PageParameters {
  path: string;
  below: string;
  before: string;
  after: string;
  limit: number;
}

const repositoryPage = statement<PageParameters>()((q, p) =>
  q
    .selectFrom('repositories as r')
    .select(['r.id', 'r.name', 'r.listed'])
    .where('r.name', '>=', p.path)
    .where('r.name', '<', p.before)
    .where('r.name', '>', p.after)
    .where((e) => e.or([e('r.name', '=', p.path), e('r.name', '>=', p.below)]))
    .orderBy('r.name')
    .limit(p.limit),
);

const hiddenWithin = statement<{ path: string; below: string; before: string }>()((q, p) =>
  q
    .selectFrom('trash')
    .select('hidden_path as hidden')
    .distinct()
    .where('path', '>=', p.path)
    .where('path', '<', p.before)
    .where((e) => e.or([e('path', '=', p.path), e('path', '>=', p.below)]))
    .where('hidden_path', 'is not', null),
);

/** Ids looked up by one statement. */
const PAGE = 1_000;
const KINDS: readonly Holder[] = ['nobody', 'history', 'live'];

/** Who else holds each of the blobs: somebody outside of the repository, or of the path. */
export async function holdersOutside(
  sql: Sql,
  { blobs, inside }: { blobs: readonly BlobId[]; inside: Inside },
): Promise<Map<BlobId, Holder>> {
  const found = new Map<BlobId, Holder>();
  // A range that no name lies in, or an id that none has.
  const where =
    'repository' in inside
      ? { repository: inside.repository, path: '', below: HIDDEN, before: HIDDEN, hidden: '[]' }
      : { repository: 0, ...pathRange(inside.path), hidden: JSON.stringify(inside.hidden) };
  for (let start = 0; start < blobs.length; start += PAGE) {
    const page = JSON.stringify(blobs.slice(start, start + PAGE));
    for (const { id, held } of await sql.all(outside, { ...where, blobs: page })) {
      found.set(id, KINDS[held] as Holder);
    }
  }
  return found;
}

export interface RepositoryAt {
  readonly id: RepositoryId;
  readonly name: string;
  /** As in `RepositoryTable`. */
  readonly listed: number;
}

/** At a path and below it, also those that are not listed: up to `limit` after `after`, in byte order. */
export function repositoriesWithin(
  sql: Sql,
  page: { path: string; after: string; limit: number },
): Promise<RepositoryAt[]> {
  return sql.all(repositoryPage, { ...pathRange(page.path), ...page });
}

/** Where repositories and namespaces lie in the trash that were at the path or below it. */
export async function hiddenPathsWithin(sql: Sql, path: string): Promise<string[]> {
  return (await sql.all(hiddenWithin, pathRange(path))).map(({ hidden }) => hidden as string);
}
