// A docker daemon for the tests alone: its own storage, socket and containerd, no network rules.
// Knows how to start and stop it, and nothing of what is pushed.
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BackgroundProcess, startBackgroundProcess } from './background-process.ts';

export type DockerDaemon = Readonly<{
  /** For DOCKER_HOST. */
  host: string;
  log(): string;
  stop(): Promise<void>;
}>;

const START_LIMIT_MS = 60_000;
/** overlay2 needs a file system below that allows it; vfs works everywhere and copies. */
const STORAGE_DRIVERS = ['overlay2', 'vfs'] as const;

export function findDockerDaemon(): string | undefined {
  return Bun.which('dockerd', { PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin` }) ?? undefined;
}

/** Why no daemon can run here, or undefined when one can. */
export function dockerDaemonObstacle(): string | undefined {
  if (findDockerDaemon() === undefined) return 'dockerd is not installed';
  if (process.getuid?.() !== 0) return 'dockerd needs root';
  return existsSync('/sys/fs/cgroup') ? undefined : 'dockerd needs control groups';
}

export async function startDockerDaemon(
  directory: string,
  insecureRegistry: string,
): Promise<DockerDaemon> {
  const binary = findDockerDaemon();
  if (binary === undefined) throw new Error('dockerd is not installed');
  // A socket's path may have 107 characters: it gets a short directory of its own.
  const sockets = await mkdtemp(join(tmpdir(), 'dockerd-'));
  const failures: string[] = [];
  for (const driver of STORAGE_DRIVERS) {
    const root = join(directory, driver);
    mkdirSync(root, { recursive: true });
    const socket = join(sockets, `${driver}.sock`);
    const server = launch({ binary, root, sockets, socket, driver, insecureRegistry });
    const stop = async () => {
      await server.stop();
      rmSync(sockets, { recursive: true, force: true });
    };
    try {
      await server.waitUntil(() => answers(socket), START_LIMIT_MS);
      return { host: `unix://${socket}`, log: server.log, stop };
    } catch (error) {
      await server.stop();
      failures.push(`${driver}: ${String(error)}`);
    }
  }
  rmSync(sockets, { recursive: true, force: true });
  throw new Error(`dockerd did not start.\n${failures.join('\n')}`);
}

type Launch = Readonly<{
  binary: string;
  root: string;
  sockets: string;
  socket: string;
  driver: string;
  insecureRegistry: string;
}>;

function launch(options: Launch): BackgroundProcess {
  const inRoot = (name: string) => join(options.root, name);
  writeFileSync(inRoot('daemon.json'), '{}');
  const places = ['--data-root', inRoot('data'), '--exec-root', join(options.sockets, 'x')];
  const control = ['--pidfile', inRoot('pid'), '-H', `unix://${options.socket}`];
  const network = ['--iptables=false', '--ip6tables=false', '--bridge=none'];
  return startBackgroundProcess(
    [
      ...[options.binary, ...places, ...control, ...network],
      ...['--config-file', inRoot('daemon.json'), '--storage-driver', options.driver],
      ...['--insecure-registry', options.insecureRegistry],
      // More than the five uploads of the default: pushes at once are what is tested.
      ...['--max-concurrent-uploads', '16'],
    ],
    { cwd: options.root, env: { PATH: '/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' } },
  );
}

async function answers(socket: string): Promise<boolean> {
  try {
    return (await fetch('http://docker/_ping', { unix: socket })).ok;
  } catch {
    return false;
  }
}
