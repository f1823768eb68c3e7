// `entrepot team …`: teams of an organisation.
import { part } from '../api-client.ts';
import { type Command, type Given, UsageError } from '../command.ts';
import { serverCommand } from '../server-command.ts';
import { column, when } from '../show.ts';

const TEAM = { name: 'TEAM', about: 'Organisation and team, such as acme/core.' } as const;
const USER = { name: 'USER', about: "The user's name." } as const;

function teamOf(given: Given): { organisation: string; team: string } {
  const text = given.argument('TEAM');
  const [organisation = '', team = '', ...more] = text.split('/');
  if (organisation !== '' && team !== '' && more.length === 0) return { organisation, team };
  throw new UsageError(`"${text}" is no team: write organisation and team, such as acme/core.`);
}

function pathTo(given: Given): string {
  const { organisation, team } = teamOf(given);
  return `/organisations/${part(organisation)}/teams/${part(team)}`;
}

const list = serverCommand({
  name: 'team list',
  about: 'Lists the teams of an organisation.',
  arguments: [{ name: 'ORGANISATION', about: 'Its name.' }],
  examples: ['entrepot team list acme'],
  async run(given, { api, show }) {
    const organisation = given.argument('ORGANISATION');
    show.list(await api.all(`/organisations/${part(organisation)}/teams`), {
      columns: [
        { title: 'Team', of: ({ organisation: owner, name }) => `${owner}/${name}` },
        { title: 'Made', of: ({ createdAt }) => when(createdAt) },
      ],
      none: 'It has no teams.',
    });
  },
});

const create = serverCommand({
  name: 'team create',
  about: 'Makes a team. It has no rights until it is granted some.',
  arguments: [TEAM],
  examples: ['entrepot team create acme/core'],
  async run(given, { api, show }) {
    const { organisation, team } = teamOf(given);
    const made = await api.post(`/organisations/${part(organisation)}/teams`, { name: team });
    show.done(`The team ${organisation}/${team} is made.`, made);
  },
});

const remove = serverCommand({
  name: 'team delete',
  about: 'Deletes a team, with its grants.',
  arguments: [TEAM],
  examples: ['entrepot team delete acme/core'],
  async run(given, { api, show }) {
    await api.delete(pathTo(given));
    show.done(`The team ${given.argument('TEAM')} is deleted.`);
  },
});

const members = serverCommand({
  name: 'team member list',
  about: 'Lists who is in a team, and by what.',
  arguments: [TEAM],
  examples: ['entrepot team member list acme/core'],
  async run(given, { api, show }) {
    show.list(await api.all(`${pathTo(given)}/members`), {
      columns: [
        column('Name', 'name'),
        column('By', 'source'),
        { title: 'Since', of: ({ createdAt }) => when(createdAt) },
      ],
      none: 'Nobody is in it.',
    });
  },
});

const add = serverCommand({
  name: 'team member add',
  about: 'Puts a member of the organisation into a team.',
  arguments: [TEAM, USER],
  examples: ['entrepot team member add acme/core bob'],
  async run(given, { api, show }) {
    const user = given.argument('USER');
    await api.put(`${pathTo(given)}/members/${part(user)}`);
    show.done(`${user} is in ${given.argument('TEAM')} now.`);
  },
});

const drop = serverCommand({
  name: 'team member remove',
  about: 'Takes somebody out of a team.',
  arguments: [TEAM, USER],
  examples: ['entrepot team member remove acme/core bob'],
  async run(given, { api, show }) {
    const user = given.argument('USER');
    await api.delete(`${pathTo(given)}/members/${part(user)}`);
    show.done(`${user} is no longer in ${given.argument('TEAM')}.`);
  },
});

export const TEAM_COMMANDS: readonly Command[] = [list, create, remove, members, add, drop];
