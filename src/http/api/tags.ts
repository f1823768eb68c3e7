// Tags: what they are now, what each of them was, and which of them a manifest ever had.
import { z } from '@hono/zod-openapi';
import { type Remains, remainsOf, windowAt } from '../../lifecycle/history/remains.ts';
import { findBlobId } from '../../metadata/blobs.ts';
import { type PastTagEvent, readTagEvents, readVisits } from '../../metadata/tag-history.ts';
import { type ListedTag, listTagDetails, sizesOfParts } from '../../metadata/tag-list.ts';
import { type Digest, isDigest } from '../../oci/digest.ts';
import { RegistryError } from '../../oci/errors.ts';
import { isTag, type Tag } from '../../oci/tag.ts';
import type { ApiCall } from './api-call.ts';
import { endpoint } from './endpoint.ts';
import { PAGE_QUERY, pageOf, pageSchema, readCursor, writeCursor } from './page.ts';
import { REPOSITORY, repositoryOf } from './repository-address.ts';
import { TIME, timeOf, timeOrNull } from './shapes.ts';

const CHAPTER = 'Tags';
const MAY = 'Who may pull there; tags that one may not pull are left out.';

/** Each row is read with five others: more of them would keep other requests waiting. */
const LONGEST_PAGE = 200;

const PAGE = {
  ...PAGE_QUERY,
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(LONGEST_PAGE)
    .default(100)
    .openapi({ description: 'Entries of a page.' }),
};

/** For the parameters of an endpoint. */
export const TAG = z
  .string()
  .refine((text): text is Tag => isTag(text), { error: 'is not a tag' })
  .openapi({ type: 'string', description: 'A tag.', example: 'v1' });

export const DIGEST = z
  .string()
  .refine((text): text is Digest => isDigest(text), { error: 'is not a digest' })
  .openapi({ type: 'string', description: 'A digest.', example: `sha256:${'0'.repeat(64)}` });

const WHO = {
  actor: z
    .string()
    .nullable()
    .openapi({ description: 'Who moved it; null to nobody in particular.' }),
  principal: z.string().nullable().openapi({ example: 'user:12' }),
  credential: z
    .string()
    .nullable()
    .openapi({ description: 'Kind of the credential: `password`, `access-token`, `session`.' }),
  cause: z.string().openapi({
    description:
      '`push`, `delete-tag`, `delete-manifest`, `rollback`, `restore`, `retention`, `undo`, `copy` or `replication`.',
  }),
  plan: z.int().nullable().openapi({ description: 'The plan that it was part of.' }),
};

interface Doer {
  readonly actor: string;
  readonly principal: string;
  readonly credential: string;
}

/** People are named to those who signed in. Which credential of theirs it was, is for the audit log. */
function whoFor(call: ApiCall, { actor, principal, credential }: Doer) {
  if (call.isNobody) return { actor: null, principal: null, credential: null };
  return {
    actor,
    principal: principal || null,
    credential: credential.split(':', 1)[0] || null,
  };
}

/** Whose right to pull is limited to some tags sees only those. */
async function readable<T>(
  call: ApiCall,
  rows: readonly T[],
  { path, tagOf }: { path: string; tagOf(row: T): string },
): Promise<readonly T[]> {
  if (await call.may({ action: 'pull', path, everyTag: true })) return rows;
  const shown: T[] = [];
  for (const row of rows) {
    if (await call.may({ action: 'pull', path, tag: tagOf(row) })) shown.push(row);
  }
  return shown;
}

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
  tag: CHAPTER,
  summary: 'Tags of a repository, by name',
  may: `${MAY} A page may so have fewer entries than its limit.`,
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

const REMAINS = z
  .object({
    state: z.enum(['live', 'released', 'trash', 'gone']).openapi({
      description:
        '`live`: something holds it. `released`: nothing does, it is still pulled by its digest. `trash`: not pulled any more, but it can be restored. `gone`: it cannot.',
    }),
    since: TIME.nullable(),
    until: TIME.nullable().openapi({ description: 'It may be gone from then on.' }),
  })
  .openapi('Remains');

