// `entrepot token …`: access tokens, one's own and those of robots.
import { type ApiClient, objectOf, part, textOf } from '../api-client.ts';
import { type Command, type Given, UsageError } from '../command.ts';
import { CONDITION_FLAGS, conditionOf, showCondition } from '../condition-text.ts';
import { durationMs, timeAfter } from '../duration.ts';
import { findRobot } from '../robot-text.ts';
import { parseScope, showScopes } from '../scope-text.ts';
import { serverCommand } from '../server-command.ts';
import { type Column, cell, column, when } from '../show.ts';

const ID = { name: 'ID', about: 'The number of the token, as token list shows it.' } as const;

const ROBOT_FLAG = {
  robot: { value: 'PATH:NAME', about: 'Of a robot. Else your own.' },
} as const;

const OWNER_FLAGS = {
  ...ROBOT_FLAG,
  user: { value: 'NAME', about: 'Of another user, for administrators.' },
} as const;

async function ownerOf(given: Given, api: ApiClient): Promise<{ owner?: string }> {
  const robot = given.flag('robot');
  const user = given.flag('user');
  if (robot !== undefined && user !== undefined) {
    throw new UsageError('Give either --robot or --user.');
  }
  if (robot !== undefined) return { owner: `robot:${cell((await findRobot(api, robot)).id)}` };
  return user === undefined ? {} : { owner: `user:${user}` };
}

const COLUMNS: readonly Column[] = [
  column('Id', 'id'),
  column('Name', 'name'),
  { title: 'Ends with', of: ({ hint }) => cell(hint) },
  { title: 'Scopes', of: ({ scopes }) => showScopes(scopes) },
  { title: 'Only', of: ({ condition }) => showCondition(condition) },
  { title: 'Until', of: ({ expiresAt }) => when(expiresAt) },
  { title: 'Revoked', of: ({ revokedAt }) => when(revokedAt) },
  { title: 'Last used', of: ({ lastUsedAt }) => when(lastUsedAt) },
  column('From', 'lastUsedFrom'),
  column('By', 'lastUsedBy'),
];

const list = serverCommand({
  name: 'token list',
  about: 'Lists access tokens, newest first, with when and from where they were last used.',
  flags: { ...OWNER_FLAGS, all: { about: 'Those that have ended too.' } },
  examples: ['entrepot token list', 'entrepot token list --robot team/backend:ci --all'],
  async run(given, { api, show, terminal }) {
    const now = new Date(terminal.now()).toISOString();
    const rows = await api.all('/tokens', await ownerOf(given, api));
    const live = rows.filter(
      ({ revokedAt, expiresAt }) =>
        revokedAt === null && (typeof expiresAt !== 'string' || expiresAt > now),
    );
    show.list(given.isOn('all') ? rows : live, {
      columns: COLUMNS,
      none: 'There are no access tokens.',
    });
  },
});

const create = serverCommand({
  name: 'token create',
  about: 'Makes an access token and prints it, this once. It works as a password everywhere.',
  arguments: [{ name: 'NAME', about: 'What you call it.' }],
  flags: {
    ...ROBOT_FLAG,
    scope: {
      value: 'ACTIONS:NAMES',
      about: 'Only that, such as pull,push:team/**. Without it: all that its owner may.',
      isList: true,
    },
    expires: { value: 'DURATION', about: 'How long it works, such as 90d. Else for ever.' },
    ...CONDITION_FLAGS,
  },
  examples: [
    "entrepot token create laptop --expires 90d --scope 'pull:**'",
    "entrepot token create deploy --robot team/backend:ci --scope 'pull,push:team/backend/**' --from 10.0.0.0/8",
    "entrepot token create office --window 'Mon-Fri 08:00-18:00 Europe/Paris'",
    'entrepot token create here | docker login registry.example.com -u alice --password-stdin',
  ],
  async run(given, { api, show, terminal }) {
    const scopes = given.list('scope').map(parseScope);
    const expires = given.flag('expires');
    const made = objectOf(
      await api.post('/tokens', {
        ...(await ownerOf(given, api)),
        name: given.argument('NAME'),
        ...(scopes.length > 0 && { scopes }),
        ...conditionOf(given),
        ...(expires !== undefined && { expiresAt: timeAfter(terminal.now(), expires) }),
      }),
    );
    const until = when(made.expiresAt);
    const sentence = `Access token ${cell(made.id)}${until === undefined ? '' : `, good until ${until}`}, shown this once:`;
    show.secret(textOf(made.secret), { sentence, value: made });
  },
});

const rotate = serverCommand({
  name: 'token rotate',
  about: 'Prints a new secret with the same rights; the old one works on for a while.',
  arguments: [ID],
  flags: {
    overlap: { value: 'DURATION', about: 'How long the old one works on, such as 1h. Else a day.' },
  },
  examples: ['entrepot token rotate 12', 'entrepot token rotate 12 --overlap 1h'],
  async run(given, { api, show }) {
    const overlap = given.flag('overlap');
    const body = overlap === undefined ? {} : { overlapSeconds: durationMs(overlap) / 1000 };
    const made = objectOf(await api.post(`/tokens/${part(given.argument('ID'))}/rotate`, body));
    const sentence = `Access token ${cell(made.id)} in the place of ${given.argument('ID')}, shown this once:`;
    show.secret(textOf(made.secret), { sentence, value: made });
  },
});

const revoke = serverCommand({
  name: 'token revoke',
  about: 'Revokes access tokens: they and what was signed in with them end within a second.',
  arguments: [{ ...ID, isOptional: true }],
  flags: { ...OWNER_FLAGS, all: { about: 'All of the robot or user that is named.' } },
  examples: ['entrepot token revoke 12', 'entrepot token revoke --all --robot team/backend:ci'],
  async run(given, { api, show }) {
    const id = given.optional('ID');
    if ((id === undefined) !== given.isOn('all')) {
      throw new UsageError('Give the ID of a token, or --all with --robot or --user.');
    }
    if (id !== undefined) {
      await api.delete(`/tokens/${part(id)}`);
      show.done(`Access token ${id} is revoked.`);
      return;
    }
    const { owner } = await ownerOf(given, api);
    if (owner === undefined) throw new UsageError('Say whose: --all with --robot or --user.');
    const done = objectOf(await api.delete('/tokens', { owner }));
    show.done(`${cell(done.revoked)} access tokens are revoked.`, done);
  },
});

export const TOKEN_COMMANDS: readonly Command[] = [list, create, rotate, revoke];
