// A containerd for the tests alone, with its own root, state and socket, and without the plugins
// that only Kubernetes or other file systems need. Knows nothing of what is pushed.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startBackgroundProcess } from './background-process.ts';

export type ContainerdDaemon = Readonly<{
  /** The path of its socket. */
  address: string;
  log(): string;
  stop(): Promise<void>;
}>;

const START_LIMIT_MS = 60_000;

export function findContainerd(): string | undefined {
  return Bun.which('containerd', { PATH: searchPath() }) ?? undefined;
}

/** Why no containerd can run here, or undefined when one can. */
export function containerdObstacle(): string | undefined {
  if (findContainerd() === undefined) return 'containerd is not installed';
  return process.getuid?.() === 0 ? undefined : 'containerd needs root';
}

export async function startContainerd(directory: string): Promise<ContainerdDaemon> {
  const binary = findContainerd();
  if (binary === undefined) throw new Error('containerd is not installed');
  mkdirSync(directory, { recursive: true });
  const sockets = await mkdtemp(join(tmpdir(), 'containerd-'));
  const address = join(sockets, 's');
  const settings = join(directory, 'config.toml');
  writeFileSync(settings, configuration(directory, sockets, address));
  const server = startBackgroundProcess([binary, '--config', settings], {
    cwd: directory,
    env: { PATH: searchPath() },
  });
  const stop = async () => {
    await server.stop();
    rmSync(sockets, { recursive: true, force: true });
  };
  try {
    await server.waitForOutput(/containerd successfully booted/, START_LIMIT_MS);
    return { address, log: server.log, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function configuration(directory: string, sockets: string, address: string): string {
  return [
    'version = 2',
    `root = "${join(directory, 'root')}"`,
    `state = "${join(sockets, 'state')}"`,
    'disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.snapshotter.v1.zfs",',
    '  "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.aufs",',
    '  "io.containerd.snapshotter.v1.devmapper", "io.containerd.tracing.processor.v1.otlp"]',
    '[grpc]',
    `address = "${address}"`,
  ].join('\n');
}

function searchPath(): string {
  return `${process.env.PATH ?? ''}:/usr/sbin:/usr/bin:/sbin:/bin`;
}
