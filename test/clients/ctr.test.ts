// ctr: containerd's own resolver and pusher, as Kubernetes nodes use it. Knows only its commands.
import { expect } from 'bun:test';
import { join } from 'node:path';
import { describeClient } from './client-suite.ts';
import { ctrFlags } from './ctr-flags.ts';
import { writeImageLayout, writeIndexLayout } from './oci-layout.ts';
import { pushLayout } from './push-layout.ts';
import { pushWithCtr } from './push-with-ctr.ts';
import { heldImage } from './registry-content.ts';
import { runCommand } from './run-command.ts';

describeClient('ctr', (suite) => {
  const { check, run, refused, image, repository, registry, directory } = suite;
  const held = (name: string) => heldImage(registry(), repository(`ctr/${name}`), 'v1');

  /** Brings a layout into containerd's store under its full name. */
  async function imported(layout: string, name: string): Promise<string> {
    const archive = join(directory('archives'), `${name}.tar`);
    await runCommand(['tar', '-cf', archive, '-C', layout, '.'], {
      cwd: layout,
      env: { PATH: '/usr/bin:/bin' },
    });
    const tag = image(`ctr/${name}:v1`);
    const base = image(`ctr/${name}`);
    const flags = ['--all-platforms', '--no-unpack', '--base-name', base];
    await run(['images', 'import', ...flags, archive]);
    return tag;
  }

  check('pushes an image', async () => {
    const layout = directory('layout-push');
    const recipe = { seed: 'ctr push', layerBytes: [300_000] };
    const { digest } = writeImageLayout(layout, 'v1', recipe);
    const tag = await imported(layout, 'push');
    await pushWithCtr(suite, tag);
    expect((await held('push')).digest).toBe(digest);
    // Again: everything is there, and nothing is refused.
    await pushWithCtr(suite, tag);
  });

  check('pushes an index with all its platforms', async () => {
    const layout = directory('layout-index');
    const recipe = { seed: 'ctr index', layerBytes: [100_000] };
    const { index } = writeIndexLayout(layout, 'v1', recipe);
    const tag = await imported(layout, 'index');
    await pushWithCtr(suite, tag);
    expect((await held('index')).digest).toBe(index.digest);
  });

  check('pulls an index with all its platforms', async () => {
    const layout = directory('layout-pull');
    const recipe = { seed: 'ctr pull', layerBytes: [100_000] };
    const { index } = writeIndexLayout(layout, 'v1', recipe);
    await pushLayout(registry(), repository('ctr/pull'), layout);
    const tag = image('ctr/pull:v1');
    await run(['content', 'fetch', ...ctrFlags(registry()), '--all-platforms', tag]);
    const list = await run(['images', 'list', `name==${tag}`]);
    expect(list.stdout).toContain(index.digest);
    const blobs = await run(['content', 'list', '-q']);
    expect(blobs.stdout).toContain(index.digest);
  });

  check('pulls, unpacks and keeps the digest', async () => {
    const layout = directory('layout-unpack');
    const recipe = { seed: 'ctr unpack', layerBytes: [2_000_000] };
    const { digest } = writeImageLayout(layout, 'v1', recipe);
    await pushLayout(registry(), repository('ctr/unpack'), layout);
    const tag = image('ctr/unpack:v1');
    await run(['images', 'pull', ...ctrFlags(registry()), '--snapshotter', 'native', tag]);
    const list = await run(['images', 'list', `name==${tag}`]);
    expect(list.stdout).toContain(digest);
    const checked = await run(['images', 'check', '--snapshotter', 'native', `name==${tag}`]);
    expect(checked.stdout).toContain('complete');
  });

  check('pulls by digest', async () => {
    const layout = directory('layout-digest');
    const { digest } = writeImageLayout(layout, 'v1', { seed: 'ctr digest' });
    await pushLayout(registry(), repository('ctr/digest'), layout);
    const name = image(`ctr/digest@${digest}`);
    await run(['images', 'pull', ...ctrFlags(registry()), '--snapshotter', 'native', name]);
    expect((await run(['images', 'list', '-q'])).stdout).toContain(name);
  });

  check('says what is unknown', async () => {
    const missing = await refused([
      'images',
      'pull',
      ...ctrFlags(registry()),
      image('ctr/absent:v1'),
    ]);
    expect(missing.stderr).toContain('not found');
  });
});
