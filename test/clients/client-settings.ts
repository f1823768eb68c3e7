// How each client is run for a test: with a home, caches and storage of its own, without TLS, and
// without anything from the machine's own settings. Knows no single check.
import { mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { startContainerd } from './containerd-daemon.ts';
import { startDockerDaemon } from './docker-daemon.ts';
import type { RegistryUnderTest } from './registry-under-test.ts';

/** In the order of the matrix. */
export const CLIENT_NAMES = [
  'docker',
  'ctr',
  'podman',
  'buildah',
  'skopeo',
  'crane',
  'regctl',
  'oras',
  'cosign',
  'helm',
] as const;
export type ClientName = (typeof CLIENT_NAMES)[number];

export type ClientPlace = Readonly<{
  binary: string;
  /** Empty, and the client's alone. */
  directory: string;
  registry: RegistryUnderTest;
}>;

/** What stands before the arguments of each call, and around it. */
export type ClientSetting = Readonly<{
  command: readonly string[];
  env: Readonly<Record<string, string>>;
  log?: () => string;
  stop?: () => Promise<void>;
}>;

type OpenClient = (place: ClientPlace) => ClientSetting | Promise<ClientSetting>;

const OPEN: Readonly<Record<ClientName, OpenClient>> = {
  docker: openDocker,
  ctr: openCtr,
  podman: openPodman,
  buildah: openWithContainersHome,
  skopeo: openWithContainersHome,
  crane: openPlain,
  regctl: openRegctl,
  oras: openPlain,
  cosign: openCosign,
  helm: openPlain,
};

export async function openClient(name: ClientName, place: ClientPlace): Promise<ClientSetting> {
  return await OPEN[name](place);
}

/** A short environment: a proxy or a login of the person who runs the tests must not leak in. */
function homeEnvironment(place: ClientPlace): Record<string, string> {
  const inside = (name: string) => {
    const path = join(place.directory, name);
    mkdirSync(path, { recursive: true, mode: 0o700 });
    return path;
  };
  // podman and buildah refuse to start when this place is named and holds no file.
  writeFileSync(join(inside('home/.docker'), 'config.json'), '{}');
  const path = [dirname(place.binary), '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];
  return {
    PATH: path.join(delimiter),
    LANG: 'C.UTF-8',
    HOME: inside('home'),
    XDG_CONFIG_HOME: inside('home/.config'),
    XDG_CACHE_HOME: inside('home/.cache'),
    XDG_DATA_HOME: inside('home/.local/share'),
    XDG_RUNTIME_DIR: inside('runtime'),
    TMPDIR: inside('tmp'),
    DOCKER_CONFIG: inside('home/.docker'),
  };
}

function openPlain(place: ClientPlace): ClientSetting {
  return { command: [place.binary], env: homeEnvironment(place) };
}

async function openDocker(place: ClientPlace): Promise<ClientSetting> {
  const daemon = await startDockerDaemon(join(place.directory, 'daemon'), place.registry.host);
  // Without its build plugin a newer docker command falls back to the builder in the daemon.
  const env = { ...homeEnvironment(place), DOCKER_HOST: daemon.host, DOCKER_BUILDKIT: '0' };
  return { command: [place.binary], env, log: daemon.log, stop: daemon.stop };
}

async function openCtr(place: ClientPlace): Promise<ClientSetting> {
  const daemon = await startContainerd(join(place.directory, 'daemon'));
  const command = [place.binary, '--address', daemon.address];
  return { command, env: homeEnvironment(place), log: daemon.log, stop: daemon.stop };
}

function openRegctl(place: ClientPlace): ClientSetting {
  const env = homeEnvironment(place);
  const file = join(place.directory, 'regctl.json');
  writeFileSync(file, JSON.stringify({ hosts: { [place.registry.host]: { tls: 'disabled' } } }));
  return { command: [place.binary], env: { ...env, REGCTL_CONFIG: file } };
}

function openCosign(place: ClientPlace): ClientSetting {
  const env = { ...homeEnvironment(place), COSIGN_PASSWORD: 'test', COSIGN_YES: 'true' };
  return { command: [place.binary], env };
}

function openPodman(place: ClientPlace): ClientSetting {
  const { command, env } = openWithContainersHome(place);
  const flags = ['--cgroup-manager', 'cgroupfs', '--events-backend', 'file'];
  const own = ['--tmpdir', join(place.directory, 'libpod')];
  // crun, the default, refuses machines that have control groups of both versions.
  const runtime = Bun.which('runc', { PATH: env.PATH ?? '' });
  if (runtime) own.push('--runtime', runtime);
  return { command: [...command, ...flags, ...own], env };
}

/** skopeo, buildah and podman read the same files from their home. */
function openWithContainersHome(place: ClientPlace): ClientSetting {
  const env = homeEnvironment(place);
  const settings = join(place.directory, 'home', '.config', 'containers');
  mkdirSync(settings, { recursive: true });
  const insecure = `[[registry]]\nlocation = "${place.registry.host}"\ninsecure = true\n`;
  writeFileSync(join(settings, 'registries.conf'), insecure);
  writeFileSync(
    join(settings, 'policy.json'),
    JSON.stringify({ default: [{ type: 'insecureAcceptAnything' }] }),
  );
  const storage = join(settings, 'storage.conf');
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
    env: { ...env, CONTAINERS_STORAGE_CONF: storage, BUILDAH_ISOLATION: 'chroot' },
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
