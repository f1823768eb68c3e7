// `entrepot key …`: the keys that sign bearer tokens, for administrators.
import { objectOf } from '../api-client.ts';
import type { Command } from '../command.ts';
import { confirm, YES_FLAG } from '../confirm.ts';
import { serverCommand } from '../server-command.ts';
import { cell, column, when } from '../show.ts';

const list = serverCommand({
  name: 'key list',
  about: 'Lists the keys that sign bearer tokens, or still verify them.',
  examples: ['entrepot key list'],
  async run(_given, { api, show }) {
    show.list(await api.items('/signing-keys'), {
      columns: [
        column('Id', 'kid'),
        { title: 'Made', of: ({ createdAt }) => when(createdAt) },
        { title: 'Signed until', of: ({ retiredAt }) => when(retiredAt) },
      ],
      none: 'There are no keys.',
    });
  },
});

const rotate = serverCommand({
  name: 'key rotate',
  about: 'Makes a new key that signs from now on. Bearer tokens signed before stay good.',
  examples: ['entrepot key rotate'],
  async run(_given, { api, show }) {
    const made = objectOf(await api.post('/signing-keys/rotate'));
    show.done(`The key ${cell(made.kid)} signs from now on.`, made);
  },
});

const replace = serverCommand({
  name: 'key replace',
  about: 'After a leak: makes a new key, and ends every bearer token signed before.',
  flags: YES_FLAG,
  examples: ['entrepot key replace', 'entrepot key replace --yes'],
  async run(given, { api, show, terminal }) {
    await confirm(given, terminal, 'Every bearer token ends, and each client must get a new one.');
    const made = objectOf(await api.post('/signing-keys/replace'));
    show.done(`The key ${cell(made.kid)} signs from now on, and no other counts.`, made);
  },
});

export const KEY_COMMANDS: readonly Command[] = [list, rotate, replace];
