// `entrepot org …`: organisations and their members.
import { objectOf, part, textOf } from '../api-client.ts';
import type { Command, Given } from '../command.ts';
import { serverCommand } from '../server-command.ts';
import { type Column, column, when } from '../show.ts';

const NAME = { name: 'NAME', about: "The organisation's name." } as const;
const USER = { name: 'USER', about: "The user's name." } as const;

const COLUMNS: readonly Column[] = [
  column('Name', 'name'),
  column('Display name', 'displayName'),
  { title: 'Made', of: ({ createdAt }) => when(createdAt) },
];

function pathTo(given: Given): string {
  return `/organisations/${part(given.argument('NAME'))}`;
}

const list = serverCommand({
  name: 'org list',
  about: 'Lists your organisations; to an administrator all.',
  examples: ['entrepot org list'],
  async run(_given, { api, show }) {
    show.list(await api.all('/organisations'), {
      columns: COLUMNS,
      none: 'You are in no organisation.',
    });
  },
});

const show = serverCommand({
  name: 'org show',
  about: 'Shows an organisation.',
  arguments: [NAME],
  examples: ['entrepot org show acme'],
  async run(given, session) {
    session.show.item(objectOf(await session.api.get(pathTo(given))), COLUMNS);
  },
});

const create = serverCommand({
  name: 'org create',
  about: 'Makes an organisation, which owns the namespace of that name. For administrators.',
  arguments: [NAME],
  flags: {
    owner: { value: 'USER', about: 'Who owns it. Else you.' },
    'display-name': { value: 'TEXT', about: 'As people are shown it.' },
    adopt: { about: 'It may own a namespace where something is already.' },
  },
  examples: [
    'entrepot org create acme --owner alice',
    "entrepot org create acme --display-name 'Acme Ltd'",
  ],
  async run(given, { api, show: shown }) {
    const name = given.argument('NAME');
    const displayName = given.flag('display-name');
    const owner = given.flag('owner') ?? textOf(objectOf(await api.get('/whoami')).name);
    const body = {
      name,
      owner,
      ...(displayName !== undefined && { displayName }),
      ...(given.isOn('adopt') && { adoptsNamespace: true }),
    };
    const made = await api.post('/organisations', body);
    shown.done(`The organisation ${name} is made; ${owner} owns it.`, made);
  },
});

const rename = serverCommand({
  name: 'org update',
  about: 'Changes what an organisation is called.',
  arguments: [NAME],
  flags: { 'display-name': { value: 'TEXT', about: 'As people are shown it.' } },
  examples: ["entrepot org update acme --display-name 'Acme Ltd'"],
  async run(given, session) {
    const body = { displayName: given.needed('display-name') };
    const changed = await session.api.patch(pathTo(given), body);
    session.show.done(`The organisation ${given.argument('NAME')} is changed.`, changed);
  },
});

const members = serverCommand({
  name: 'org member list',
  about: 'Lists the members of an organisation.',
  arguments: [NAME],
  examples: ['entrepot org member list acme'],
  async run(given, session) {
    session.show.list(await session.api.all(`${pathTo(given)}/members`), {
      columns: [
        column('Name', 'name'),
        column('Owner', 'isOwner'),
        { title: 'Since', of: ({ createdAt }) => when(createdAt) },
      ],
      none: 'It has no members.',
    });
  },
});

const addMember = serverCommand({
  name: 'org member add',
  about: 'Adds a member, or says anew whether they own the organisation.',
  arguments: [NAME, USER],
  flags: { owner: { value: 'yes|no', about: 'Whether they own the organisation. Else no.' } },
  examples: ['entrepot org member add acme bob', 'entrepot org member add acme alice --owner yes'],
  async run(given, session) {
    const isOwner = given.choice('owner', ['yes', 'no']) === 'yes';
    const user = given.argument('USER');
    await session.api.put(`${pathTo(given)}/members/${part(user)}`, { isOwner });
    const what = isOwner ? 'an owner' : 'a member';
    session.show.done(`${user} is ${what} of ${given.argument('NAME')} now.`);
  },
});

const removeMember = serverCommand({
  name: 'org member remove',
  about: 'Removes a member, from its teams too.',
  arguments: [NAME, USER],
  examples: ['entrepot org member remove acme bob'],
  async run(given, session) {
    const user = given.argument('USER');
    await session.api.delete(`${pathTo(given)}/members/${part(user)}`);
    session.show.done(`${user} is no longer in ${given.argument('NAME')}.`);
  },
});

export const ORGANISATION_COMMANDS: readonly Command[] = [
  list,
  show,
  create,
  rename,
  members,
  addMember,
  removeMember,
];
