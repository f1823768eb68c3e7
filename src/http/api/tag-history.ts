// What each tag was, and which tags a manifest ever had.
import { z } from '@hono/zod-openapi';
import { type Remains, remainsOf, windowAt } from '../../lifecycle/history/remains.ts';
import { findBlobId } from '../../metadata/blobs.ts';
import { type PastTagEvent, readTagEvents, readVisits } from '../../metadata/tag-history.ts';
import { RegistryError } from '../../oci/errors.ts';
import type { ApiCall } from './api-call.ts';
import { endpoint } from './endpoint.ts';
import { pageOf, pageSchema, readCursor, writeCursor } from './page.ts';
import { REPOSITORY, repositoryOf } from './repository-address.ts';
import { TIME, timeOf, timeOrNull } from './shapes.ts';
import { DIGEST, PAGE, readable, TAG, TAG_CHAPTER, WHO, whoFor } from './tag-shapes.ts';

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
  tag: TAG_CHAPTER,
  summary: 'Every move of a tag that is kept, newest first; of a deleted one too',
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
  tag: TAG_CHAPTER,
  summary: 'Which tags a manifest has and had, and when',
  may: 'Who may pull there; tags that one may not pull are left out. A page may have fewer entries than its limit, or none, and still a next one.',
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

export const tagHistoryEndpoints = [history, visits];
