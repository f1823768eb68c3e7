// Teams of an organisation, and who is in them.
import { z } from '@hono/zod-openapi';
import type { Organisation } from '../../metadata/organisations.ts';
import { findTeam, listTeamMembers, listTeams, type Team } from '../../metadata/teams.ts';
import { RegistryError } from '../../oci/errors.ts';
import type { ApiCall } from './api-call.ts';
import { endpoint } from './endpoint.ts';
import { managedOrganisation, seenOrganisation } from './organisations.ts';
import { PAGE_QUERY, pageOf, pageSchema } from './page.ts';
import { TIME, timeOf } from './shapes.ts';
import { userNamed } from './users.ts';

const TAG = 'Teams';
const OWNERS = 'Who manages the organisation.';
const MEMBERS = 'Members of the organisation, and who manages it.';

const TEAM = z
  .object({ id: z.int(), name: z.string(), organisation: z.string(), createdAt: TIME })
  .openapi('Team');

const ORGANISATION_PARAMS = z.object({ organisation: z.string().max(64) });
const TEAM_PARAMS = ORGANISATION_PARAMS.extend({ team: z.string().max(64) });
const MEMBER_PARAMS = TEAM_PARAMS.extend({ user: z.string().max(64) });

function show({ name: organisation }: Organisation, { id, name, createdAt }: Team) {
  return { id, name, organisation, createdAt: timeOf(createdAt) };
}

/** @throws RegistryError NOT_FOUND */
async function teamNamed({ parts }: ApiCall, owner: Organisation, name: string): Promise<Team> {
  const team = await findTeam(parts.sql, { organisation: owner.id, name });
  if (team !== undefined) return team;
  throw new RegistryError('NOT_FOUND', `There is no team "${owner.name}/${name}".`);
}

const list = endpoint({
  method: 'get',
  path: '/organisations/{organisation}/teams',
  tag: TAG,
  summary: 'Teams of an organisation',
  may: MEMBERS,
  params: ORGANISATION_PARAMS,
  query: z.strictObject(PAGE_QUERY),
  result: pageSchema('Teams', TEAM),
  async handle(call, { params, query }) {
    const organisation = await seenOrganisation(call, params.organisation);
    return pageOf(query, {
      key: z.string(),
      read: ({ after = '', limit }) =>
        listTeams(call.parts.sql, { organisation: organisation.id, after, limit }),
      keyOf: ({ name }) => name,
      show: (team) => show(organisation, team),
    });
  },
});

const create = endpoint({
  method: 'post',
  path: '/organisations/{organisation}/teams',
  tag: TAG,
  summary: 'Make a team',
  may: OWNERS,
  params: ORGANISATION_PARAMS,
  body: z.strictObject({ name: z.string().max(64) }),
  status: 201,
  result: TEAM,
  async handle(call, { params, body }) {
    const organisation = await managedOrganisation(call, params.organisation);
    const team = { organisation: organisation.id, name: body.name, actor: call.actor };
    await call.parts.commands.run('createTeam', team);
    return show(organisation, await teamNamed(call, organisation, body.name));
  },
});

const rename = endpoint({
  method: 'patch',
  path: '/organisations/{organisation}/teams/{team}',
  tag: TAG,
  summary: 'Give a team another name',
  may: OWNERS,
  params: TEAM_PARAMS,
  body: z.strictObject({ name: z.string().max(64) }),
  result: TEAM,
  async handle(call, { params, body }) {
    const organisation = await managedOrganisation(call, params.organisation);
    const { id } = await teamNamed(call, organisation, params.team);
    await call.parts.commands.run('renameTeam', { id, name: body.name, actor: call.actor });
    return show(organisation, await teamNamed(call, organisation, body.name));
  },
});

const remove = endpoint({
  method: 'delete',
  path: '/organisations/{organisation}/teams/{team}',
  tag: TAG,
  summary: 'Delete a team, with its grants',
  may: OWNERS,
  params: TEAM_PARAMS,
  async handle(call, { params }) {
    const organisation = await managedOrganisation(call, params.organisation);
    const { id } = await teamNamed(call, organisation, params.team);
    await call.parts.commands.run('deleteTeam', { id, actor: call.actor });
  },
});

const MEMBER = z
  .object({
    name: z.string(),
    source: z.string().openapi({ description: '`manual`, or the provider whose group it is by.' }),
    createdAt: TIME,
  })
  .openapi('TeamMember');

const members = endpoint({
  method: 'get',
  path: '/organisations/{organisation}/teams/{team}/members',
  tag: TAG,
  summary: 'Who is in a team',
  may: MEMBERS,
  params: TEAM_PARAMS,
  query: z.strictObject(PAGE_QUERY),
  result: pageSchema('TeamMembers', MEMBER),
  async handle(call, { params, query }) {
    const organisation = await seenOrganisation(call, params.organisation);
    const { id: team } = await teamNamed(call, organisation, params.team);
    return pageOf(query, {
      key: z.object({ userId: z.int(), source: z.string() }),
      read: ({ after, limit }) =>
        listTeamMembers(call.parts.sql, { team, limit, ...(after && { after }) }),
      keyOf: ({ userId, source }) => ({ userId, source }),
      show: (member) => ({ ...member, createdAt: timeOf(member.createdAt) }),
    });
  },
});

function memberChange(
  command: 'addTeamMember' | 'removeTeamMember',
  words: { method: 'put' | 'delete'; summary: string },
) {
  return endpoint({
    ...words,
    path: '/organisations/{organisation}/teams/{team}/members/{user}',
    tag: TAG,
    may: OWNERS,
    params: MEMBER_PARAMS,
    async handle(call, { params }) {
      const organisation = await managedOrganisation(call, params.organisation);
      const { id: team } = await teamNamed(call, organisation, params.team);
      const { id: user } = await userNamed(call, params.user);
      await call.parts.commands.run(command, { team, user, actor: call.actor });
    },
  });
}

export const teamEndpoints = [
  list,
  create,
  rename,
  remove,
  members,
  memberChange('addTeamMember', { method: 'put', summary: 'Put a member into a team' }),
  memberChange('removeTeamMember', { method: 'delete', summary: 'Take somebody out of a team' }),
];
