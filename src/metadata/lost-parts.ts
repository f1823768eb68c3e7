// Whether every tag has all that it needs: what its manifest names is held by its repository, and what
// those name. A check of the whole registry, page by page; nothing that a request asks.
import { type Digest, digestFromBytes } from '../oci/digest.ts';
import { wantedIds } from './fragments.ts';
import type { Sql } from './sql.ts';
import { statement } from './statement.ts';

const tagPage = statement<{ after: number; limit: number }>()((q, p) =>
  q
    .selectFrom('tags')
    .select('id')
    .where('id', '>', p.after)
    .where('manifest_id', 'is not', null)
    .orderBy('id')
    .limit(p.limit),
);

const lost = statement<{ tags: string; limit: number }>()((q, p, engine) =>
  q
    .withRecursive('needed(tag_id, repository_id, blob_id, kind)', (e) =>
      e
        .selectFrom(wantedIds(engine, p.tags))
        .innerJoin('tags as t', 't.id', 'wanted.id')
        .innerJoin('manifests as m', 'm.id', 't.manifest_id')
        .select((x) => [
          't.id as tag_id',
          't.repository_id',
          'm.blob_id',
          x.cast<string>(x.val('manifest'), 'text').as('kind'),
        ])
        .union(
          e
            .selectFrom('needed as n')
            .innerJoin('manifests as m', (j) =>
              j
                .onRef('m.repository_id', '=', 'n.repository_id')
                .onRef('m.blob_id', '=', 'n.blob_id'),
            )
            .innerJoin('manifest_references as ref', 'ref.parent_id', 'm.id')
            .select(['n.tag_id', 'n.repository_id', 'ref.child_id as blob_id', 'ref.kind'])
            .where('n.kind', '=', 'manifest')
            .where('ref.kind', 'not in', ['subject', 'foreign']),
        ),
    )
    .selectFrom('needed as n')
    .innerJoin('blobs as b', 'b.id', 'n.blob_id')
    .innerJoin('tags as t', 't.id', 'n.tag_id')
    .innerJoin('repositories as r', 'r.id', 'n.repository_id')
    .leftJoin('manifests as m', (j) =>
      j
        .onRef('m.repository_id', '=', 'n.repository_id')
        .onRef('m.blob_id', '=', 'n.blob_id')
        .on('m.deleted_at', 'is', null),
    )
    .leftJoin('repository_blobs as rb', (j) =>
      j
        .onRef('rb.repository_id', '=', 'n.repository_id')
        .onRef('rb.blob_id', '=', 'n.blob_id')
        .on('rb.deleted_at', 'is', null),
    )
    .select(['r.name as repository', 't.name as tag', 'b.digest', 'n.kind', 'b.state'])
    .where((e) =>
      e.or([
        e('b.state', '<>', 'stored'),
        // The child of an index is a manifest, or a blob as in the cache that buildx keeps.
        e.and([e('n.kind', '=', 'manifest'), e('m.id', 'is', null), e('rb.blob_id', 'is', null)]),
        e.and([e('n.kind', '<>', 'manifest'), e('rb.blob_id', 'is', null)]),
      ]),
    )
    .orderBy('n.tag_id')
    .limit(p.limit),
);

export interface LostPart {
  readonly repository: string;
  readonly tag: string;
  readonly digest: Digest;
  /** `config`, `layer` or `manifest`. */
  readonly kind: string;
  /** Nobody has its bytes, in any repository. */
  readonly isAbsent: boolean;
}

/** Tags looked at in one statement. */
const PAGE = 100;

export interface LostPartsPage {
  readonly lost: readonly LostPart[];
  readonly tags: number;
  /** Id of the last tag looked at; undefined: there are no more. */
  readonly next: number | undefined;
}

/** Looks at the next tags with ids above `after`; at most `limit` lost parts of them. */
export async function readLostParts(
  sql: Sql,
  { after, limit }: { after: number; limit: number },
): Promise<LostPartsPage> {
  const page = await sql.all(tagPage, { after, limit: PAGE });
  const tags = JSON.stringify(page.map(({ id }) => id));
  const rows = page.length === 0 ? [] : await sql.all(lost, { tags, limit });
  return {
    lost: rows.map(({ digest, state, ...row }) => ({
      ...row,
      digest: digestFromBytes(digest),
      isAbsent: state !== 'stored',
    })),
    tags: page.length,
    next: page.length < PAGE ? undefined : page.at(-1)?.id,
  };
}
