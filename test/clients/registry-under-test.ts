// Starts the registry that the clients talk to: Entrepot, as a process of its own on a free port
// with an empty data directory, private as at every first start. ENTREPOT_TEST_REGISTRY_URL names a
// running registry to use in its place, so that the tests themselves can be tried against a peer; with
// a user and password in it they are who signs in. Knows no client.
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startBackgroundProcess } from './background-process.ts';

export type Account = Readonly<{ name: string; password: string }>;

export type RegistryUnderTest = Readonly<{
  url: string;
  /** `host:port`, as it stands at the front of an image name. */
  host: string;
  /** Goes before every repository name; sets runs apart on a registry that is not ours. */
  prefix: string;
  /** Who may do everything there; absent where nobody need sign in. */
  account?: Account;
  /** Where Entrepot keeps all that it has; absent for a registry that is not ours. */
  data?: string;
  log(): string;
  stop(): Promise<void>;
}>;

/** `entrepot serve` is up in under a second; a machine that does much else may need longer. */
const START_LIMIT_MS = 60_000;

export async function startRegistryUnderTest(): Promise<RegistryUnderTest> {
  const given = process.env.ENTREPOT_TEST_REGISTRY_URL;
  return given === undefined ? await startEntrepot() : useRunning(given);
}

function useRunning(given: string): RegistryUnderTest {
  const { origin: url, host, username: name, password } = new URL(given);
  const account = { name, password: decodeURIComponent(password) };
  const prefix = `run-${Date.now().toString(36)}-${process.pid}/`;
  const log = () => `(the log of ${url} is not ours to read)`;
  const stop = () => Promise.resolve();
  return { url, host, prefix, ...(name !== '' && { account }), log, stop };
}

async function startEntrepot(): Promise<RegistryUnderTest> {
  const directory = mkdtempSync(join(tmpdir(), 'entrepot-clients-'));
  const data = join(directory, 'data');
  const account = { name: 'admin', password: newPassword() };
  const main = join(import.meta.dir, '..', '..', 'src', 'cli', 'main.ts');
  const server = startBackgroundProcess(
    [process.execPath, main, 'serve', '--listen', '127.0.0.1:0', '--data', data],
    { cwd: directory, env: environment(directory, account) },
  );
  const stop = async () => {
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    const printed = await server.waitForOutput(/http:\/\/127\.0\.0\.1:[1-9]\d*/, START_LIMIT_MS);
    const url = printed[0];
    await server.waitUntil(() => answers(url), START_LIMIT_MS);
    return { url, host: new URL(url).host, prefix: '', account, data, log: server.log, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function environment(directory: string, { password }: Account): Record<string, string> {
  return {
    PATH: process.env.PATH ?? '',
    HOME: directory,
    // Text is written line by line, so that the last lines before a failure are never missing.
    ENTREPOT_LOG: 'info,format=text',
    ENTREPOT_ADMIN_PASSWORD: password,
    // Issuers of identity tokens are on this machine too, and without TLS.
    ENTREPOT_ALLOWED_HOSTS: '127.0.0.1',
  };
}

/** Of no use after the test; not a constant, so that what a client keeps of it is found by searching. */
export function newPassword(): string {
  return randomBytes(15).toString('base64url');
}

/** For requests that the tests make themselves. */
export function authorizationOf({ account }: { account?: Account }): Record<string, string> {
  if (account === undefined) return {};
  return { authorization: `Basic ${basicOf(account)}` };
}

/** As it stands in `auth` of a config.json. */
export function basicOf({ name, password }: Account): string {
  return Buffer.from(`${name}:${password}`).toString('base64');
}

/** `/v2/` asks everybody to sign in, which is an answer. */
async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/v2/`)).status === 401;
  } catch {
    return false;
  }
}
