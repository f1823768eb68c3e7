// The registries that are measured: those given by address, and those that are started here in
// temporary directories. What is started here is ended here, however the program ends. Knows
// nothing of workloads.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Connection, type Endpoint, prepareRequest } from './load/http-client.ts';

export interface Credentials {
  readonly user: string;
  readonly password: string;
}

export interface Registry {
  readonly name: string;
  readonly endpoint: Endpoint;
  readonly credentials: Credentials | undefined;
  /** Debian's docker-registry has bars of its own among the targets. */
  readonly isDebian: boolean;
  /** The process to read CPU time and memory from; undefined: they are not known. */
  pid(): number | undefined;
  /** Only for a registry that was started here. */
  readonly control: RegistryControl | undefined;
}

export interface RegistryControl {
  /** SIGKILL, and waits for the end. */
  kill(): Promise<void>;
  /** Starts it again on the same data and address, and waits for the first good answer. */
  start(): Promise<void>;
}

interface StartOptions {
  /** The core that the server may use, undefined: any. */
  readonly core: number | undefined;
  /** Where temporary data goes. */
  readonly directory: string;
  /** Only for Entrepot: data that are there already and stay there; undefined: none. */
  readonly data?: string;
  /** Only for Entrepot: settings, such as `ENTREPOT_COLLECT_RATE`. */
  readonly environment?: Readonly<Record<string, string>>;
}

const ROOT = join(import.meta.dir, '..');
const START_LIMIT_MS = 30_000;
const living = new Set<ChildProcess>();
const temporary = new Set<string>();

/** Ends every child by its id and removes every directory. Synchronous: it runs at exit. */
export function cleanUp(): void {
  for (const child of living) child.kill('SIGKILL');
  for (const directory of temporary) rmSync(directory, { recursive: true, force: true });
  living.clear();
  temporary.clear();
}

/** Reads `name=http://host:port[,pid=N][,user=U,password=P]`. */
export function parseRegistry(text: string): Registry {
  const [, name, address, rest] = text.match(/^([\w.-]+)=(http:\/\/[^,]+)((?:,\w+=[^,]*)*)$/) ?? [];
  if (name === undefined || address === undefined) {
    throw new Error(`"${text}" is not name=http://host:port[,pid=N][,user=U,password=P].`);
  }
  const options = new Map<string, string>();
  for (const part of (rest ?? '').split(',').filter((each) => each !== '')) {
    const equals = part.indexOf('=');
    options.set(part.slice(0, equals), part.slice(equals + 1));
  }
  for (const key of options.keys()) {
    if (!['pid', 'user', 'password'].includes(key)) {
      throw new Error(`"${key}" is not an option of a registry: use pid, user, password.`);
    }
  }
  const url = new URL(address);
  const pid = options.get('pid') === undefined ? undefined : Number(options.get('pid'));
  if (pid !== undefined && !existsSync(`/proc/${pid}/stat`)) {
    throw new Error(`There is no process ${options.get('pid')} for ${name}.`);
  }
  const user = options.get('user');
  return {
    name,
    endpoint: { hostname: url.hostname, port: Number(url.port || 80) },
    credentials: user === undefined ? undefined : { user, password: options.get('password') ?? '' },
    isDebian: name === 'docker-registry',
    pid: () => pid,
    control: undefined,
  };
}

/** Why Entrepot cannot be started from this checkout, or undefined. */
export function whyNoEntrepot(): string | undefined {
  const missing = ['src/app/start.ts', 'src/cli/main.ts'].filter(
    (path) => !existsSync(join(ROOT, path)),
  );
  return missing.length > 0 ? `this checkout has no ${missing.join(' and no ')}` : undefined;
}

const ADMINISTRATOR: Credentials = { user: 'admin', password: 'only for the benchmark' };

