// podman: build, push, pull and run without a daemon. Knows only its commands.
import { expect } from 'bun:test';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeClient } from './client-suite.ts';
import { writeIndexLayout } from './oci-layout.ts';
import { pushLayout } from './push-layout.ts';
import { heldImage } from './registry-content.ts';
import { seededBytes } from './seeded-bytes.ts';
import { hostArchitecture, staticProgram } from './static-program.ts';

/** Every fourth of them differs, so that one request asks for several ranges. */
const CHUNKED_FILES = 20;

function canOverlay(): boolean {
  if (process.platform !== 'linux') return false;
  return readFileSync('/proc/filesystems', 'utf8').includes('overlay');
}

/** Storage settings under which podman asks for parts of a layer, in one request of many ranges. */
function partialPullStorage(place: string): string {
  const file = join(place, 'storage.conf');
  const options = '{enable_partial_images = "true", use_hard_links = "false", ostree_repos = ""}';
  const settings = [
    '[storage]',
    'driver = "overlay"',
    `graphroot = "${join(place, 'root')}"`,
    `runroot = "${join(place, 'run')}"`,
    '[storage.options]',
    `pull_options = ${options}`,
  ];
  writeFileSync(file, settings.join('\n'));
  return file;
}

describeClient('podman', (suite) => {
  const { check, checkIf, run, refused, image, repository, registry, directory } = suite;
  const architecture = hostArchitecture();
  const held = (name: string, tag = 'v1') =>
    heldImage(registry(), repository(`podman/${name}`), tag);

  /** Builds an image that holds a program and random bytes; answers its full name. */
  async function built(name: string, platform: readonly string[] = []): Promise<string> {
    const cwd = directory(`context-${name}`);
    writeFileSync(join(cwd, 'data'), seededBytes(`podman ${name}`, 50_000));
    writeFileSync(join(cwd, 'hello'), staticProgram(`podman ${name}`, architecture ?? 'amd64'));
    chmodSync(join(cwd, 'hello'), 0o755);
    const lines = ['FROM scratch', 'COPY hello data /', 'CMD ["/hello"]'];
    writeFileSync(join(cwd, 'Dockerfile'), lines.join('\n'));
    const tag = image(`podman/${name}:v1`);
    await run(['build', ...platform, '-t', tag, '.'], { cwd });
    return tag;
  }

  async function pushed(name: string): Promise<Readonly<{ tag: string; digest: string }>> {
    const tag = await built(name);
    const file = join(directory(`digest-${name}`), 'digest');
    await run(['push', '--digestfile', file, tag]);
    return { tag, digest: (await Bun.file(file).text()).trim() };
  }

  check('builds, pushes and pulls by tag and by digest', async () => {
    const { tag, digest } = await pushed('app');
    expect((await held('app')).digest).toBe(digest);
    await run(['rmi', '--all', '--force']);
    await run(['pull', tag]);
    await run(['rmi', '--all', '--force']);
    await run(['pull', image(`podman/app@${digest}`)]);
    const found = await run(['images', '--digests', '--format', '{{.Digest}}']);
    expect(found.stdout).toContain(digest);
  });

  checkIf(architecture !== undefined, 'no program can be written for this processor')(
    'runs what it pulled, without a network',
    async () => {
      const { tag } = await pushed('run');
      await run(['rmi', '--all', '--force']);
      // Small limits: without every right of root, larger ones than the machine's are refused.
      const limits = ['--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1024:1024'];
      const ran = await run(['run', '--rm', '--network', 'none', ...limits, tag]);
      expect(ran.stdout).toContain('podman run');
    },
  );

  check('pushes with zstd layers and pulls them', async () => {
    const tag = await built('zstd');
    await run(['push', '--format', 'oci', '--compression-format', 'zstd', tag]);
    const layers = (await held('zstd')).content.layers ?? [];
    expect(layers.length).toBeGreaterThan(0);
    for (const layer of layers) expect(layer.mediaType).toEndWith('tar+zstd');
    await run(['rmi', '--all', '--force']);
    await run(['pull', tag]);
  });

  checkIf(canOverlay(), 'parts of a layer are only fetched into overlay storage')(
    'fetches only those files of a zstd:chunked layer that it lacks',
    async () => {
      const env = { CONTAINERS_STORAGE_CONF: partialPullStorage(directory('partial')) };
      const names = ['old', 'new'].map((name) => image(`podman/chunked-${name}:v1`));
      for (const [version, tag] of names.entries()) {
        const cwd = directory(`context-chunked-${version}`);
        for (let file = 0; file < CHUNKED_FILES; file += 1) {
          const change = file % 4 === 0 ? version : 'kept';
          const seed = `podman chunked ${file} ${change}`;
          writeFileSync(join(cwd, `data-${file}`), seededBytes(seed, 100_000));
        }
        writeFileSync(join(cwd, 'Dockerfile'), 'FROM scratch\nCOPY data-* /\n');
        await run(['build', '-t', tag, '.'], { cwd, env });
        const form = ['--format', 'oci', '--compression-format', 'zstd:chunked'];
        await run(['push', ...form, tag], { env });
      }
      await run(['rmi', '--all', '--force'], { env });
      const [first = '', second = ''] = names;
      await run(['pull', first], { env });
      const pulled = await run(['--log-level', 'debug', 'pull', second], { env });
      expect(pulled.stderr).toContain('Retrieved partial blob');
    },
  );

  check('pushes a manifest list with all its images', async () => {
    const list = image('podman/list:v1');
    await run(['manifest', 'create', list]);
    for (const name of ['amd64', 'arm64']) {
      const tag = await built(`list-${name}`, ['--platform', `linux/${name}`]);
      await run(['manifest', 'add', list, `containers-storage:${tag}`]);
    }
    await run(['manifest', 'push', '--all', list, `docker://${list}`]);
    const children = (await held('list')).content.manifests ?? [];
    expect(children.map((child) => child.platform?.architecture)).toEqual(['amd64', 'arm64']);
    const inspected = await run(['manifest', 'inspect', list]);
    expect(inspected.stdout).toContain('arm64');
  });

  check('pulls the right platform out of an index', async () => {
    const layout = directory('layout-index');
    const { images } = writeIndexLayout(layout, 'v1', { seed: 'podman index' });
    await pushLayout(registry(), repository('podman/index'), layout);
    const name = image('podman/index:v1');
    await run(['pull', '--arch', 'arm64', name]);
    const inspected = await run(['image', 'inspect', '--format', '{{.Architecture}}', name]);
    expect(inspected.stdout.trim()).toBe('arm64');
    expect(images.length).toBe(2);
  });

  check('pushes to a second repository', async () => {
    const { tag } = await pushed('first');
    const second = image('podman/second:v1');
    await run(['tag', tag, second]);
    await run(['push', second]);
    const layers = (await held('second')).content.layers?.map((layer) => layer.digest);
    expect(layers).toEqual((await held('first')).content.layers?.map((layer) => layer.digest));
  });

  check('searches for tags', async () => {
    await pushed('searched');
    const found = await run(['search', '--list-tags', image('podman/searched')]);
    expect(found.stdout).toContain('v1');
  });

  check('says what is unknown', async () => {
    const missing = await refused(['pull', image('podman/absent:v1')]);
    expect(missing.stderr).toMatch(/name unknown|manifest unknown|no repository|no such manifest/i);
  });
});
