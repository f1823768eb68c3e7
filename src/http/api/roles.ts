// Roles: the built-in ones, and sets of actions with a name of their own.
import { z } from '@hono/zod-openapi';
import { ACTIONS, ROLES } from '../../access/action.ts';
import { listRoles } from '../../metadata/roles.ts';
import { endpoint } from './endpoint.ts';
import { ACTION } from './shapes.ts';

const TAG = 'Roles';
const MAY = 'Administrators.';

const ROLE = z
  .object({
    name: z.string(),
    actions: z.array(ACTION).readonly(),
    isBuiltIn: z.boolean(),
  })
  .openapi('Role');

const CONTENT = { actions: z.array(ACTION).min(1).max(ACTIONS.length) };
const NAMED = z.object({ name: z.string().max(64) });

const list = endpoint({
  method: 'get',
  path: '/roles',
  tag: TAG,
  summary: 'All roles',
  result: z.object({ items: z.array(ROLE) }).openapi('Roles'),
  async handle(call) {
    const builtIn = Object.entries(ROLES).map(([name, actions]) => ({
      name,
      actions,
      isBuiltIn: true,
    }));
    const custom = (await listRoles(call.parts.sql)).map(({ name, actions }) => ({
      name,
      actions: ACTIONS.filter((action) => actions.includes(action)),
      isBuiltIn: false,
    }));
    return { items: [...builtIn, ...custom] };
  },
});

const create = endpoint({
  method: 'post',
  path: '/roles',
  tag: TAG,
  summary: 'Make a role',
  may: MAY,
  body: z.strictObject({ name: z.string().max(64), ...CONTENT }),
  status: 201,
  result: ROLE,
  async handle(call, { body }) {
    await call.needAdministrator();
    await call.parts.commands.run('createRole', { ...body, actor: call.actor });
    return { ...body, isBuiltIn: false };
  },
});

const update = endpoint({
  method: 'put',
  path: '/roles/{name}',
  tag: TAG,
  summary: 'Say anew what a role may, wherever it is granted',
  may: MAY,
  params: NAMED,
  body: z.strictObject(CONTENT),
  result: ROLE,
  async handle(call, { params, body }) {
    await call.needAdministrator();
    const role = { ...params, ...body };
    await call.parts.commands.run('updateRole', { ...role, actor: call.actor });
    return { ...role, isBuiltIn: false };
  },
});

const drop = endpoint({
  method: 'delete',
  path: '/roles/{name}',
  tag: TAG,
  summary: 'Delete a role that is granted nowhere',
  may: MAY,
  params: NAMED,
  async handle(call, { params }) {
    await call.needAdministrator();
    await call.parts.commands.run('deleteRole', { ...params, actor: call.actor });
  },
});

export const roleEndpoints = [list, create, update, drop];