/** The server itself, without the launcher around it, whose memory would be counted with it. */
export function startEntrepot(options: StartOptions): Promise<Registry> {
  return start('entrepot', options, (port, directory) => ({
    command: [process.execPath, join(ROOT, 'src/cli/main.ts'), 'serve'],
    environment: {
      ENTREPOT_DATA: options.data ?? join(directory, 'data'),
      ENTREPOT_LISTEN: `127.0.0.1:${port}`,
      ENTREPOT_LOG: 'error,access=off',
      ENTREPOT_ADMIN_PASSWORD: ADMINISTRATOR.password,
      // A workload asks for its token once, and may run for longer than five minutes.
      ENTREPOT_TOKEN_LIFETIME: '24h',
      ...options.environment,
    },
    credentials: ADMINISTRATOR,
  }));
}

export function whyNoDockerRegistry(): string | undefined {
  return Bun.which('docker-registry') === null
    ? 'docker-registry is not installed (Debian package docker-registry)'
    : undefined;
}

export function startDockerRegistry(options: StartOptions): Promise<Registry> {
  return start('docker-registry', options, (port, directory) => {
    const file = join(directory, 'config.yml');
    writeFileSync(
      file,
      [
        'version: 0.1',
        'log: { level: error, accesslog: { disabled: true } }',
        'storage:',
        '  cache: { blobdescriptor: inmemory }',
        `  filesystem: { rootdirectory: ${JSON.stringify(join(directory, 'data'))} }`,
        '  delete: { enabled: true }',
        `http: { addr: "127.0.0.1:${port}" }`,
        '',
      ].join('\n'),
    );
    return { command: ['docker-registry', 'serve', file], environment: {} };
  });
}

interface Launch {
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Undefined: it asks for none. */
  readonly credentials?: Credentials;
}

async function start(
  name: string,
  options: StartOptions,
  launchFor: (port: number, directory: string) => Launch,
): Promise<Registry> {
  const directory = mkdtempSync(join(options.directory, `bench-${name}-`));
  temporary.add(directory);
  const endpoint = { hostname: '127.0.0.1', port: await freePort() };
  const launch = launchFor(endpoint.port, directory);
  const pinned = options.core === undefined ? [] : ['taskset', '-c', String(options.core)];
  const [file = '', ...args] = [...pinned, ...launch.command];
  const logPath = join(directory, 'log');
  let child: ChildProcess | undefined;

  const control: RegistryControl = {
    async start() {
      const log = openSync(logPath, 'a');
      const environment = { ...process.env, ...launch.environment };
      child = spawn(file, args, { cwd: directory, env: environment, stdio: ['ignore', log, log] });
      living.add(child);
      await untilReady({ name, endpoint, child, logPath });
    },
    async kill() {
      if (child !== undefined) await ended(child);
    },
  };
  await control.start();
  return {
    name,
    endpoint,
    credentials: launch.credentials,
    isDebian: name === 'docker-registry',
    pid: () => child?.pid,
    control,
  };
}

function ended(child: ChildProcess): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  child.once('exit', () => resolve());
  child.kill('SIGKILL');
  return promise.finally(() => living.delete(child));
}

async function untilReady(server: {
  readonly name: string;
  readonly endpoint: Endpoint;
  readonly child: ChildProcess;
  readonly logPath: string;
}): Promise<void> {
  const deadline = performance.now() + START_LIMIT_MS;
  const ping = prepareRequest(server.endpoint, { method: 'GET', target: '/v2/' });
  while (performance.now() < deadline && server.child.exitCode === null) {
    const connection = new Connection(server.endpoint);
    try {
      const { status } = await connection.send(ping);
      if (status === 200 || status === 401) return;
    } catch {
      // Nobody listens yet.
    } finally {
      connection.close();
    }
    await Bun.sleep(1);
  }
  const log = readFileSync(server.logPath, 'utf8').slice(-2000);
  throw new Error(`${server.name} did not start. Its log ends with:\n${log}`);
}

async function freePort(): Promise<number> {
  const server = createServer();
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', resolve);
  await promise;
  const address = server.address();
  await new Promise((closed) => server.close(closed));
  if (address === null || typeof address === 'string') throw new Error('no port is free');
  return address.port;
}
