// skopeo: copies between registries, layouts and directories. Knows only its commands.
import { expect } from 'bun:test';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeClient } from './client-suite.ts';
import { writeImageLayout, writeIndexLayout } from './oci-layout.ts';
import { heldImage, manifestStatus, type Part } from './registry-content.ts';

const ZSTD_LAYER = 'application/vnd.oci.image.layer.v1.tar+zstd';
/** Set on a layer whose files can be fetched one by one. */
const CHUNKED_MARK = 'zstd-chunked.manifest-checksum';

describeClient('skopeo', (suite) => {
  const { check, run, refused, image, repository, registry, directory } = suite;
  const remote = (name: string) => `docker://${image(`skopeo/${name}`)}`;
  const held = (name: string, tag = 'v1') =>
    heldImage(registry(), repository(`skopeo/${name}`), tag);

  async function pushed(name: string, tag = 'v1'): Promise<string> {
    const layout = directory(`layout-${name}-${tag}`);
    const recipe = { seed: `skopeo ${name} ${tag}`, layerBytes: [200_000] };
    const { digest } = writeImageLayout(layout, tag, recipe);
    await run(['copy', `oci:${layout}:${tag}`, remote(`${name}:${tag}`)]);
    return digest;
  }

  check('copies a layout to the registry and back', async () => {
    const digest = await pushed('layout');
    expect((await held('layout')).digest).toBe(digest);
    const back = directory('layout-back');
    await run(['copy', remote('layout:v1'), `oci:${back}:v1`]);
    const index = JSON.parse(readFileSync(join(back, 'index.json'), 'utf8'));
    expect(index.manifests[0].digest).toBe(digest);
  });

  check('copies a directory to the registry', async () => {
    const digest = await pushed('directory');
    const copy = directory('directory-copy');
    await run(['copy', remote('directory:v1'), `dir:${copy}`]);
    await run(['copy', `dir:${copy}`, remote('from-directory:v1')]);
    expect((await held('from-directory')).digest).toBe(digest);
  });

  check('copies all platforms of an index', async () => {
    const layout = directory('layout-all');
    const { index } = writeIndexLayout(layout, 'v1', { seed: 'skopeo all', layerBytes: [9000] });
    await run(['copy', '--all', `oci:${layout}:v1`, remote('all:v1')]);
    expect((await held('all')).digest).toBe(index.digest);
    await run(['copy', '--all', remote('all:v1'), remote('all-again:v1')]);
    expect((await held('all-again')).digest).toBe(index.digest);
  });

  check('copies between repositories without sending the layers again', async () => {
    const digest = await pushed('mount-from');
    const copied = await run(['--debug', 'copy', remote('mount-from:v1'), remote('mount-to:v1')]);
    expect((await held('mount-to')).digest).toBe(digest);
    expect(copied.stderr.match(/mount OK/g)?.length).toBe(2);
  });

  check('copies by digest and keeps it', async () => {
    const digest = await pushed('by-digest');
    const source = remote(`by-digest@${digest}`);
    await run(['copy', '--preserve-digests', source, remote('by-digest-copy:v1')]);
    expect((await held('by-digest-copy')).digest).toBe(digest);
  });

  check('turns an image into the form of Docker', async () => {
    await pushed('form');
    await run(['copy', '--format', 'v2s2', remote('form:v1'), remote('form:docker')]);
    expect((await held('form', 'docker')).mediaType).toContain(
      'vnd.docker.distribution.manifest.v2',
    );
  });

  /** Lets skopeo compress an image that no registry has seen, and reads the result back. */
  async function compressed(name: string, format: string): Promise<readonly Part[]> {
    const layout = directory(`layout-${name}`);
    const recipe = { seed: `skopeo ${name}`, layerBytes: [200_000], uncompressed: true };
    writeImageLayout(layout, 'v1', recipe);
    const form = ['--format', 'oci', '--dest-compress-format', format];
    await run(['copy', ...form, `oci:${layout}:v1`, remote(`${name}:v1`)]);
    await run(['copy', remote(`${name}:v1`), `oci:${directory(`${name}-back`)}:v1`]);
    const layers = (await held(name)).content.layers ?? [];
    expect(layers.map((layer) => layer.mediaType)).toEqual([ZSTD_LAYER, ZSTD_LAYER]);
    return layers;
  }

  check('copies with zstd layers, there and back', async () => {
    await compressed('zstd', 'zstd');
  });

  check('copies with zstd:chunked layers, there and back', async () => {
    for (const layer of await compressed('chunked', 'zstd:chunked')) {
      expect(Object.keys(layer.annotations ?? {}).join()).toContain(CHUNKED_MARK);
    }
  });

  check('syncs a repository to a directory, and directories to the registry', async () => {
    const digest = await pushed('sync', 'v1');
    await pushed('sync', 'v2');
    const target = directory('synced');
    const source = image('skopeo/sync');
    await run(['sync', '--src', 'docker', '--dest', 'dir', source, target]);
    expect(existsSync(join(target, 'sync:v1', 'manifest.json'))).toBe(true);
    expect(existsSync(join(target, 'sync:v2', 'manifest.json'))).toBe(true);
    await run(['sync', '--src', 'dir', '--dest', 'docker', target, image('skopeo/synced')]);
    expect((await held('synced/sync')).digest).toBe(digest);
  });

  check('syncs by a list of images', async () => {
    const digest = await pushed('listed', 'v1');
    await pushed('listed', 'v2');
    const list = join(directory('sync-list'), 'list.yaml');
    const name = repository('skopeo/listed');
    const content = `${registry().host}:\n  tls-verify: false\n  images:\n    ${name}: ["v1"]\n`;
    writeFileSync(list, content);
    const target = image('skopeo/from-list');
    await run(['sync', '--src', 'yaml', '--dest', 'docker', list, target]);
    expect((await held('from-list/listed')).digest).toBe(digest);
    const other = repository('skopeo/from-list/listed');
    expect(await manifestStatus(registry(), other, 'v2')).toBe(404);
  });

  check('inspects an image and lists its tags', async () => {
    const digest = await pushed('inspected');
    const inspected = JSON.parse((await run(['inspect', remote('inspected:v1')])).stdout);
    expect(inspected.Digest).toBe(digest);
    expect(inspected.RepoTags).toEqual(['v1']);
    const tags = JSON.parse((await run(['list-tags', remote('inspected')])).stdout);
    expect(tags.Tags).toEqual(['v1']);
  });

  check('deletes an image', async () => {
    const digest = await pushed('deleted');
    await run(['delete', remote('deleted:v1')]);
    const name = repository('skopeo/deleted');
    expect(await manifestStatus(registry(), name, 'v1')).toBe(404);
    expect(await manifestStatus(registry(), name, digest)).toBe(404);
  });

  check('says what is unknown', async () => {
    const missing = await refused(['inspect', remote('absent:v1')]);
    expect(missing.stderr).toMatch(/name unknown|manifest unknown|no repository|no such manifest/i);
  });
});
