// The frame of every client's tests: a registry and the clients, started once for a file, and
// `check`, which is a test or a skip with its reason. Knows no client by its commands.
import { afterAll, beforeAll, describe } from 'bun:test';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requires } from '../support/requires.ts';
import type { Home } from './client-home.ts';
import type { ClientName } from './client-names.ts';
import { clientBinary, clientObstacle } from './client-obstacle.ts';
import { type ClientSetting, openClient } from './client-settings.ts';
import {
  type Account,
  type RegistryUnderTest,
  startRegistryUnderTest,
} from './registry-under-test.ts';
import {
  type CommandOptions,
  type CommandOutput,
  runCommand,
  runRefusedCommand,
} from './run-command.ts';

export type Check = (title: string, body: () => Promise<void>, timeoutMs?: number) => void;
export type RunOptions = Readonly<{
  cwd?: string;
  input?: string | Uint8Array;
  env?: Readonly<Record<string, string>>;
  /** Another program of the same client. */
  binary?: string;
}>;

export type ClientSuite = Readonly<{
  registry(): RegistryUnderTest;
  /** The name of a repository of this run. */
  repository(name: string): string;
  /** `host:port/name`, as clients write it. */
  image(name: string): string;
  /** The environment of a home of its own, with these credentials or none. */
  homeOf(
    name: string,
    account?: Account,
  ): Home & Readonly<{ env: Readonly<Record<string, string>> }>;
  /** A directory inside the test's own, made when it is first asked for. */
  directory(name: string): string;
  run(args: readonly string[], options?: RunOptions): Promise<CommandOutput>;
  /** Runs what must fail. */
  refused(args: readonly string[], options?: RunOptions): Promise<CommandOutput>;
  check: Check;
  /** `check`, where the client at hand can do it. */
  checkIf(can: boolean, reason: string): Check;
}>;

type Opened = {
  readonly registry: RegistryUnderTest;
  readonly root: string;
  readonly settings: Map<ClientName, ClientSetting>;
};
type Open = () => Opened;

const START_LIMIT_MS = 150_000;
const CHECK_LIMIT_MS = 120_000;

export function describeClient(name: ClientName, body: (suite: ClientSuite) => void): void {
  describeClients(name, [name], ({ [name]: suite }) => {
    if (suite !== undefined) body(suite);
  });
}

/** The same for several clients that share a registry. */
export function describeClients(
  title: string,
  names: readonly ClientName[],
  body: (suites: Partial<Record<ClientName, ClientSuite>>) => void,
): void {
  const present = names.filter((name) => clientObstacle(name) === undefined);
  const state: { opened?: Opened } = {};
  const opened = () => {
    if (state.opened === undefined) throw new Error(`${title} is used before it was started`);
    return state.opened;
  };
  describe(title, () => {
    if (present.length > 0) {
      beforeAll(async () => {
        state.opened = await openAll(title, present);
      }, START_LIMIT_MS);
      afterAll(() => close(state.opened), START_LIMIT_MS);
    }
    body(Object.fromEntries(names.map((name) => [name, suiteOf(name, opened)])));
  });
}

/** A check that needs several clients; a skip names the first one that is missing. */
export function checkWith(names: readonly ClientName[]): Check {
  const missing = names.find((name) => clientObstacle(name) !== undefined);
  return missing === undefined
    ? checkUnless(names.join(' and '), undefined)
    : checkUnless(missing, clientObstacle(missing));
}

async function openAll(title: string, names: readonly ClientName[]): Promise<Opened> {
  const registry = await startRegistryUnderTest();
  const root = mkdtempSync(join(tmpdir(), `entrepot-${title}-`));
  const opened: Opened = { registry, root, settings: new Map() };
  try {
    await openClients(opened, names);
    return opened;
  } catch (error) {
    await close(opened);
    throw error;
  }
}

async function openClients(opened: Opened, names: readonly ClientName[]): Promise<void> {
  for (const name of names) {
    const directory = join(opened.root, `client-${name}`);
    mkdirSync(directory);
    const place = { binary: clientBinary(name), directory, registry: opened.registry };
    opened.settings.set(name, await openClient(name, place));
  }
}

async function close(opened: Opened | undefined): Promise<void> {
  if (opened === undefined) return;
  for (const setting of opened.settings.values()) await setting.stop?.();
  await opened.registry.stop();
  rmSync(opened.root, { recursive: true, force: true });
}

function checkUnless(subject: string, obstacle: string | undefined): Check {
  const test = requires(subject, obstacle === undefined, obstacle ?? '');
  return (title, body, timeoutMs = CHECK_LIMIT_MS) => test(title, body, timeoutMs);
}

function suiteOf(name: ClientName, opened: Open): ClientSuite {
  const setting = () => {
    const found = opened().settings.get(name);
    if (found === undefined) throw new Error(`${name} was not started`);
    return found;
  };
  const options = (given: RunOptions = {}): CommandOptions => ({
    cwd: opened().root,
    ...given,
    env: { ...setting().env, ...given.env },
    logs: () => [setting().log?.(), opened().registry.log()].filter(Boolean).join('\n---\n'),
  });
  const command = (args: readonly string[], given: RunOptions = {}) => {
    const usual = setting().command;
    return [...(given.binary === undefined ? usual : [given.binary]), ...args];
  };
  const repository = (local: string) => `${opened().registry.prefix}${local}`;
  const obstacle = clientObstacle(name);
  return {
    registry: () => opened().registry,
    repository,
    image: (local) => `${opened().registry.host}/${repository(local)}`,
    homeOf(local, account) {
      const home = { directory: join(opened().root, 'homes', name, local), account };
      mkdirSync(home.directory, { recursive: true });
      return { ...home, env: setting().envIn(home) };
    },
    directory(local) {
      const path = join(opened().root, 'files', local);
      mkdirSync(path, { recursive: true });
      return path;
    },
    run: (args, given) => runCommand(command(args, given), options(given)),
    refused: (args, given) => runRefusedCommand(command(args, given), options(given)),
    check: checkUnless(name, obstacle),
    checkIf: (can, reason) => checkUnless(name, obstacle ?? (can ? undefined : reason)),
  };
}
