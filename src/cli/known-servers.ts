// Where somebody is signed in: one file in their home directory that only they may read. Also which server
// a command means, and with which token.
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { programVersion } from '../app/version.ts';
import { ApiClient } from './api-client.ts';
import { CommandFailure, type Given, UsageError } from './command.ts';
import type { Terminal } from './terminal.ts';

const FILE_NAME = 'servers.json';

const server = z.object({
  /** Of the user. */
  name: z.string(),
  token: z.string(),
  /** Undefined: it was made elsewhere, and is not ours to revoke. */
  tokenId: z.number().optional(),
});

const schema = z.object({
  /** The one that commands mean when nothing else is said. */
  current: z.string().optional(),
  servers: z.record(z.string(), server),
});

export type KnownServer = z.output<typeof server>;
export type KnownServers = z.output<typeof schema>;

function directoryOf({ env }: Terminal): string {
  const home = env.HOME === undefined || env.HOME === '' ? homedir() : env.HOME;
  const base = env.XDG_CONFIG_HOME;
  return join(base === undefined || base === '' ? join(home, '.config') : base, 'entrepot');
}

/** @throws CommandFailure when the file is there and cannot be read. */
export function readServers(terminal: Terminal): KnownServers {
  const path = join(directoryOf(terminal), FILE_NAME);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT')
      return { servers: {} };
    throw new CommandFailure(`${path} cannot be read: ${(error as Error).message}.`);
  }
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    throw new CommandFailure(`${path} is damaged. Remove it, and sign in again: entrepot login`);
  }
}

/** Whole or not at all, and never for a moment readable by others. */
export function writeServers(terminal: Terminal, servers: KnownServers): void {
  const directory = directoryOf(terminal);
  const path = join(directory, FILE_NAME);
  const made = `${path}.${process.pid}`;
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    rmSync(made, { force: true });
    writeFileSync(made, `${JSON.stringify(servers, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
    renameSync(made, path);
  } catch (error) {
    rmSync(made, { force: true });
    throw new CommandFailure(`${path} cannot be written: ${(error as Error).message}.`);
  }
}

/** As somebody writes it: without a scheme it is https, or http for this machine. @throws UsageError */
export function serverAddress(text: string): string {
  const isLocal = /^(localhost|127(\.\d+){3}|\[::1\])(:\d+)?$/.test(text);
  const whole = text.includes('://') ? text : `${isLocal ? 'http' : 'https'}://${text}`;
  const url = URL.canParse(whole) ? new URL(whole) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) {
    throw new UsageError(
      `"${text}" is no address of a server, such as https://registry.example.com.`,
    );
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw new UsageError('The address of a server has no name, password, query or fragment.');
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
}

/** The server that a command means. @throws UsageError when none is named and nobody is signed in. */
export function chosenServer(given: Given, terminal: Terminal): string {
  const named = given.flag('server') ?? terminal.env.ENTREPOT_SERVER;
  if (named !== undefined && named !== '') return serverAddress(named);
  const { current } = readServers(terminal);
  if (current !== undefined) return current;
  throw new UsageError(
    'Which server? Sign in with "entrepot login URL", or name it with --server or ENTREPOT_SERVER.',
  );
}

export function clientOf(
  { server, authorization }: { server: string; authorization: string | undefined },
  { fetch }: Terminal,
): ApiClient {
  return new ApiClient({ server, authorization, version: programVersion(), fetch });
}

/** With the token of the environment, else with the one that login kept. */
export function signedInClient(given: Given, terminal: Terminal): ApiClient {
  const server = chosenServer(given, terminal);
  const fromEnvironment = terminal.env.ENTREPOT_TOKEN;
  const token = fromEnvironment || readServers(terminal).servers[server]?.token;
  const authorization = token === undefined ? undefined : `Bearer ${token}`;
  return clientOf({ server, authorization }, terminal);
}
