// A containerd for the tests alone, with its own root, state and socket, and without the plugins
// that only other file systems need. Knows nothing of what is pushed.
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
const FILE_SYSTEMS = [
  'snapshotter.v1.zfs',
  'snapshotter.v1.btrfs',
  'snapshotter.v1.aufs',
  'snapshotter.v1.devmapper',
  'tracing.processor.v1.otlp',
] as const;

export function findContainerd(): string | undefined {
  return Bun.which('containerd', { PATH: searchPath() }) ?? undefined;
}

/** Why no containerd can run here, or undefined when one can. */
export function containerdObstacle(): string | undefined {
  if (findContainerd() === undefined) return 'containerd is not installed';
  return process.getuid?.() === 0 ? undefined : 'containerd needs root';
}

/** `hasCri`: with the interface by which Kubernetes uses it. */
export async function startContainerd(
  directory: string,
  { hasCri = false } = {},
): Promise<ContainerdDaemon> {
  const binary = findContainerd();
  if (binary === undefined) throw new Error('containerd is not installed');
  mkdirSync(directory, { recursive: true });
  const sockets = await mkdtemp(join(tmpdir(), 'containerd-'));
  const address = join(sockets, 's');
  const settings = join(directory, 'config.toml');
  writeFileSync(settings, configuration({ directory, sockets, address, hasCri }));
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

type Places = Readonly<{ directory: string; sockets: string; address: string; hasCri: boolean }>;

function configuration({ directory, sockets, address, hasCri }: Places): string {
  const disabled = hasCri ? FILE_SYSTEMS : ['grpc.v1.cri', ...FILE_SYSTEMS];
  return [
    'version = 2',
    `root = "${join(directory, 'root')}"`,
    `state = "${join(sockets, 'state')}"`,
    `disabled_plugins = [${disabled.map((name) => `"io.containerd.${name}"`).join(', ')}]`,
    '[grpc]',
    `address = "${address}"`,
    // Works on every file system below.
    '[plugins."io.containerd.grpc.v1.cri".containerd]',
    'snapshotter = "native"',
  ].join('\n');
}

function searchPath(): string {
  return `${process.env.PATH ?? ''}:/usr/sbin:/usr/bin:/sbin:/bin`;
}