const EVENT = z
  .object({
    sequence: z.int().openapi({ description: 'Number of the move, without gaps.' }),
    from: z.string().nullable(),
    to: z.string().nullable().openapi({ description: 'null: the tag was deleted.' }),
    at: TIME,
    ...WHO,
    remains: REMAINS.nullable().openapi({ description: 'What is left of `to` today.' }),
  })
  .openapi('TagEvent');

const history = endpoint({
  method: 'get',
  path: '/repositories/{repository}/tags/{tag}/history',
  tag: CHAPTER,
  summary: 'Every move of a tag, newest first; of a deleted one too',
  may: 'Who may pull the tag.',
  audience: 'anyone',
  params: z.object({ repository: REPOSITORY, tag: TAG }),
  query: z.strictObject(PAGE),
  result: pageSchema('TagHistory', EVENT),
  async handle(call, { params, query }) {
    const { tag } = params;
    const { id, name: path } = await repositoryOf(call, params.repository);
    const { sql } = call.parts;
    const isReadable = await call.may({ action: 'pull', path, tag });
    const windowMs = await windowAt(sql, path);
    const page = await pageOf(query, {
      key: z.int(),
      read: async ({ after, limit }) =>
        isReadable ? readTagEvents(sql, { repository: id, name: tag, before: after, limit }) : [],
      keyOf: ({ sequence }) => sequence,
      show: (event) => showEvent(call, event, windowMs),
    });
    if (page.items.length === 0 && query.cursor === undefined) {
      throw new RegistryError('NOT_FOUND', `"${path}" never had a tag "${tag}".`);
    }
    return page;
  },
});

function showEvent(
  call: ApiCall,
  { remains, from, to, ...event }: PastTagEvent,
  windowMs: number,
): z.input<typeof EVENT> {
  return {
    ...event,
    ...whoFor(call, event),
    from: from ?? null,
    to: to ?? null,
    at: timeOf(event.at),
    remains: to === undefined ? null : showRemains(remainsOf(remains, windowMs)),
  };
}

function showRemains({ state, since, until }: Remains): z.input<typeof REMAINS> {
  return { state, since: timeOrNull(since ?? null), until: timeOrNull(until ?? null) };
}

const VISIT = z
  .object({
    tag: z.string(),
    sequence: z.int().openapi({ description: 'Number of the move in the history of the tag.' }),
    at: TIME,
    until: TIME.nullable().openapi({
      description: 'When the tag moved on; null: it is there now.',
    }),
    ...WHO,
  })
  .openapi('TagVisit');

const PLACE = z.strictObject({ tag: z.int(), sequence: z.int() });

const visits = endpoint({
  method: 'get',
  path: '/repositories/{repository}/manifests/{digest}/tags',
  tag: CHAPTER,
  summary: 'Which tags a manifest has and had, and when',
  may: `${MAY} A page may have fewer entries than its limit, or none, and still a next one.`,
  audience: 'anyone',
  params: z.object({ repository: REPOSITORY, digest: DIGEST }),
  query: z.strictObject(PAGE),
  result: pageSchema('TagVisits', VISIT),
  async handle(call, { params, query }) {
    const { id, name: path } = await repositoryOf(call, params.repository);
    const { sql } = call.parts;
    const { limit, cursor } = query;
    const blob = await findBlobId(sql, params.digest);
    if (blob === undefined) return { items: [], next: undefined };
    const after = cursor === undefined ? { tag: 0, sequence: 0 } : readCursor(PLACE, cursor);
    const found = await readVisits(sql, { repository: id, blob, after, limit });
    const rows = await readable(call, found.visits, { path, tagOf: ({ tag }) => tag });
    const items = rows.map((visit) => ({
      ...visit,
      ...whoFor(call, visit),
      at: timeOf(visit.at),
      until: timeOrNull(visit.until ?? null),
    }));
    return { items, next: found.next && writeCursor(found.next) };
  },
});

export const tagEndpoints = [list, history, visits];
