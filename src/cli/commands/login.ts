// `entrepot login`, `logout` and `whoami`.
import { objectOf, Refusal, textOf } from '../api-client.ts';
import { type Command, CommandFailure, type Given, UsageError } from '../command.ts';
import { timeAfter } from '../duration.ts';
import {
  chosenServer,
  clientOf,
  type KnownServer,
  readServers,
  serverAddress,
  writeServers,
} from '../known-servers.ts';
import { signInWithIdentity } from '../login-oidc.ts';
import { secretInput } from '../password-input.ts';
import { CODE_QUESTION, PersonSession } from '../person-session.ts';
import { SERVER_FLAG, serverCommand } from '../server-command.ts';
import { column } from '../show.ts';
import type { Terminal } from '../terminal.ts';

const login: Command = {
  name: 'login',
  about: 'Signs in to a server: keeps an access token of yours in your home directory.',
  arguments: [
    { name: 'URL', about: 'The server. Without it: as with --server.', isOptional: true },
  ],
  flags: {
    user: { value: 'NAME', about: 'Your name; else you are asked.' },
    'password-stdin': { about: 'Read your password from standard input.' },
    expires: {
      value: 'DURATION',
      about: 'How long the kept token works, such as 12h; never for no end. Else 90d.',
    },
    'token-stdin': { about: 'Read an access token from standard input instead of a password.' },
    oidc: {
      about:
        'In a pipeline: exchange its identity token for an access token and print that, keeping nothing.',
    },
    policy: { value: 'PATH:NAME', about: 'With --oidc: the trust policy, when several fit.' },
    audience: {
      value: 'TEXT',
      about: 'With --oidc: whom the identity token is for. Else the address of the server.',
    },
    variable: {
      value: 'NAME',
      about: 'With --oidc: the variable that holds the identity token, for id_tokens of GitLab.',
    },
    ...SERVER_FLAG,
  },
  examples: [
    'entrepot login https://registry.example.com',
    'entrepot login localhost:5000 --user alice',
    'pass show registry | entrepot login https://registry.example.com --user alice --password-stdin',
    'entrepot login --oidc https://registry.example.com | docker login registry.example.com -u oidc --password-stdin',
  ],
  async run(given, terminal) {
    const named = given.optional('URL');
    const server = named === undefined ? chosenServer(given, terminal) : serverAddress(named);
    if (given.isOn('oidc')) return signInWithIdentity(given, { server, terminal });
    const only = ['policy', 'audience', 'variable'].find((flag) => given.isOn(flag));
    if (only !== undefined) throw new UsageError(`--${only} is for --oidc.`);
    const entry = given.isOn('token-stdin')
      ? await withToken(server, terminal)
      : await withPassword(given, { server, terminal });
    const { servers } = readServers(terminal);
    const before = servers[server];
    writeServers(terminal, { current: server, servers: { ...servers, [server]: entry } });
    // One that did not end would be forgotten and work on.
    if (before !== undefined) await revoke(before, { server, terminal }).catch(() => {});
    terminal.printError(`Signed in to ${server} as ${entry.name}.\n`);
    return 0;
  },
};

async function withToken(server: string, terminal: Terminal): Promise<KnownServer> {
  const token = await secretInput(terminal, 'access token');
  const api = clientOf({ server, authorization: `Bearer ${token}` }, terminal);
  return { name: textOf(objectOf(await api.get('/whoami')).name), token };
}

/** Of the token that is kept in a file: somebody who comes back each month signs in four times a year. */
const USUAL_LIFE = '90d';

