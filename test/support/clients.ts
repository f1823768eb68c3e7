// Finds the programs that the tests run against the registry: on PATH, or where .ci/install-clients
// builds those of .ci/clients.txt. A pinned build comes before whatever else lies on PATH.
import { accessSync, constants, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

const CLIENTS_FILE = join(import.meta.dir, '../../.ci/clients.txt');

/** Name to version, as `.ci/clients.txt` pins them. */
export function pinnedClients(text = readFileSync(CLIENTS_FILE, 'utf8')): Map<string, string> {
  const pinned = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [name, , version] = line.trim().split(/\s+/);
    if (name && version && !name.startsWith('#')) pinned.set(name, version);
  }
  return pinned;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The path of a program, or undefined when this machine does not have it. */
export function findClient(name: string, env: NodeJS.ProcessEnv = process.env): string | undefined {
  const cache = join(
    env.XDG_CACHE_HOME || join(env.HOME || homedir(), '.cache'),
    'entrepot/clients',
  );
  const version = pinnedClients().get(name);
  const built = version === undefined ? [] : [join(cache, `${name}@${version}`, name)];
  const onPath = (env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  return [...built, ...onPath.map((folder) => join(folder, name))].find(isExecutable);
}
