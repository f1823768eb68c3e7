// Tags as they were at an instant, of a repository and of a namespace.
import { z } from '@hono/zod-openapi';
import type { TagThen } from '../../metadata/tags-at.ts';
import { RegistryError } from '../../oci/errors.ts';
import { isTag } from '../../oci/tag.ts';
import type { ApiCall } from './api-call.ts';
import { endpoint } from './endpoint.ts';
import { needBelow } from './need-below.ts';
import { PAGE_QUERY, pageSchema, readCursor, writeCursor } from './page.ts';
import { REPOSITORY, repositoryOf } from './repository-address.ts';
import { millisecondsOf, PATH, TIME, timeOrNull, WANTED_TIME } from './shapes.ts';
import { readable } from './tag-shapes.ts';

const TAG = 'Tags';

const THEN = z
  .object({
    tag: z.string(),
    digest: z.string().nullable().openapi({
      description: 'What it pointed at; null: that is forgotten, and so is whether it was there.',
    }),
    since: TIME.nullable().openapi({ description: 'When it was moved there.' }),
    state: z.enum(['there', 'trash', 'gone', 'forgotten']).openapi({
      description:
        'What is left of it. `forgotten`: the history of the tag does not go back so far, see the setting `history-events-days`.',
    }),
    now: z.string().nullable().openapi({
      description: 'What the tag points at today; null: it was deleted since.',
    }),
  })
  .openapi('PastTag');

function show({ tag, past, since, state, now }: TagThen): z.input<typeof THEN> {
  return { tag, digest: past ?? null, since: timeOrNull(since ?? null), state, now: now ?? null };
}

/** @throws RegistryError REQUEST_INVALID */
export function pastTime(call: ApiCall, text: string): number {
  const time = millisecondsOf(text);
  if (time <= call.parts.now()) return time;
  throw new RegistryError('REQUEST_INVALID', 'The time must be in the past.', { field: 'time' });
}

const QUERY = { ...PAGE_QUERY, time: WANTED_TIME };

const ofRepository = endpoint({
  method: 'get',
  path: '/repositories/{repository}/tags-at',
  tag: TAG,
  summary: 'Tags of a repository as they were at an instant',
  may: 'Who may pull there; tags that one may not pull are left out. A page may have fewer entries than its limit, or none, and still a next one.',
  audience: 'anyone',
  params: z.object({ repository: REPOSITORY }),
  query: z.strictObject(QUERY),
  result: pageSchema('PastTags', THEN),
  async handle(call, { params, query }) {
    const { id, name: path } = await repositoryOf(call, params.repository);
    const { limit, cursor } = query;
    const at = pastTime(call, query.time);
    const after = cursor === undefined ? '' : readCursor(z.string().refine(isTag), cursor);
    const page = await call.parts.reports.run('tagsThen', { repository: id, at, after, limit });
    const rows = await readable(call, page.items, { path, tagOf: ({ tag }) => tag });
    return { items: rows.map(show), next: page.next && writeCursor(page.next) };
  },
});

const PLACE = z.strictObject({ repository: z.string(), tag: z.string() });

const below = endpoint({
  method: 'get',
  path: '/tags-at',
  tag: TAG,
  summary: 'Tags at a path and below it as they were at an instant',
  may: 'Who may pull all that lies there. Repositories that are in the trash are left out.',
  query: z.strictObject({ ...QUERY, path: PATH }),
  result: pageSchema('PastTagsBelow', THEN.extend({ repository: z.string() })),
  async handle(call, { query }) {
    const { path, limit, cursor } = query;
    await needBelow(call, { action: 'pull', path });
    const time = pastTime(call, query.time);
    const after = cursor === undefined ? { repository: '', tag: '' } : readCursor(PLACE, cursor);
    const page = await call.parts.reports.run('tagsThenBelow', { path, at: time, after, limit });
    return {
      items: page.items.map(({ repository, ...row }) => ({ repository, ...show(row) })),
      next: page.next && writeCursor(page.next),
    };
  },
});

export const tagsAtEndpoints = [ofRepository, below];
