// Organisations and their members. The path of an organisation is its name: who manages there manages it.
import { z } from '@hono/zod-openapi';
import {
  findMember,
  findOrganisation,
  listMembers,
  listOrganisations,
  type Organisation,
  organisationsOf,
} from '../../metadata/organisations.ts';
import { RegistryError } from '../../oci/errors.ts';
import type { ApiCall } from './api-call.ts';
import { endpoint } from './endpoint.ts';
import { PAGE_QUERY, pageOf, pageSchema } from './page.ts';
import { TIME, timeOf } from './shapes.ts';
import { userNamed } from './users.ts';

const TAG = 'Organisations';
const OWNERS = 'Who manages the path of its name: its owners, and administrators.';
const MEMBERS = 'Its members, who manages its path, and administrators.';

const ORGANISATION = z
  .object({ id: z.int(), name: z.string(), displayName: z.string(), createdAt: TIME })
  .openapi('Organisation');

const NAMED = z.object({ organisation: z.string().max(64) });

function show(organisation: Organisation) {
  return { ...organisation, createdAt: timeOf(organisation.createdAt) };
}

/** @throws RegistryError NOT_FOUND */
export async function organisationNamed({ parts }: ApiCall, name: string): Promise<Organisation> {
  const organisation = await findOrganisation(parts.sql, name);
  if (organisation !== undefined) return organisation;
  throw absent(name);
}

function absent(name: string): RegistryError {
  return new RegistryError('NOT_FOUND', `There is no organisation "${name}".`);
}

/** For members and whoever manages it; to others it does not exist. @throws RegistryError NOT_FOUND */
export async function seenOrganisation(call: ApiCall, name: string): Promise<Organisation> {
  const organisation = await findOrganisation(call.parts.sql, name);
  if (organisation === undefined) throw absent(name);
  if (await call.may({ action: 'manage', path: name })) return organisation;
  const { principal, scopes } = call.caller.standing;
  const isMember =
    principal.kind === 'user' &&
    scopes === undefined &&
    (await findMember(call.parts.sql, { organisation: organisation.id, user: principal.id }));
  if (isMember) return organisation;
  throw absent(name);
}

/** @throws RegistryError NOT_FOUND to strangers, DENIED to members. */
export async function managedOrganisation(call: ApiCall, name: string): Promise<Organisation> {
  const organisation = await seenOrganisation(call, name);
  if (await call.may({ action: 'manage', path: name })) return organisation;
  const why = `only its owners may change the organisation ${name}`;
  throw call.refuse({ action: 'manage', path: name }, why);
}

const list = endpoint({
  method: 'get',
  path: '/organisations',
  tag: TAG,
  summary: 'Your organisations; to an administrator all',
  query: z.strictObject(PAGE_QUERY),
  result: pageSchema('Organisations', ORGANISATION),
  async handle(call, { query }) {
    const { sql } = call.parts;
    if (!(await call.may({ action: 'administer', path: '' }))) {
      const { id } = await call.needOwnAccount();
      return { items: (await organisationsOf(sql, id)).map(show) };
    }
    return pageOf(query, {
      key: z.string(),
      read: ({ after = '', limit }) => listOrganisations(sql, { after, limit }),
      keyOf: ({ name }) => name,
      show,
    });
  },
});

const create = endpoint({
  method: 'post',
  path: '/organisations',
  tag: TAG,
  summary: 'Make an organisation',
  may: 'Administrators.',
  body: z.strictObject({
    name: z.string().max(64),
    displayName: z.string().max(128).default(''),
    owner: z.string().max(64).openapi({ description: 'A user.' }),
    adoptsNamespace: z.boolean().default(false),
  }),
  status: 201,
  result: ORGANISATION,
  async handle(call, { body }) {
    await call.needAdministrator();
    const owner = await userNamed(call, body.owner);
    const organisation = { ...body, owner: owner.id, actor: call.actor };
    await call.parts.commands.run('createOrganisation', organisation);
    return show(await organisationNamed(call, body.name));
  },
});

const get = endpoint({
  method: 'get',
  path: '/organisations/{organisation}',
  tag: TAG,
  summary: 'An organisation',
  may: MEMBERS,
  params: NAMED,
  result: ORGANISATION,
  handle: async (call, { params }) => show(await seenOrganisation(call, params.organisation)),
});

const update = endpoint({
  method: 'patch',
  path: '/organisations/{organisation}',
  tag: TAG,
  summary: 'Change the display name',
  may: OWNERS,
  params: NAMED,
  body: z.strictObject({ displayName: z.string().max(128) }),
  result: ORGANISATION,
  async handle(call, { params, body }) {
    const { id, name } = await managedOrganisation(call, params.organisation);
    await call.parts.commands.run('renameOrganisation', { ...body, id, actor: call.actor });
    return show(await organisationNamed(call, name));
  },
});

const drop = endpoint({
  method: 'delete',
  path: '/organisations/{organisation}',
  tag: TAG,
  summary: 'Delete an organisation with its teams and what was granted to them',
  may: 'Administrators.',
  params: NAMED,
  async handle(call, { params }) {
    await call.needAdministrator();
    const { id } = await organisationNamed(call, params.organisation);
    await call.parts.commands.run('deleteOrganisation', { id, actor: call.actor });
  },
});

const MEMBER = z
  .object({ name: z.string(), isOwner: z.boolean(), createdAt: TIME })
  .openapi('Member');

const members = endpoint({
  method: 'get',
  path: '/organisations/{organisation}/members',
  tag: TAG,
  summary: 'Members',
  may: MEMBERS,
  params: NAMED,
  query: z.strictObject(PAGE_QUERY),
  result: pageSchema('Members', MEMBER),
  async handle(call, { params, query }) {
    const { id: organisation } = await seenOrganisation(call, params.organisation);
    return pageOf(query, {
      key: z.int(),
      read: ({ after = 0, limit }) => listMembers(call.parts.sql, { organisation, after, limit }),
      keyOf: ({ userId }) => userId,
      show: (member) => ({ ...member, createdAt: timeOf(member.createdAt) }),
    });
  },
});

const MEMBER_PARAMS = NAMED.extend({ user: z.string().max(64) });

const setMember = endpoint({
  method: 'put',
  path: '/organisations/{organisation}/members/{user}',
  tag: TAG,
  summary: 'Add a member, or say anew whether they own it',
  may: OWNERS,
  params: MEMBER_PARAMS,
  body: z.strictObject({ isOwner: z.boolean().default(false) }),
  async handle(call, { params, body }) {
    const { id: organisation } = await managedOrganisation(call, params.organisation);
    const { id: user } = await userNamed(call, params.user);
    const change = { organisation, user, isOwner: body.isOwner, actor: call.actor };
    await call.parts.commands.run('setMember', change);
  },
});

const removeMember = endpoint({
  method: 'delete',
  path: '/organisations/{organisation}/members/{user}',
  tag: TAG,
  summary: 'Remove a member, from its teams too',
  may: `${OWNERS} Members themselves.`,
  params: MEMBER_PARAMS,
  async handle(call, { params }) {
    const { principal } = call.caller.standing;
    const isOwnName = principal.kind === 'user' && principal.name === params.user;
    if (isOwnName) await call.needOwnAccount();
    const { id: organisation } = isOwnName
      ? await seenOrganisation(call, params.organisation)
      : await managedOrganisation(call, params.organisation);
    const { id: user } = await userNamed(call, params.user);
    await call.parts.commands.run('removeMember', { organisation, user, actor: call.actor });
  },
});

export const organisationEndpoints = [
  list,
  create,
  get,
  update,
  drop,
  members,
  setMember,
  removeMember,
];
