// `entrepot invitation …`: a link that makes one account.
import { objectOf, part, textOf } from '../api-client.ts';
import { type Command, CommandFailure } from '../command.ts';
import { timeAfter } from '../duration.ts';
import { clientOf, serverAddress } from '../known-servers.ts';
import { serverCommand } from '../server-command.ts';
import { column, when } from '../show.ts';
import type { Terminal } from '../terminal.ts';

const list = serverCommand({
  name: 'invitation list',
  about: 'Lists the invitations, newest first.',
  examples: ['entrepot invitation list'],
  async run(_given, { api, show }) {
    show.list(await api.all('/invitations'), {
      columns: [
        column('Id', 'id'),
        column('E-mail', 'email'),
        column('Joins', 'organisation'),
        column('By', 'createdBy'),
        { title: 'Until', of: ({ expiresAt }) => when(expiresAt) },
        { title: 'Used', of: ({ usedAt }) => when(usedAt) },
      ],
      none: 'Nobody is invited.',
    });
  },
});

const create = serverCommand({
  name: 'invitation create',
  about: 'Makes a link with which somebody makes their account. It is shown once.',
  flags: {
    email: { value: 'ADDRESS', about: 'The e-mail address that the user will have.' },
    org: { value: 'NAME', about: 'The organisation that they join.' },
    expires: { value: 'DURATION', about: 'How long it is good, such as 12h or 30d. Else a week.' },
  },
  examples: [
    'entrepot invitation create --email carol@example.org --org acme',
    'entrepot invitation create --expires 1d',
  ],
  async run(given, { api, show, terminal }) {
    const email = given.flag('email');
    const organisation = given.flag('org');
    const expires = given.flag('expires');
    const made = objectOf(
      await api.post('/invitations', {
        ...(email !== undefined && { email }),
        ...(organisation !== undefined && { organisation }),
        ...(expires !== undefined && { expiresAt: timeAfter(terminal.now(), expires) }),
      }),
    );
    const sentence = `The invitation, good until ${when(made.expiresAt)} and shown this once:`;
    show.secret(textOf(made.link), { sentence, value: made });
  },
});

const remove = serverCommand({
  name: 'invitation delete',
  about: 'Takes an invitation back.',
  arguments: [{ name: 'ID', about: 'Its number, as invitation list shows it.' }],
  examples: ['entrepot invitation delete 3'],
  async run(given, { api, show }) {
    const id = given.argument('ID');
    await api.delete(`/invitations/${part(id)}`);
    show.done(`Invitation ${id} is taken back.`);
  },
});

/** The link is a secret: not an argument. */
const accept: Command = {
  name: 'invitation accept',
  about:
    'Makes the account that an invitation is for. Asks for link and password, or reads them from standard input, a line each.',
  arguments: [{ name: 'NAME', about: 'What you want to be called: also your namespace.' }],
  flags: {
    email: { value: 'ADDRESS', about: 'Your e-mail address, when the invitation names none.' },
    'display-name': { value: 'TEXT', about: 'As people are shown it.' },
  },
  examples: [
    'entrepot invitation accept carol',
    'entrepot invitation accept carol < link-and-password.txt',
  ],
  async run(given, terminal) {
    const { link, password } = await linkAndPassword(terminal);
    const [place = '', secret = ''] = link.split('#');
    if (!place.endsWith('/invitation') || secret === '') {
      throw new CommandFailure('That is no invitation: it is a link that ends with /invitation#….');
    }
    const server = serverAddress(place.slice(0, -'/invitation'.length));
    const api = clientOf({ server, authorization: undefined }, terminal);
    const name = given.argument('NAME');
    const email = given.flag('email');
    const displayName = given.flag('display-name');
    await api.post('/invitations/accept', {
      secret,
      name,
      password,
      ...(email !== undefined && { email }),
      ...(displayName !== undefined && { displayName }),
    });
    terminal.printError(`You are ${name}. Sign in: entrepot login ${server} --user ${name}\n`);
    return 0;
  },
};

async function linkAndPassword(terminal: Terminal): Promise<{ link: string; password: string }> {
  if (terminal.canAsk) {
    const link = (await terminal.ask('Link of the invitation: ', { isSecret: true })).trim();
    return { link, password: await terminal.ask('New password: ', { isSecret: true }) };
  }
  const [link = '', password = ''] = (await terminal.readInput()).split(/\r?\n/);
  if (link !== '' && password !== '') return { link: link.trim(), password };
  throw new CommandFailure('Standard input holds no link and password, a line each.');
}

export const INVITATION_COMMANDS: readonly Command[] = [list, create, remove, accept];
