// How each client is run for a test: with caches and storage of its own, without TLS, and without
// anything from the machine's own settings. Knows no single check.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Home, type HomeOf, makeHome } from './client-home.ts';
import type { ClientName } from './client-names.ts';
import { startContainerd } from './containerd-daemon.ts';
import { startDockerDaemon } from './docker-daemon.ts';
import type { RegistryUnderTest } from './registry-under-test.ts';

export type ClientPlace = Readonly<{
  binary: string;
  /** Empty, and the client's alone. */
  directory: string;
  registry: RegistryUnderTest;
}>;

/** What stands before the arguments of each call, and around it. */
export type ClientSetting = Readonly<{
  command: readonly string[];
  /** Of somebody who may do everything in the registry. */
  env: Readonly<Record<string, string>>;
  /** Of somebody else, with the same stores of images. */
  envIn(home: Home): Readonly<Record<string, string>>;
  log?: () => string;
  stop?: () => Promise<void>;
}>;

type OpenedClient = Readonly<{
  command: readonly string[];
  env?: Readonly<Record<string, string>>;
  log?: () => string;
  stop?: () => Promise<void>;
}>;
type OpenClient = (place: ClientPlace) => OpenedClient | Promise<OpenedClient>;

const OPEN: Readonly<Record<ClientName, OpenClient>> = {
  docker: openDocker,
  ctr: openCtr,
  podman: openPodman,
  buildah: openWithContainersStorage,
  skopeo: openWithContainersStorage,
  crane: openPlain,
  regctl: openPlain,
  oras: openPlain,
  cosign: openCosign,
  helm: openPlain,
};

export async function openClient(name: ClientName, place: ClientPlace): Promise<ClientSetting> {
  const { binary, directory, registry } = place;
  const client: HomeOf = { name, binary, host: registry.host };
  const { env: own = {}, ...opened } = await OPEN[name](place);
  const envIn = (home: Home) => ({ ...makeHome(client, home), ...own });
  return { ...opened, env: envIn({ directory, account: registry.account }), envIn };
}

function openPlain({ binary }: ClientPlace): OpenedClient {
  return { command: [binary] };
}

async function openDocker({ binary, directory, registry }: ClientPlace): Promise<OpenedClient> {
  const daemon = await startDockerDaemon(join(directory, 'daemon'), registry.host);
  // Without its build plugin a newer docker command falls back to the builder in the daemon.
  const env = { DOCKER_HOST: daemon.host, DOCKER_BUILDKIT: '0' };
  return { command: [binary], env, log: daemon.log, stop: daemon.stop };
}

async function openCtr({ binary, directory }: ClientPlace): Promise<OpenedClient> {
  const daemon = await startContainerd(join(directory, 'daemon'));
  return { command: [binary, '--address', daemon.address], log: daemon.log, stop: daemon.stop };
}

function openCosign({ binary }: ClientPlace): OpenedClient {
  return { command: [binary], env: { COSIGN_PASSWORD: 'test', COSIGN_YES: 'true' } };
}

function openPodman(place: ClientPlace): OpenedClient {
  const { command, env } = openWithContainersStorage(place);
  const flags = ['--cgroup-manager', 'cgroupfs', '--events-backend', 'file'];
  const own = ['--tmpdir', join(place.directory, 'libpod')];
  // crun, the default, refuses machines that have control groups of both versions.
  const runtime = Bun.which('runc', { PATH: '/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' });
  if (runtime) own.push('--runtime', runtime);
  return { command: [...command, ...flags, ...own], env };
}

/** skopeo, buildah and podman keep images in the same form. */
function openWithContainersStorage(place: ClientPlace) {
  const storage = join(place.directory, 'storage.conf');
  writeFileSync(
    storage,
    [
      '[storage]',
      'driver = "vfs"',
      `graphroot = "${join(place.directory, 'storage')}"`,
      `runroot = "${join(place.directory, 'run')}"`,
    ].join('\n'),
  );
  return {
    command: [...withOwnBlobCache(place), place.binary],
    env: { CONTAINERS_STORAGE_CONF: storage, BUILDAH_ISOLATION: 'chroot' },
  };
}

/**
 * As root these clients remember in /var/lib/containers/cache which registry holds which blob.
 * A mount that only the command sees keeps that memory inside the test.
 */
function withOwnBlobCache(place: ClientPlace): readonly string[] {
  if (process.getuid?.() !== 0) return [];
  const cache = join(place.directory, 'blob-cache');
  mkdirSync(cache, { recursive: true });
  const script = 'mkdir -p "$0" && mount --bind "$1" "$0" && shift && exec "$@"';
  return ['unshare', '--mount', 'sh', '-c', script, '/var/lib/containers/cache', cache];
}
