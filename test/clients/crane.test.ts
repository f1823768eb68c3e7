// crane (go-containerregistry), the library behind kaniko, ko and cosign. Knows only its commands.
import { expect } from 'bun:test';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeClient } from './client-suite.ts';
import { writeImageLayout, writeIndexLayout } from './oci-layout.ts';
import { heldImage, manifestStatus } from './registry-content.ts';
import { tarOf } from './tar.ts';

describeClient('crane', ({ check, run, refused, image, repository, registry, directory }) => {
  async function pushed(name: string, tag = 'v1', layerBytes = [100_000]): Promise<string> {
    const layout = directory(`layout-${name.replaceAll('/', '-')}-${tag}`);
    const { digest } = writeImageLayout(layout, tag, { seed: `crane ${name} ${tag}`, layerBytes });
    await run(['push', layout, image(`${name}:${tag}`)]);
    return digest;
  }

  check('pushes an image layout, byte for byte', async () => {
    const digest = await pushed('crane/push');
    expect((await heldImage(registry(), repository('crane/push'), 'v1')).digest).toBe(digest);
  });

  check('pulls what it pushed, as a layout', async () => {
    const digest = await pushed('crane/pull');
    const target = join(directory('pulled'), 'layout');
    await run(['pull', '--format=oci', image('crane/pull:v1'), target]);
    const index = readFileSync(join(target, 'index.json'), 'utf8');
    expect(JSON.parse(index).manifests[0].digest).toBe(digest);
    await run(['validate', '--remote', image('crane/pull:v1')]);
  });

  check('pushes an index within an index, for two platforms', async () => {
    const layout = directory('layout-index');
    const { index, images } = writeIndexLayout(layout, 'v1', { seed: 'crane index' });
    await run(['push', '--index', layout, image('crane/index:v1')]);
    const held = await heldImage(registry(), repository('crane/index'), 'v1');
    expect(held.content.manifests?.map((child) => child.digest)).toEqual([index.digest]);
    const inner = image(`crane/index@${index.digest}`);
    const arm = await run(['digest', '--platform=linux/arm64', inner]);
    expect(arm.stdout.trim()).toBe(images[1]?.digest ?? '');
  });

  check('appends an image to an index', async () => {
    await pushed('crane/index-append', 'one');
    const two = await pushed('crane/index-append', 'two');
    const name = (tag: string) => image(`crane/index-append:${tag}`);
    await run(['index', 'append', '-m', name('one'), '-m', name('two'), '-t', name('all')]);
    const held = await heldImage(registry(), repository('crane/index-append'), 'all');
    expect(held.content.manifests?.map((child) => child.digest)).toContain(two);
  });

  check('copies to another repository and keeps the digest', async () => {
    const digest = await pushed('crane/copy-from');
    await run(['copy', image('crane/copy-from:v1'), image('crane/copy-to:v2')]);
    expect((await heldImage(registry(), repository('crane/copy-to'), 'v2')).digest).toBe(digest);
  });

  check('lists tags, tags, and asks for a digest', async () => {
    const digest = await pushed('crane/tagged');
    await run(['tag', image('crane/tagged:v1'), 'stable']);
    const tags = await run(['ls', image('crane/tagged')]);
    expect(tags.stdout.trim().split('\n')).toEqual(['stable', 'v1']);
    const asked = await run(['digest', image('crane/tagged:stable')]);
    expect(asked.stdout.trim()).toBe(digest);
  });

  check('finds the repository in the catalog', async () => {
    await pushed('crane/catalog');
    const catalog = await run(['catalog', registry().host]);
    expect(catalog.stdout.split('\n')).toContain(repository('crane/catalog'));
  });

  check('uses repositories that are called like parts of the protocol', async () => {
    for (const name of [
      'crane/tags',
      'crane/manifests',
      'crane/blobs/uploads',
      'crane/referrers',
    ]) {
      const digest = await pushed(name, 'list');
      expect((await heldImage(registry(), repository(name), 'list')).digest).toBe(digest);
      expect((await run(['ls', image(name)])).stdout).toContain('list');
    }
  });

  check('appends a layer', async () => {
    await pushed('crane/append');
    const layer = join(directory('append'), 'layer.tar');
    writeFileSync(layer, tarOf([{ path: 'added', bytes: Buffer.from('added later') }]));
    const name = (tag: string) => image(`crane/append:${tag}`);
    await run(['append', '-b', name('v1'), '-f', layer, '-t', name('v2')]);
    const held = await heldImage(registry(), repository('crane/append'), 'v2');
    expect(held.content.layers?.length).toBe(3);
    const files = join(directory('append'), 'files.tar');
    await run(['export', name('v2'), files]);
    expect(readFileSync(files).includes('added later')).toBe(true);
  });

  check('changes labels and annotations', async () => {
    await pushed('crane/mutate');
    const name = (tag: string) => image(`crane/mutate:${tag}`);
    await run(['mutate', name('v1'), '--label=a=b', '--annotation=x=y', '-t', name('v2')]);
    const held = await heldImage(registry(), repository('crane/mutate'), 'v2');
    expect(held.content.annotations?.x).toBe('y');
    expect((await run(['config', name('v2')])).stdout).toContain('"a":"b"');
  });

  check('deletes by digest', async () => {
    const digest = await pushed('crane/delete');
    await run(['delete', image(`crane/delete@${digest}`)]);
    expect(await manifestStatus(registry(), repository('crane/delete'), 'v1')).toBe(404);
    expect(await manifestStatus(registry(), repository('crane/delete'), digest)).toBe(404);
  });

  check('says what is unknown', async () => {
    const missing = await refused(['manifest', image('crane/absent:v1')]);
    expect(missing.stderr).toMatch(/NAME_UNKNOWN|MANIFEST_UNKNOWN/);
  });
});
