// Starts the registry that the clients talk to: Entrepot, as a process of its own on a free port
// with an empty data directory. ENTREPOT_TEST_REGISTRY_URL names a running registry to use in its
// place, so that the tests themselves can be tried against a peer. Knows no client.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startBackgroundProcess } from './background-process.ts';

export type RegistryUnderTest = Readonly<{
  url: string;
  /** `host:port`, as it stands at the front of an image name. */
  host: string;
  /** Goes before every repository name; sets runs apart on a registry that is not ours. */
  prefix: string;
  log(): string;
  stop(): Promise<void>;
}>;

/** `entrepot serve` is up in under a second; a machine that does much else may need longer. */
const START_LIMIT_MS = 60_000;

export async function startRegistryUnderTest(): Promise<RegistryUnderTest> {
  const given = process.env.ENTREPOT_TEST_REGISTRY_URL;
  return given === undefined ? await startEntrepot() : useRunning(given);
}

function useRunning(url: string): RegistryUnderTest {
  const prefix = `run-${Date.now().toString(36)}-${process.pid}/`;
  const log = () => `(the log of ${url} is not ours to read)`;
  return { url, host: new URL(url).host, prefix, log, stop: () => Promise.resolve() };
}

async function startEntrepot(): Promise<RegistryUnderTest> {
  const directory = mkdtempSync(join(tmpdir(), 'entrepot-clients-'));
  const main = join(import.meta.dir, '..', '..', 'src', 'cli', 'main.ts');
  const server = startBackgroundProcess(
    [process.execPath, main, 'serve', '--listen', '127.0.0.1:0', '--data', join(directory, 'data')],
    { cwd: directory, env: environment(directory) },
  );
  const stop = async () => {
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    const printed = await server.waitForOutput(/http:\/\/127\.0\.0\.1:[1-9]\d*/, START_LIMIT_MS);
    const url = printed[0];
    await server.waitUntil(() => answers(url), START_LIMIT_MS);
    return { url, host: new URL(url).host, prefix: '', log: server.log, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Text is written line by line, so that the last lines before a failure are never missing. */
function environment(directory: string): Record<string, string> {
  const log = 'info,format=text';
  return { PATH: process.env.PATH ?? '', HOME: directory, ENTREPOT_LOG: log };
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/v2/`)).ok;
  } catch {
    return false;
  }
}
