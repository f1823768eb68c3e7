// `entrepot user …`: for administrators.
import { objectOf, part } from '../api-client.ts';
import { type Command, type Given, UsageError } from '../command.ts';
import { PASSWORD_FLAG, passwordFrom } from '../password-input.ts';
import { PROFILE_FLAGS, profileOf } from '../profile-flags.ts';
import { type Session, serverCommand } from '../server-command.ts';
import { type Column, column, when } from '../show.ts';

const NAME = { name: 'NAME', about: "The user's name." } as const;

const COLUMNS: readonly Column[] = [
  column('Name', 'name'),
  column('Display name', 'displayName'),
  column('E-mail', 'email'),
  column('State', 'state'),
  column('Password', 'hasPassword'),
  column('Second factor', 'hasTotp'),
  { title: 'Last seen', of: ({ lastSeenAt }) => when(lastSeenAt) },
];

const list = serverCommand({
  name: 'user list',
  about: 'Lists the users, without the deleted ones.',
  flags: {
    search: { value: 'TEXT', about: 'Only those with it in name, display name or e-mail.' },
    all: { about: 'The deleted ones too.' },
  },
  examples: ['entrepot user list', 'entrepot user list --search example.com --json'],
  async run(given, { api, show }) {
    const rows = await api.all('/users', { search: given.flag('search') });
    const shown = given.isOn('all') ? rows : rows.filter(({ state }) => state !== 'deleted');
    show.list(shown, { columns: COLUMNS, none: 'There is no such user.' });
  },
});

const show = serverCommand({
  name: 'user show',
  about: 'Shows a user.',
  arguments: [NAME],
  examples: ['entrepot user show alice'],
  async run(given, session) {
    const user = objectOf(await session.api.get(pathTo(given)));
    session.show.item(user, [
      ...COLUMNS,
      { title: 'Made', of: ({ createdAt }) => when(createdAt) },
    ]);
  },
});

const create = serverCommand({
  name: 'user create',
  about: 'Makes a user, who owns the namespace of that name. Prints a password when one is made.',
  arguments: [NAME],
  flags: {
    ...PROFILE_FLAGS,
    ...PASSWORD_FLAG,
    'no-password': { about: 'They sign in by other means only: OpenID Connect, a directory.' },
    adopt: { about: 'They may own a namespace where something is already.' },
  },
  examples: [
    'entrepot user create alice --email alice@example.org',
    'entrepot user create bob --no-password',
    'pass show bob | entrepot user create bob --password-stdin',
  ],
  async run(given, { api, show: shown, terminal }) {
    const name = given.argument('NAME');
    if (given.isOn('no-password') && given.isOn('password-stdin')) {
      throw new UsageError('Give either --no-password or --password-stdin.');
    }
    const password = given.isOn('no-password')
      ? undefined
      : await passwordFrom(given, { terminal, name });
    const body = {
      name,
      ...profileOf(given),
      ...(password !== undefined && { password: password.text }),
      ...(given.isOn('adopt') && { adoptsNamespace: true }),
    };
    const made = objectOf(await api.post('/users', body));
    if (password?.isMade !== true) return shown.done(`The user ${name} is made.`, made);
    const sentence = `The user ${name} is made; the password, shown this once, is:`;
    shown.secret(password.text, { sentence, value: { ...made, password: password.text } });
  },
});

const update = serverCommand({
  name: 'user update',
  about: 'Changes what a user is called and their e-mail address.',
  arguments: [NAME],
  flags: PROFILE_FLAGS,
  examples: ["entrepot user update alice --display-name 'Alice Liddell'"],
  async run(given, session) {
    const body = profileOf(given);
    if (Object.keys(body).length === 0) throw new UsageError('Say what to change.');
    const user = objectOf(await session.api.patch(pathTo(given), body));
    session.show.done(`The user ${given.argument('NAME')} is changed.`, user);
  },
});

const resetPassword = serverCommand({
  name: 'user reset-password',
  about: 'Gives a user a new password. All that was signed in with the old one ends.',
  arguments: [NAME],
  flags: {
    ...PASSWORD_FLAG,
    'disable-second-factor': {
      about:
        'Take away authenticator app, passkeys and recovery codes, for somebody who lost them.',
    },
  },
  examples: [
    'entrepot user reset-password alice',
    'pass show alice | entrepot user reset-password alice --password-stdin',
  ],
  async run(given, { api, show: shown, terminal }) {
    const name = given.argument('NAME');
    const password = await passwordFrom(given, { terminal, name });
    if (given.isOn('disable-second-factor')) await api.delete(`${pathTo(given)}/second-factor`);
    await api.post(`${pathTo(given)}/password`, { password: password.text });
    if (!password.isMade) return shown.done(`${name} has a new password.`);
    const sentence = `${name} has a new password, shown this once:`;
    shown.secret(password.text, { sentence, value: { name, password: password.text } });
  },
});

function pathTo(given: Given): string {
  return `/users/${part(given.argument('NAME'))}`;
}

function change(
  verb: 'disable' | 'enable' | 'sign-out' | 'delete',
  { about, done }: { about: string; done: string },
): Command {
  return serverCommand({
    name: `user ${verb}`,
    about,
    arguments: [NAME],
    examples: [`entrepot user ${verb} alice`],
    async run(given, session: Session) {
      if (verb === 'delete') await session.api.delete(pathTo(given));
      else await session.api.post(`${pathTo(given)}/${verb}`);
      session.show.done(`The user ${given.argument('NAME')} is ${done}.`);
    },
  });
}

export const USER_COMMANDS: readonly Command[] = [
  list,
  show,
  create,
  update,
  change('disable', {
    about: 'Refuses a user from now on; tokens and grants stay for later.',
    done: 'disabled',
  }),
  change('enable', { about: 'Lets a disabled user sign in again.', done: 'enabled' }),
  resetPassword,
  change('sign-out', {
    about: 'Ends all sessions and refresh tokens of a user; access tokens stay.',
    done: 'signed out',
  }),
  change('delete', {
    about:
      'Deletes a user with all tokens and rights; robots and trust policies of their namespace are disabled. The name stays taken.',
    done: 'deleted',
  }),
];