/** The password makes a session, the session a token, and the session ends: the password is kept nowhere. */
async function withPassword(
  given: Given,
  { server, terminal }: { server: string; terminal: Terminal },
): Promise<KnownServer> {
  const name = given.flag('user') ?? (await asked(terminal, { what: 'Name', flag: '--user' }));
  const password = given.isOn('password-stdin')
    ? await secretInput(terminal, 'password')
    : await asked(terminal, { what: 'Password', flag: '--password-stdin', isSecret: true });
  const api = clientOf({ server, authorization: undefined }, terminal);
  const code = () => codeOf(terminal);
  const person = await PersonSession.begin(api, { name, password, code });
  try {
    const expires = given.flag('expires') ?? USUAL_LIFE;
    const body = {
      name: `entrepot on ${terminal.hostname}`,
      expiresAt: expires === 'never' ? null : timeAfter(terminal.now(), expires),
    };
    const made = objectOf(await person.send('POST', '/tokens', body));
    const { id } = made;
    return { name, token: textOf(made.secret), ...(typeof id === 'number' && { tokenId: id }) };
  } finally {
    await person.end();
  }
}

async function codeOf(terminal: Terminal): Promise<string> {
  if (!terminal.canAsk) {
    throw new CommandFailure(
      'This account has a second factor, and nobody is here to type a code. Use an access token: entrepot login --token-stdin',
    );
  }
  return (await terminal.ask(`${CODE_QUESTION.question}: `)).trim();
}

async function asked(
  terminal: Terminal,
  { what, flag, isSecret = false }: { what: string; flag: string; isSecret?: boolean },
): Promise<string> {
  if (!terminal.canAsk) throw new UsageError(`Nobody is here to be asked: use ${flag}.`);
  const answer = await terminal.ask(`${what}: `, { isSecret });
  if (answer === '') throw new CommandFailure(`Without a ${what.toLowerCase()} nobody signs in.`);
  return answer;
}

/** A token that login made; one that was given to it is not ours to end. */
async function revoke(
  { token, tokenId }: KnownServer,
  { server, terminal }: { server: string; terminal: Terminal },
): Promise<void> {
  if (tokenId === undefined) return;
  const api = clientOf({ server, authorization: `Bearer ${token}` }, terminal);
  await api.delete(`/tokens/${tokenId}`).catch((error: unknown) => {
    // It has ended already.
    if (error instanceof Refusal && error.status === 401) return;
    throw new CommandFailure(
      `${server} is forgotten here, but its token could not be revoked: ${(error as Error).message}`,
    );
  });
}

const logout: Command = {
  name: 'logout',
  about: 'Forgets a server, and revokes the access token that login made there.',
  arguments: [
    { name: 'URL', about: 'The server. Without it: as with --server.', isOptional: true },
  ],
  flags: { ...SERVER_FLAG },
  examples: ['entrepot logout', 'entrepot logout https://registry.example.com'],
  async run(given, terminal) {
    const named = given.optional('URL');
    const server = named === undefined ? chosenServer(given, terminal) : serverAddress(named);
    const { current, servers } = readServers(terminal);
    const entry = servers[server];
    if (entry === undefined) throw new CommandFailure(`You are not signed in to ${server}.`);
    const { [server]: _gone, ...left } = servers;
    const isCurrent = current === server;
    // First here: whatever the server says, the secret is no longer in this file.
    writeServers(terminal, {
      ...(!isCurrent && current !== undefined && { current }),
      servers: left,
    });
    await revoke(entry, { server, terminal });
    terminal.printError(`Signed out of ${server}.\n`);
    return 0;
  },
};

const whoami = serverCommand({
  name: 'whoami',
  about: 'Says as whom you are signed in, and by what.',
  examples: ['entrepot whoami', 'entrepot whoami --json --server https://registry.example.com'],
  async run(_given, { api, show }) {
    const me = objectOf(await api.get('/whoami'));
    show.item({ ...me, server: api.server }, [
      column('Server', 'server'),
      column('Name', 'name'),
      column('Kind', 'kind'),
      column('Credential', 'credential'),
      column('Administrator', 'isAdministrator'),
    ]);
  },
});

export const LOGIN_COMMANDS: readonly Command[] = [login, logout, whoami];
