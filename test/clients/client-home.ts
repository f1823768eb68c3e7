// The home of a client for one test: its settings and what it keeps of a sign-in, without anything of the
// machine's own. Knows where each client looks for its credentials, and no command of any.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import type { ClientName } from './client-names.ts';
import { type Account, basicOf } from './registry-under-test.ts';

export type Home = Readonly<{
  /** Empty, and this home's alone. */
  directory: string;
  /** Signed in already; absent: nobody is. */
  account?: Account | undefined;
}>;

export type HomeOf = Readonly<{ name: ClientName; binary: string; host: string }>;
type Environment = Record<string, string>;

/** Makes the home and answers the environment of whoever lives in it. */
export function makeHome(client: HomeOf, { directory, account }: Home): Environment {
  const inside = (name: string) => {
    const path = join(directory, name);
    mkdirSync(path, { recursive: true, mode: 0o700 });
    return path;
  };
  const path = [dirname(client.binary), '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];
  const environment = {
    // A short one: a proxy or a login of the person who runs the tests must not leak in.
    PATH: path.join(delimiter),
    LANG: 'C.UTF-8',
    HOME: inside('home'),
    XDG_CONFIG_HOME: inside('home/.config'),
    XDG_CACHE_HOME: inside('home/.cache'),
    XDG_DATA_HOME: inside('home/.local/share'),
    XDG_RUNTIME_DIR: inside('runtime'),
    TMPDIR: inside('tmp'),
  };
  const auths = account && authsFile(client.host, account);
  if (DOCKERS.includes(client.name) && auths) {
    writeFileSync(join(inside('home/.docker'), 'config.json'), auths);
  }
  if (client.name === 'helm' && auths) {
    writeFileSync(join(inside('home/.config/helm/registry'), 'config.json'), auths);
  }
  if (CONTAINERS.includes(client.name)) {
    writeContainersSettings(inside('home/.config/containers'), client.host);
    if (auths) writeFileSync(join(inside('runtime/containers'), 'auth.json'), auths);
  }
  return client.name === 'regctl'
    ? { ...environment, REGCTL_CONFIG: writeRegctlSettings({ directory, account }, client.host) }
    : environment;
}

/** They read and write the file of docker. */
const DOCKERS: readonly ClientName[] = ['docker', 'crane', 'oras', 'cosign'];
/** They have one of their own, and a directory of settings. */
const CONTAINERS: readonly ClientName[] = ['podman', 'buildah', 'skopeo'];

/** As docker writes it, and everybody after it. */
function authsFile(host: string, account: Account): string {
  return JSON.stringify({ auths: { [host]: { auth: basicOf(account) } } });
}

function writeContainersSettings(settings: string, host: string): void {
  const insecure = `[[registry]]\nlocation = "${host}"\ninsecure = true\n`;
  writeFileSync(join(settings, 'registries.conf'), insecure);
  const policy = { default: [{ type: 'insecureAcceptAnything' }] };
  writeFileSync(join(settings, 'policy.json'), JSON.stringify(policy));
}

function writeRegctlSettings({ directory, account }: Home, host: string): string {
  const file = join(directory, 'regctl.json');
  const user = account && { user: account.name, pass: account.password };
  writeFileSync(file, JSON.stringify({ hosts: { [host]: { tls: 'disabled', ...user } } }));
  return file;
}

/** The files of a home in which a secret stands, as it is or in base64. */
export function filesHolding(directory: string, { name, password }: Account): readonly string[] {
  const signs = [password, basicOf({ name, password }), Buffer.from(password).toString('base64')];
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => {
      const text = readFileSync(path, 'latin1');
      return signs.some((sign) => text.includes(sign));
    });
}
