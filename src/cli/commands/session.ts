// `entrepot session …`: where one is signed in with a browser.
import { objectOf, part } from '../api-client.ts';
import { type Command, UsageError } from '../command.ts';
import { serverCommand } from '../server-command.ts';
import { cell, column, when } from '../show.ts';

const list = serverCommand({
  name: 'session list',
  about: 'Lists the sessions that you have in browsers, last used first.',
  examples: ['entrepot session list'],
  async run(_given, { api, show }) {
    show.list(await api.items('/sessions'), {
      columns: [
        column('Id', 'id'),
        column('Signed in by', 'method'),
        column('From', 'address'),
        column('With', 'client'),
        { title: 'Since', of: ({ createdAt }) => when(createdAt) },
        { title: 'Last used', of: ({ seenAt }) => when(seenAt) },
        { title: 'Until', of: ({ expiresAt }) => when(expiresAt) },
      ],
      none: 'You are signed in with no browser.',
    });
  },
});

const end = serverCommand({
  name: 'session end',
  about: 'Signs a browser out: its session ends within a second.',
  arguments: [
    { name: 'ID', about: 'The number of the session, as session list shows it.', isOptional: true },
  ],
  flags: {
    others: {
      about: 'All sessions. The command line works by an access token, which goes on.',
    },
  },
  examples: ['entrepot session end 12', 'entrepot session end --others'],
  async run(given, { api, show }) {
    const id = given.optional('ID');
    if ((id === undefined) !== given.isOn('others')) {
      throw new UsageError('Give the ID of a session, or --others.');
    }
    if (id !== undefined) {
      await api.delete(`/sessions/${part(id)}`);
      return show.done(`Session ${id} has ended.`);
    }
    const done = objectOf(await api.delete('/sessions'));
    show.done(`Sessions that have ended: ${cell(done.ended)}.`, done);
  },
});

export const SESSION_COMMANDS: readonly Command[] = [list, end];
