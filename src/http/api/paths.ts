// Settings that hang on a path, and what holds there; repositories, listed and made by hand.
import { z } from '@hono/zod-openapi';
import { settingsBelow, settingsHolding } from '../../metadata/path-settings.ts';
import { listRepositories } from '../../registry/list.ts';
import type { ApiCall } from './api-call.ts';
import { endpoint } from './endpoint.ts';
import { PAGE_QUERY, pageOf, pageSchema, readCursor, writeCursor } from './page.ts';
import { PATH, present } from './shapes.ts';

const TAG = 'Paths';

const VISIBILITY = z.enum(['private', 'internal', 'public']);
const CREATION = z.enum(['push', 'explicit']);

const FROM = z.string().nullable().openapi({
  description: 'The path where it is set; null: nowhere, it is what holds from the start.',
});

const EFFECTIVE = z
  .object({
    path: PATH,
    visibility: z.object({ value: VISIBILITY, from: FROM }),
    creation: z.object({ value: CREATION, from: FROM }),
  })
  .openapi('PathSettings');

async function effective({ parts }: ApiCall, path: string): Promise<z.input<typeof EFFECTIVE>> {
  const visibility: z.input<typeof EFFECTIVE>['visibility'] = { value: 'private', from: null };
  const creation: z.input<typeof EFFECTIVE>['creation'] = { value: 'push', from: null };
  for (const { path: from, ...set } of await settingsHolding(parts.sql, path)) {
    if (set.visibility !== undefined) Object.assign(visibility, { value: set.visibility, from });
    if (set.creation !== undefined) Object.assign(creation, { value: set.creation, from });
  }
  return { path, visibility, creation };
}

const get = endpoint({
  method: 'get',
  path: '/paths',
  tag: TAG,
  summary: 'What holds at a path, and where it is set',
  may: 'Who may pull there.',
  query: z.strictObject({ path: PATH }),
  result: EFFECTIVE,
  async handle(call, { query }) {
    // To others it does not exist.
    if (!(await call.may({ action: 'pull', path: query.path }))) await call.needManager(query.path);
    return effective(call, query.path);
  },
});

const below = endpoint({
  method: 'get',
  path: '/paths/below',
  tag: TAG,
  summary: 'Settings of paths below a path',
  may: 'Who manages the path.',
  query: z.strictObject({ ...PAGE_QUERY, path: PATH.default('') }),
  result: pageSchema(
    'PathSettingsBelow',
    z.object({ path: PATH, visibility: VISIBILITY.nullable(), creation: CREATION.nullable() }),
  ),
  async handle(call, { query }) {
    const { path } = query;
    await call.needManagerBelow(path);
    return pageOf(query, {
      key: z.string(),
      read: ({ after = path, limit }) => settingsBelow(call.parts.sql, { path, after, limit }),
      keyOf: (row) => row.path,
      show: ({ path: at, visibility = null, creation = null }) => ({
        path: at,
        visibility,
        creation,
      }),
    });
  },
});

const set = endpoint({
  method: 'patch',
  path: '/paths',
  tag: TAG,
  summary: 'Set what holds at a path and below it',
  may: 'Who manages the path.',
  query: z.strictObject({ path: PATH }),
  body: z.strictObject({
    visibility: VISIBILITY.nullable()
      .optional()
      .openapi({ description: 'null: what holds above holds here.' }),
    creation: CREATION.nullable()
      .optional()
      .openapi({ description: '`explicit`: pushing makes no repository.' }),
  }),
  result: EFFECTIVE,
  async handle(call, { query, body }) {
    const { path } = query;
    await call.needManager(path);
    await call.parts.commands.run('setPathSetting', { path, ...present(body), actor: call.actor });
    return effective(call, path);
  },
});

const repositories = endpoint({
  method: 'get',
  path: '/repositories',
  tag: 'Repositories',
  summary: 'Repositories that you may see, by name',
  audience: 'anyone',
  query: z.strictObject(PAGE_QUERY),
  result: pageSchema('Repositories', z.object({ name: z.string() })),
  async handle(call, { query }) {
    const { limit, cursor } = query;
    const { parts, request, caller } = call;
    const last = cursor === undefined ? '' : readCursor(z.string(), cursor);
    const visible = await parts.gate.visible(request, caller);
    const page = await listRepositories(parts.sql, { size: limit, last, visible });
    return {
      items: page.items.map((name) => ({ name })),
      next: page.next === undefined ? undefined : writeCursor(page.next),
    };
  },
});

const create = endpoint({
  method: 'post',
  path: '/repositories',
  tag: 'Repositories',
  summary: 'Make an empty repository',
  may: 'Who may push there; where repositories are made explicitly, who manages the path.',
  body: z.strictObject({ name: z.string().min(1).max(255) }),
  status: 201,
  result: z.object({ name: z.string() }),
  async handle(call, { body }) {
    const { name } = body;
    await call.need({ action: 'push', path: name });
    const { creation } = await call.parts.standings.readPath(name);
    if (creation === 'explicit') await call.needManager(name);
    await call.parts.commands.run('createRepository', { name, actor: call.actor });
    return { name };
  },
});

export const pathEndpoints = [get, below, set, repositories, create];
