// The tags of a repository, as they are now.
import { z } from '@hono/zod-openapi';
import { type ListedTag, listTagDetails, sizesOfParts } from '../../metadata/tag-list.ts';
import { isTag } from '../../oci/tag.ts';
import type { ApiCall } from './api-call.ts';
import { endpoint } from './endpoint.ts';
import { pageOf, pageSchema } from './page.ts';
import { REPOSITORY, repositoryOf } from './repository-address.ts';
import { TIME, timeOf, timeOrNull } from './shapes.ts';
import { PAGE, readable, TAG_CHAPTER, WHO } from './tag-shapes.ts';

const LISTED = z
  .object({
    name: z.string(),
    digest: z.string(),
    mediaType: z.string(),
    artifactType: z.string().nullable(),
    size: z.int().nullable().openapi({
      description:
        'Bytes of the manifest, its config and its layers; null for an index, whose parts have each their own.',
    }),
    movedAt: TIME,
    movedBy: z.string().nullable(),
    cause: WHO.cause,
    moves: z.int().openapi({ description: 'How often it moved so far.' }),
    pulledAt: TIME.nullable(),
    pulls: z.int(),
  })
  .openapi('Tag');

const list = endpoint({
  method: 'get',
  path: '/repositories/{repository}/tags',
  tag: TAG_CHAPTER,
  summary: 'Tags of a repository, by name',
  may: 'Who may pull there; tags that one may not pull are left out. A page may so have fewer entries than its limit.',
  audience: 'anyone',
  params: z.object({ repository: REPOSITORY }),
  query: z.strictObject({
    ...PAGE,
    prefix: z
      .string()
      .max(128)
      .regex(/^[\w.-]*$/, { error: 'is not how a tag begins' })
      .default('')
      .openapi({ description: 'What their names begin with.' }),
  }),
  result: pageSchema('Tags', LISTED),
  async handle(call, { params, query }) {
    const { id, name: path } = await repositoryOf(call, params.repository);
    const { sql } = call.parts;
    const page = await pageOf(query, {
      key: z.string().refine(isTag),
      read: ({ after, limit }) =>
        listTagDetails(sql, { repository: id, prefix: query.prefix, after, limit }),
      keyOf: ({ name }) => name,
      show: (row) => row,
    });
    const rows = await readable(call, page.items, { path, tagOf: ({ name }) => name });
    const sizes = await sizesOfParts(
      sql,
      rows.map(({ manifestId }) => manifestId),
    );
    return { items: rows.map((row) => showListed(call, row, sizes)), next: page.next };
  },
});

function showListed(
  call: ApiCall,
  row: ListedTag,
  sizes: ReadonlyMap<number, number | undefined>,
): z.input<typeof LISTED> {
  const parts = sizes.has(row.manifestId) ? sizes.get(row.manifestId) : 0;
  return {
    ...row,
    size: parts === undefined ? null : parts + row.manifestSize,
    movedAt: timeOf(row.movedAt),
    movedBy: call.isNobody ? null : row.movedBy,
    moves: row.sequence,
    pulledAt: timeOrNull(row.pulledAt),
  };
}

export const tagEndpoints = [list];
