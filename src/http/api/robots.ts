// Robots of a namespace or repository.
import { z } from '@hono/zod-openapi';
import { listRobots, type Robot, readRobot } from '../../metadata/robots.ts';
import { RegistryError } from '../../oci/errors.ts';
import type { ApiCall } from './api-call.ts';
import { endpoint } from './endpoint.ts';
import { PAGE_QUERY, pageOf, pageSchema } from './page.ts';
import { ID, millisecondsOf, PATH, TIME, timeOf, timeOrNull, WANTED_TIME } from './shapes.ts';
import { stateChanges } from './state-changes.ts';

const TAG = 'Robots';
const MAY = 'Who manages its path.';

const ROBOT = z
  .object({
    id: z.int(),
    path: PATH,
    name: z.string(),
    description: z.string(),
    state: z.enum(['active', 'disabled', 'deleted']),
    expiresAt: TIME.nullable(),
    createdBy: z.string(),
    createdAt: TIME,
    lastSeenAt: TIME.nullable(),
  })
  .openapi('Robot');

const NUMBERED = z.object({ id: ID });

function show(robot: Robot) {
  return {
    ...robot,
    expiresAt: timeOrNull(robot.expiresAt),
    createdAt: timeOf(robot.createdAt),
    lastSeenAt: timeOrNull(robot.lastSeenAt),
  };
}

/** To whoever does not manage its path it does not exist. @throws RegistryError NOT_FOUND */
async function managed(call: ApiCall, id: number): Promise<Robot> {
  const robot = await readRobot(call.parts.sql, id);
  const isThere = robot !== undefined && robot.state !== 'deleted';
  if (isThere && (await call.may({ action: 'manage', path: robot.path }))) return robot;
  throw new RegistryError('NOT_FOUND', 'There is no such robot.');
}

const list = endpoint({
  method: 'get',
  path: '/robots',
  tag: TAG,
  summary: 'Robots at a path and below it',
  may: 'Who manages the path.',
  query: z.strictObject({ ...PAGE_QUERY, path: PATH.default('') }),
  result: pageSchema('Robots', ROBOT),
  async handle(call, { query }) {
    const { path } = query;
    await call.needManagerBelow(path);
    return pageOf(query, {
      key: z.object({ path: z.string(), name: z.string() }),
      read: ({ after, limit }) =>
        listRobots(call.parts.sql, { path, limit, ...(after && { after }) }),
      keyOf: (robot) => ({ path: robot.path, name: robot.name }),
      show,
    });
  },
});

const create = endpoint({
  method: 'post',
  path: '/robots',
  tag: TAG,
  summary: 'Make a robot, without any right and any token',
  may: MAY,
  body: z.strictObject({
    path: PATH,
    name: z.string().max(64),
    description: z.string().max(512).default(''),
    expiresAt: WANTED_TIME.nullable().default(null),
  }),
  status: 201,
  result: ROBOT,
  async handle(call, { body }) {
    await call.needManager(body.path);
    const expiresAt = body.expiresAt === null ? null : millisecondsOf(body.expiresAt);
    const robot = { ...body, expiresAt, actor: call.actor };
    return show(await managed(call, await call.parts.commands.run('createRobot', robot)));
  },
});

const get = endpoint({
  method: 'get',
  path: '/robots/{id}',
  tag: TAG,
  summary: 'A robot',
  may: MAY,
  params: NUMBERED,
  result: ROBOT,
  handle: async (call, { params }) => show(await managed(call, params.id)),
});

const update = endpoint({
  method: 'patch',
  path: '/robots/{id}',
  tag: TAG,
  summary: 'Change the description or the end of a robot',
  may: MAY,
  params: NUMBERED,
  body: z.strictObject({
    description: z.string().max(512).optional(),
    expiresAt: WANTED_TIME.nullable().optional(),
  }),
  result: ROBOT,
  async handle(call, { params, body }) {
    const { id } = await managed(call, params.id);
    const { description, expiresAt } = body;
    await call.parts.commands.run('updateRobot', {
      id,
      ...(description !== undefined && { description }),
      ...(expiresAt !== undefined && {
        expiresAt: expiresAt === null ? null : millisecondsOf(expiresAt),
      }),
      actor: call.actor,
    });
    return show(await managed(call, id));
  },
});

export const robotEndpoints = [
  list,
  create,
  get,
  update,
  ...stateChanges({
    noun: 'Robot',
    tag: TAG,
    path: '/robots/{id}',
    params: NUMBERED,
    may: MAY,
    summaries: {
      delete: 'Delete a robot with its tokens and grants',
      disable: 'Disable a robot',
      enable: 'Enable a robot again',
    },
    find: (call, { id }) => managed(call, id),
  }),
];
