// regctl (regclient): the strictest reader of the spec among the clients. Knows only its commands.
import { expect } from 'bun:test';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeClient } from './client-suite.ts';
import { writeImageLayout, writeIndexLayout } from './oci-layout.ts';
import { heldBlob, heldImage, heldManifest, heldTags, manifestStatus } from './registry-content.ts';
import { seededBytes, sha256 } from './seeded-bytes.ts';

describeClient('regctl', ({ check, run, refused, image, repository, registry, directory }) => {
  async function pushed(name: string, tag = 'v1'): Promise<string> {
    const layout = directory(`layout-${name.replaceAll('/', '-')}-${tag}`);
    const recipe = { seed: `regctl ${name} ${tag}`, layerBytes: [100_000] };
    const { digest } = writeImageLayout(layout, tag, recipe);
    await run(['image', 'copy', `ocidir://${layout}:${tag}`, image(`${name}:${tag}`)]);
    return digest;
  }

  check('copies an image in, and out again', async () => {
    const digest = await pushed('regctl/copy');
    expect((await heldImage(registry(), repository('regctl/copy'), 'v1')).digest).toBe(digest);
    const out = `ocidir://${directory('copied')}:v1`;
    await run(['image', 'copy', image('regctl/copy:v1'), out]);
    expect((await run(['image', 'digest', out])).stdout.trim()).toBe(digest);
  });

  check('copies an index between repositories', async () => {
    const layout = directory('layout-index');
    const { index } = writeIndexLayout(layout, 'v1', { seed: 'regctl index', layerBytes: [5000] });
    await run(['image', 'copy', `ocidir://${layout}:v1`, image('regctl/index:v1')]);
    await run(['image', 'copy', image('regctl/index:v1'), image('regctl/index-copy:v1')]);
    const held = await heldImage(registry(), repository('regctl/index-copy'), 'v1');
    expect(held.digest).toBe(index.digest);
  });

  check('lists and deletes a tag, and nothing but the tag', async () => {
    const digest = await pushed('regctl/tags');
    await run(['image', 'copy', image('regctl/tags:v1'), image('regctl/tags:v2')]);
    expect((await run(['tag', 'ls', image('regctl/tags')])).stdout.trim()).toBe('v1\nv2');
    await run(['tag', 'delete', image('regctl/tags:v1')]);
    expect((await run(['tag', 'ls', image('regctl/tags')])).stdout.trim()).toBe('v2');
    expect(await manifestStatus(registry(), repository('regctl/tags'), 'v1')).toBe(404);
    expect((await heldImage(registry(), repository('regctl/tags'), 'v2')).digest).toBe(digest);
  });

  check('puts, asks for and gets a blob', async () => {
    const bytes = seededBytes('regctl blob', 300_000);
    const digest = sha256(bytes);
    const put = await run(['blob', 'put', image('regctl/blob')], { input: bytes });
    expect(put.stdout.trim()).toBe(digest);
    await heldBlob(registry(), repository('regctl/blob'), digest, bytes.length);
    const head = await run(['blob', 'head', image('regctl/blob'), digest]);
    expect(head.stdout.toLowerCase()).toContain('content-length: 300000');
    const text = Buffer.from('a blob of text');
    await run(['blob', 'put', image('regctl/blob')], { input: text });
    const got = await run(['blob', 'get', image('regctl/blob'), sha256(text)]);
    expect(got.stdout).toBe('a blob of text');
  });

  check('puts and gets a manifest', async () => {
    const digest = await pushed('regctl/manifest');
    const raw = ['manifest', 'get', '--format', 'raw-body'];
    const body = await run([...raw, image('regctl/manifest:v1')]);
    expect(sha256(Buffer.from(body.stdout))).toBe(digest);
    const type = ['--content-type', 'application/vnd.oci.image.manifest.v1+json'];
    const put = ['manifest', 'put', ...type, image('regctl/manifest:v2')];
    await run(put, { input: body.stdout });
    const held = await heldManifest(registry(), repository('regctl/manifest'), 'v2');
    expect(held.digest).toBe(digest);
  });

  check('puts, lists and shows artifacts that refer to an image', async () => {
    const digest = await pushed('regctl/artifact');
    const file = join(directory('artifact'), 'report.json');
    writeFileSync(file, '{"ok":true}');
    const subject = image('regctl/artifact:v1');
    for (const type of ['application/x.one', 'application/x.two']) {
      await run(['artifact', 'put', '--artifact-type', type, '--subject', subject, '-f', file]);
    }
    const count = ['--format', '{{len .Descriptors}}'];
    expect((await run(['artifact', 'list', ...count, subject])).stdout.trim()).toBe('2');
    const one = ['--filter-artifact-type', 'application/x.one'];
    expect((await run(['artifact', 'list', ...count, ...one, subject])).stdout.trim()).toBe('1');
    const tree = await run(['artifact', 'tree', subject]);
    expect(tree.stdout).toContain(digest);
    expect(tree.stdout).toContain('application/x.two');
    expect(await heldTags(registry(), repository('regctl/artifact'))).toEqual(['v1']);
  });

  check('copies an image with its referrers', async () => {
    await pushed('regctl/referrers');
    const subject = image('regctl/referrers:v1');
    const put = ['artifact', 'put', '--artifact-type', 'application/x.sbom', '--subject', subject];
    await run(put, { input: '{"sbom":1}' });
    const target = image('regctl/referrers-copy:v1');
    await run(['image', 'copy', '--referrers', subject, target]);
    const list = await run(['artifact', 'list', '--format', '{{len .Descriptors}}', target]);
    expect(list.stdout.trim()).toBe('1');
  });

  check('changes an image', async () => {
    await pushed('regctl/mod');
    const from = image('regctl/mod:v1');
    await run(['image', 'mod', from, '--create', 'v2', '--annotation', 'x=y', '--label', 'a=b']);
    const held = await heldImage(registry(), repository('regctl/mod'), 'v2');
    expect(held.content.annotations?.x).toBe('y');
  });

  check('pings the registry and lists repositories', async () => {
    await pushed('regctl/listed');
    // `set` asks the registry for /v2/ and fails when nothing answers there.
    await run(['registry', 'set', '--tls', 'disabled', registry().host]);
    const repositories = await run(['repo', 'ls', registry().host]);
    expect(repositories.stdout.split('\n')).toContain(repository('regctl/listed'));
  });

  check('deletes a manifest by digest', async () => {
    const digest = await pushed('regctl/delete');
    await run(['manifest', 'delete', image(`regctl/delete@${digest}`)]);
    expect(await manifestStatus(registry(), repository('regctl/delete'), digest)).toBe(404);
  });

  check('says what is unknown', async () => {
    const missing = await refused(['manifest', 'head', image('regctl/absent:v1')]);
    expect(missing.stderr.toLowerCase()).toContain('not found');
  });
});
