// A real directory server, OpenLDAP's, as any user: with TLS, in a folder of its own, on free ports. It
// takes names without a password, as many do, so that a client that sends these is found.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'ldapts';
import { findClient } from './clients.ts';
import { ADMIN, type Directory, SUFFIX } from './directory.ts';

/** Not on every PATH. */
const PLACE = '/usr/sbin/slapd';
const SCHEMAS = '/etc/ldap/schema';
const MODULES = '/usr/lib/ldap';
const START_MS = 20_000;

function findSlapd(): string | undefined {
  return existsSync(PLACE) ? PLACE : findClient('slapd');
}

/** Why none can be started here; undefined: it can. */
export function slapdMissing(): string | undefined {
  if (findSlapd() === undefined || !existsSync(SCHEMAS)) return 'not installed';
  return findClient('openssl') === undefined ? 'openssl is not installed' : undefined;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** For this machine under two names, and for nobody else. */
function makeCertificate(folder: string): void {
  const request =
    'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost ' +
    '-addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout key.pem -out cert.pem';
  const made = spawnSync(findClient('openssl') ?? '', request.split(' '), { cwd: folder });
  if (made.status !== 0) throw new Error(`openssl: ${made.stderr.toString()}`);
}

function configurationOf(folder: string): string {
  const schemas = ['core', 'cosine', 'inetorgperson'].map(
    (name) => `include ${SCHEMAS}/${name}.schema`,
  );
  return `${schemas.join('\n')}
modulepath ${MODULES}
moduleload back_mdb
moduleload memberof
allow bind_anon_cred bind_anon_dn
TLSCertificateFile ${folder}/cert.pem
TLSCertificateKeyFile ${folder}/key.pem
database mdb
maxsize 16777216
suffix "${SUFFIX}"
rootdn "${ADMIN.dn}"
rootpw "${ADMIN.password}"
directory ${folder}/db
overlay memberof
access to attrs=userPassword by anonymous auth by * none
access to * by users read by * none
`;
}

export interface Slapd extends Directory {
  readonly secureUrl: string;
  /** PEM; it is its own authority. */
  readonly ca: string;
}

export async function startSlapd(): Promise<Slapd> {
  const path = findSlapd();
  if (path === undefined) throw new Error(`slapd: ${slapdMissing()}`);
  const folder = mkdtempSync(join(tmpdir(), 'entrepot-slapd-'));
  mkdirSync(join(folder, 'db'));
  makeCertificate(folder);
  writeFileSync(join(folder, 'slapd.conf'), configurationOf(folder));
  // A copy, because AppArmor keeps the one of the system away from folders that are not its own.
  const program = join(folder, 'slapd');
  copyFileSync(path, program);
  const url = `ldap://127.0.0.1:${await freePort()}`;
  const secureUrl = `ldaps://127.0.0.1:${await freePort()}`;
  const child = spawn(
    program,
    ['-f', join(folder, 'slapd.conf'), '-h', `${url} ${secureUrl}`, '-d', 'none'],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  const admin = await connected(url, child).catch((error) => {
    kill();
    rmSync(folder, { recursive: true, force: true });
    throw error;
  });
  return {
    url,
    secureUrl,
    ca: readFileSync(join(folder, 'cert.pem'), 'utf8'),
    put: async (dn, attributes) => {
      await admin.add(dn, attributes);
    },
    remove: (dn) => admin.del(dn),
    async stop() {
      await admin.unbind();
      const ended = new Promise((resolve) => child.once('exit', resolve));
      kill();
      await ended;
      process.off('exit', kill);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Waits until it answers. */
async function connected(url: string, child: ChildProcess): Promise<Client> {
  let said = '';
  child.stderr?.on('data', (chunk) => {
    said += String(chunk);
  });
  const until = Date.now() + START_MS;
  for (;;) {
    const client = new Client({ url });
    try {
      await client.bind(ADMIN.dn, ADMIN.password);
      return client;
    } catch (error) {
      if (child.exitCode !== null || Date.now() > until) {
        throw new Error(`slapd did not start: ${said}`, { cause: error });
      }
      await Bun.sleep(20);
    }
  }
}
