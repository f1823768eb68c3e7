// `entrepot role …`: sets of actions with a name.
import { part } from '../api-client.ts';
import { type Command, type Given, UsageError } from '../command.ts';
import { serverCommand } from '../server-command.ts';
import { column } from '../show.ts';

const NAME = { name: 'NAME', about: "The role's name." } as const;

const ACTIONS_FLAG = {
  actions: { value: 'ACTIONS', about: 'One or more of pull, push, delete, manage, with commas.' },
} as const;

function actionsOf(given: Given): string[] {
  const actions = given.needed('actions').split(',');
  const wrong = actions.find((one) => !['pull', 'push', 'delete', 'manage'].includes(one));
  if (wrong === undefined) return actions;
  throw new UsageError(`"${wrong}" is no action of a role: take pull, push, delete or manage.`);
}

const list = serverCommand({
  name: 'role list',
  about: 'Lists all roles with what they allow.',
  examples: ['entrepot role list'],
  async run(_given, { api, show }) {
    show.list(await api.items('/roles'), {
      columns: [
        column('Name', 'name'),
        column('Actions', 'actions'),
        column('Built in', 'isBuiltIn'),
      ],
      none: 'There are no roles.',
    });
  },
});

const create = serverCommand({
  name: 'role create',
  about: 'Makes a role. For administrators.',
  arguments: [NAME],
  flags: ACTIONS_FLAG,
  examples: ['entrepot role create cleaner --actions pull,delete'],
  async run(given, { api, show }) {
    const name = given.argument('NAME');
    const made = await api.post('/roles', { name, actions: actionsOf(given) });
    show.done(`The role ${name} is made.`, made);
  },
});

const update = serverCommand({
  name: 'role update',
  about: 'Says anew what a role allows, wherever it is granted. For administrators.',
  arguments: [NAME],
  flags: ACTIONS_FLAG,
  examples: ['entrepot role update cleaner --actions delete'],
  async run(given, { api, show }) {
    const name = given.argument('NAME');
    const changed = await api.put(`/roles/${part(name)}`, { actions: actionsOf(given) });
    show.done(`The role ${name} is changed.`, changed);
  },
});

const remove = serverCommand({
  name: 'role delete',
  about: 'Deletes a role that is granted nowhere. For administrators.',
  arguments: [NAME],
  examples: ['entrepot role delete cleaner'],
  async run(given, { api, show }) {
    await api.delete(`/roles/${part(given.argument('NAME'))}`);
    show.done(`The role ${given.argument('NAME')} is deleted.`);
  },
});

export const ROLE_COMMANDS: readonly Command[] = [list, create, update, remove];
