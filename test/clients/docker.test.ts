// docker: the daemon's classic store and builder. Knows only the command's own words.
import { expect } from 'bun:test';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findDockerWithBuildKit } from './build-kit.ts';
import { describeClient } from './client-suite.ts';
import { writeIndexLayout } from './oci-layout.ts';
import { pushLayout } from './push-layout.ts';
import { heldBlob, heldImage, heldManifest } from './registry-content.ts';
import { seededBytes } from './seeded-bytes.ts';
import { hostArchitecture, staticProgram } from './static-program.ts';
import { tarOf } from './tar.ts';

const BIG_LAYER_BYTES = 64 * 1024 * 1024;
const PUSHES_AT_ONCE = 30;
const DIGEST = /sha256:[0-9a-f]{64}/;

describeClient('docker', (suite) => {
  const { check, checkIf, run, refused, image, repository, registry, directory } = suite;
  const architecture = hostArchitecture();
  const buildKit = findDockerWithBuildKit();
  const held = (name: string, tag = 'v1') =>
    heldImage(registry(), repository(`docker/${name}`), tag);

  /** Builds an image that prints `docker <name>` and carries random bytes; answers its full name. */
  async function built(name: string, dataBytes = 50_000): Promise<string> {
    const cwd = directory(`context-${name}`);
    writeFileSync(join(cwd, 'data'), seededBytes(`docker ${name}`, dataBytes));
    writeFileSync(join(cwd, 'hello'), staticProgram(`docker ${name}`, architecture ?? 'amd64'));
    chmodSync(join(cwd, 'hello'), 0o755);
    const lines = ['FROM scratch', 'COPY hello /hello', 'COPY data /data', 'CMD ["/hello"]'];
    writeFileSync(join(cwd, 'Dockerfile'), lines.join('\n'));
    const tag = image(`docker/${name}:v1`);
    await run(['build', '-t', tag, '.'], { cwd });
    return tag;
  }

  /** Builds and pushes; answers the name and the digest that docker reports. */
  async function pushed(name: string): Promise<Readonly<{ tag: string; digest: string }>> {
    const tag = await built(name);
    const output = await run(['push', tag]);
    return { tag, digest: output.stdout.match(DIGEST)?.[0] ?? 'docker reported no digest' };
  }

  /** Removes the image whole, so that the next pull must fetch its layers. */
  const forget = (tag: string) => run(['rmi', '--force', tag]);

  check('builds and pushes', async () => {
    const { digest } = await pushed('push');
    const found = await held('push');
    expect(found.digest).toBe(digest);
    expect(found.content.layers?.length).toBe(2);
  });

  checkIf(architecture !== undefined, 'no program can be written for this processor')(
    'pulls and runs without a network',
    async () => {
      const { tag } = await pushed('run');
      await forget(tag);
      await run(['pull', tag]);
      const ran = await run(['run', '--rm', '--network', 'none', tag]);
      expect(ran.stdout).toBe('docker run');
    },
  );

  check('pulls by digest', async () => {
    const { tag, digest } = await pushed('digest');
    await forget(tag);
    const name = image(`docker/digest@${digest}`);
    const pulled = await run(['pull', name]);
    expect(pulled.stdout).toContain(`Digest: ${digest}`);
    const inspected = await run(['image', 'inspect', '--format', '{{.RepoDigests}}', name]);
    expect(inspected.stdout).toContain(digest);
  });

  check('mounts layers from another repository', async () => {
    const { tag, digest } = await pushed('mount-from');
    const second = image('docker/mount-to:v1');
    await run(['tag', tag, second]);
    const output = await run(['push', second]);
    const mounted = output.stdout.match(/Mounted from/g) ?? [];
    expect(mounted.length).toBe(2);
    expect((await held('mount-to')).digest).toBe(digest);
  });

  check('sends nothing twice', async () => {
    const { tag, digest } = await pushed('again');
    const again = await run(['push', tag]);
    expect(again.stdout.match(/Layer already exists/g)?.length).toBe(2);
    expect(again.stdout).toContain(digest);
    await run(['tag', tag, image('docker/again:v2')]);
    const other = await run(['push', image('docker/again:v2')]);
    expect(other.stdout.match(/Layer already exists/g)?.length).toBe(2);
  });

  check('pushes all tags of a repository', async () => {
    const tag = await built('tags');
    for (const name of ['v2', 'v3']) await run(['tag', tag, image(`docker/tags:${name}`)]);
    await run(['push', '--all-tags', image('docker/tags')]);
    const digests = await Promise.all(['v1', 'v2', 'v3'].map((name) => held('tags', name)));
    expect(new Set(digests.map((found) => found.digest)).size).toBe(1);
  });

  check('pulls all tags of a repository', async () => {
    const { tag } = await pushed('pull-tags');
    const second = image('docker/pull-tags:v2');
    await run(['tag', tag, second]);
    await run(['push', second]);
    await forget(tag);
    await forget(second);
    await run(['pull', '--all-tags', image('docker/pull-tags')]);
    const listed = await run(['images', '--format', '{{.Tag}}', image('docker/pull-tags')]);
    expect(listed.stdout.trim().split('\n').sort()).toEqual(['v1', 'v2']);
  });

  check('pushes and pulls a layer of 64 MiB', async () => {
    const tag = await built('big', BIG_LAYER_BYTES);
    await run(['push', tag]);
    const sizes = (await held('big')).content.layers?.map((layer) => layer.size) ?? [];
    expect(Math.max(...sizes)).toBeGreaterThan(BIG_LAYER_BYTES);
    await forget(tag);
    await run(['pull', tag]);
  });

  check('pushes thirty images at once, and pulls them at once', async () => {
    const numbers = Array.from({ length: PUSHES_AT_ONCE }, (_, index) => index);
    const tags = numbers.map((number) => image(`docker/many-${number % 6}:v${number}`));
    for (const [number, tag] of tags.entries()) {
      const bytes = seededBytes(`docker many ${number}`, 200_000);
      await run(['import', '-', tag], { input: tarOf([{ path: 'data', bytes }]) });
    }
    const outputs = await Promise.all(tags.map((tag) => run(['push', tag])));
    for (const [number, output] of outputs.entries()) {
      const found = await held(`many-${number % 6}`, `v${number}`);
      expect(output.stdout).toContain(found.digest);
    }
    for (const tag of tags) await forget(tag);
    await Promise.all(tags.map((tag) => run(['pull', '--quiet', tag])));
  });

  check('makes and pushes a manifest list', async () => {
    const names = ['amd64', 'arm64'] as const;
    const layout = directory('layout-list');
    const { images } = writeIndexLayout(layout, 'all', { seed: 'docker list' });
    await pushLayout(registry(), repository('docker/list'), layout);
    const parts = images.map((part) => image(`docker/list@${part.digest}`));
    const list = image('docker/list:v1');
    await run(['manifest', 'create', '--insecure', list, ...parts]);
    for (const [index, name] of names.entries()) {
      const part = parts[index] ?? '';
      await run(['manifest', 'annotate', '--os', 'linux', '--arch', name, list, part]);
    }
    await run(['manifest', 'push', '--insecure', list]);
    const found = await heldManifest(registry(), repository('docker/list'), 'v1');
    // A list of Docker's own form from an older docker, an OCI index from a newer one.
    expect(found.mediaType).toMatch(/manifest\.list|image\.index/);
    const children = found.content.manifests ?? [];
    expect(children.map((child) => child.digest)).toEqual(images.map((part) => part.digest));
    expect(children.map((child) => child.platform?.architecture).sort()).toEqual([...names]);
    const inspected = await run(['manifest', 'inspect', '--insecure', list]);
    expect(inspected.stdout).toContain('arm64');
  });

  checkIf(architecture !== undefined, 'no program can be written for this processor')(
    'takes its own platform out of an index',
    async () => {
      const layout = directory('layout-index');
      const { images } = writeIndexLayout(layout, 'v1', { seed: 'docker index' });
      await pushLayout(registry(), repository('docker/index'), layout);
      const tag = image('docker/index:v1');
      await run(['pull', tag]);
      const ran = await run(['run', '--rm', '--network', 'none', tag]);
      expect(ran.stdout).toBe('hello from docker index');
      const own = images.find((part) => part.platform?.architecture === architecture);
      const config = (await held('index', own?.digest)).content.config?.digest;
      const inspected = await run(['image', 'inspect', '--format', '{{.Id}}', tag]);
      expect(inspected.stdout.trim()).toBe(config ?? 'no config');
    },
  );

  check('builds on an image that it pulls', async () => {
    const { tag } = await pushed('base');
    await forget(tag);
    const cwd = directory('context-derived');
    writeFileSync(join(cwd, 'Dockerfile'), `FROM ${tag}\nLABEL derived=yes\nCOPY more /more\n`);
    writeFileSync(join(cwd, 'more'), 'more');
    const derived = image('docker/derived:v1');
    await run(['build', '-t', derived, '.'], { cwd });
    await run(['push', derived]);
    const found = await held('derived');
    const config = await heldBlob(
      registry(),
      repository('docker/derived'),
      found.content.config?.digest ?? '',
    );
    expect(new TextDecoder().decode(config)).toContain('"derived":"yes"');
  });

  checkIf(buildKit !== undefined, 'no docker command here can use BuildKit')(
    'builds with BuildKit, and again from the cache in the registry',
    async () => {
      const tag = image('docker/cached:v1');
      await built('cached');
      const cwd = directory('context-cached');
      const env = { DOCKER_BUILDKIT: '1' };
      const withBuildKit = { cwd, env, binary: buildKit ?? '' };
      const build = ['build', '--progress=plain', '--build-arg', 'BUILDKIT_INLINE_CACHE=1'];
      await run([...build, '-t', tag, '.'], withBuildKit);
      await run(['push', tag]);
      await held('cached');
      await forget(tag);
      await run(['builder', 'prune', '--all', '--force']);
      const again = await run([...build, '--cache-from', tag, '-t', tag, '.'], withBuildKit);
      expect(again.stderr).toContain('CACHED');
    },
  );

  check('says what is unknown', async () => {
    const missing = await refused(['pull', image('docker/absent:v1')]);
    expect(missing.stderr).toMatch(/not found|manifest unknown|name unknown|does not exist/);
    await pushed('present');
    const tag = await refused(['pull', image('docker/present:v9')]);
    expect(tag.stderr).toMatch(/not found|manifest unknown/);
  });
});
