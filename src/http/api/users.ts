// Users, as an administrator sees and changes them.
import { z } from '@hono/zod-openapi';
import { resetPassword } from '../../access/sign-in/change-password.ts';
import { checkNewPassword } from '../../access/sign-in/password-rules.ts';
import { findUser, listUsers, type User } from '../../metadata/users.ts';
import { RegistryError } from '../../oci/errors.ts';
import type { ApiCall } from './api-call.ts';
import { endpoint } from './endpoint.ts';
import { PAGE_QUERY, pageOf, pageSchema } from './page.ts';
import { present, TIME, timeOf, timeOrNull } from './shapes.ts';
import { stateChanges } from './state-changes.ts';

const TAG = 'Users';
const MAY = 'Administrators.';

export const USER = z
  .object({
    id: z.int(),
    name: z.string(),
    displayName: z.string(),
    email: z.string().nullable(),
    state: z.enum(['active', 'disabled', 'deleted']),
    hasPassword: z.boolean(),
    hasTotp: z.boolean(),
    createdAt: TIME,
    lastSeenAt: TIME.nullable(),
  })
  .openapi('User');

export function showUser(user: User) {
  return {
    ...user,
    createdAt: timeOf(user.createdAt),
    lastSeenAt: timeOrNull(user.lastSeenAt),
  };
}

export const NEW_PASSWORD = z.string().min(1).max(4_096);
export const EMAIL = z.string().max(254).nullable();

const NAMED = z.object({ name: z.string().max(64) });

/** @throws RegistryError NOT_FOUND; for the deleted as well. */
export async function userNamed({ parts }: ApiCall, name: string): Promise<User> {
  const user = await findUser(parts.sql, name);
  if (user !== undefined && user.state !== 'deleted') return user;
  throw new RegistryError('NOT_FOUND', `There is no user "${name}".`);
}

/** The administrator first: whether there is such a user is nobody else's business. */
async function administered(call: ApiCall, name: string): Promise<User> {
  await call.needAdministrator();
  return userNamed(call, name);
}

const list = endpoint({
  method: 'get',
  path: '/users',
  tag: TAG,
  summary: 'Users by name, the deleted ones too',
  may: MAY,
  query: z.strictObject({ ...PAGE_QUERY, search: z.string().max(100).optional() }),
  result: pageSchema('Users', USER),
  async handle(call, { query }) {
    await call.needAdministrator();
    const { search } = query;
    return pageOf(query, {
      key: z.string(),
      read: ({ after = '', limit }) =>
        listUsers(call.parts.sql, { after, limit, ...(search !== undefined && { search }) }),
      keyOf: ({ name }) => name,
      show: showUser,
    });
  },
});

const create = endpoint({
  method: 'post',
  path: '/users',
  tag: TAG,
  summary: 'Make a user',
  may: MAY,
  body: z.strictObject({
    name: z.string().max(64),
    displayName: z.string().max(128).default(''),
    email: EMAIL.default(null),
    password: NEW_PASSWORD.optional().openapi({
      description: 'Absent: they sign in by other means only.',
    }),
    adoptsNamespace: z
      .boolean()
      .default(false)
      .openapi({ description: 'They may own a namespace where something is already.' }),
  }),
  status: 201,
  result: USER,
  async handle(call, { body }) {
    await call.needAdministrator();
    const { password, ...user } = body;
    if (password !== undefined) checkNewPassword(password, user);
    const passwordHash =
      password === undefined ? null : await call.parts.signIn.passwords.hash(password);
    await call.parts.commands.run('createUser', { ...user, passwordHash, actor: call.actor });
    return showUser(await userNamed(call, user.name));
  },
});

const get = endpoint({
  method: 'get',
  path: '/users/{name}',
  tag: TAG,
  summary: 'A user',
  may: MAY,
  params: NAMED,
  result: USER,
  handle: async (call, { params }) => showUser(await administered(call, params.name)),
});

const update = endpoint({
  method: 'patch',
  path: '/users/{name}',
  tag: TAG,
  summary: 'Change the display name or the e-mail of a user',
  may: MAY,
  params: NAMED,
  body: z.strictObject({ displayName: z.string().max(128).optional(), email: EMAIL.optional() }),
  result: USER,
  async handle(call, { params, body }) {
    const { id } = await administered(call, params.name);
    await call.parts.commands.run('updateUser', { id, ...present(body), actor: call.actor });
    return showUser(await userNamed(call, params.name));
  },
});

const setPassword = endpoint({
  method: 'post',
  path: '/users/{name}/password',
  tag: TAG,
  summary: 'Set the password of a user; ends what was signed in with the old one',
  may: MAY,
  params: NAMED,
  body: z.strictObject({
    password: NEW_PASSWORD.nullable().openapi({
      description: 'null: they sign in by other means only.',
    }),
  }),
  async handle(call, { params, body }) {
    const { id } = await administered(call, params.name);
    const { password } = body;
    const { actor } = call;
    const { commands, signIn } = call.parts;
    if (password === null) {
      await commands.run('setUserPassword', { id, passwordHash: null, actor });
      return;
    }
    await resetPassword({ ...signIn, commands }, { userId: id, password }, actor);
  },
});

const signOut = endpoint({
  method: 'post',
  path: '/users/{name}/sign-out',
  tag: TAG,
  summary: 'End all sessions and refresh tokens of a user; access tokens stay',
  may: MAY,
  params: NAMED,
  async handle(call, { params }) {
    const { id: userId } = await administered(call, params.name);
    await call.parts.commands.run('signOutUser', { userId, actor: call.actor });
  },
});

const dropSecondFactor = endpoint({
  method: 'delete',
  path: '/users/{name}/second-factor',
  tag: TAG,
  summary: 'Take away all second factors of a user who has lost them',
  may: MAY,
  params: NAMED,
  async handle(call, { params }) {
    const { id: userId } = await administered(call, params.name);
    await call.parts.commands.run('removeSecondFactor', { userId, actor: call.actor });
  },
});

export const userEndpoints = [
  list,
  create,
  get,
  update,
  ...stateChanges({
    noun: 'User',
    tag: TAG,
    path: '/users/{name}',
    params: NAMED,
    may: MAY,
    summaries: {
      delete: 'Delete a user with all tokens and rights; the name stays taken',
      disable: 'Disable a user',
      enable: 'Enable a user again',
    },
    find: (call, { name }) => administered(call, name),
  }),
  setPassword,
  signOut,
  dropSecondFactor,
];
