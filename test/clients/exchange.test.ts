// What one client pushes is, byte for byte, what another one pulls. Every pair of the clients that
// read and write layouts, and docker, podman and containerd against them.
import { expect } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CLIENT_NAMES, type ClientName } from './client-names.ts';
import { type ClientSuite, checkWith, describeClients } from './client-suite.ts';
import { ctrFlags } from './ctr-flags.ts';
import { type Descriptor, writeImageLayout, writeIndexLayout } from './oci-layout.ts';
import { pushLayout } from './push-layout.ts';
import { pushWithCtr } from './push-with-ctr.ts';
import { heldImage } from './registry-content.ts';
import { sha256 } from './seeded-bytes.ts';

type Transfer = Readonly<{ layout: string; image: string; tag: string }>;
type LayoutClient = Readonly<{
  push: (transfer: Transfer) => readonly string[];
  pull: (transfer: Transfer) => readonly string[];
}>;

const LAYOUT_CLIENTS = {
  crane: {
    push: ({ layout, image }) => ['push', layout, image],
    pull: ({ layout, image }) => ['pull', '--format=oci', image, layout],
  },
  skopeo: {
    push: ({ layout, image, tag }) => ['copy', `oci:${layout}:${tag}`, `docker://${image}`],
    pull: ({ layout, image, tag }) => ['copy', `docker://${image}`, `oci:${layout}:${tag}`],
  },
  regctl: {
    push: ({ layout, image, tag }) => ['image', 'copy', `ocidir://${layout}:${tag}`, image],
    pull: ({ layout, image, tag }) => ['image', 'copy', image, `ocidir://${layout}:${tag}`],
  },
  oras: {
    push: ({ layout, image, tag }) => [
      'copy',
      '--from-oci-layout',
      '--to-plain-http',
      `${layout}:${tag}`,
      image,
    ],
    pull: ({ layout, image, tag }) => [
      'copy',
      '--to-oci-layout',
      '--from-plain-http',
      image,
      `${layout}:${tag}`,
    ],
  },
} satisfies Partial<Record<ClientName, LayoutClient>>;
type LayoutClientName = keyof typeof LAYOUT_CLIENTS;

const NAMES = Object.keys(LAYOUT_CLIENTS) as readonly LayoutClientName[];
const STORES = ['docker', 'podman', 'ctr'] as const;

/** All bytes of the image in a layout, each checked against its digest; answers the digests. */
function digestsOf(layout: string, root: string): readonly string[] {
  const read = (digest: string) => {
    const bytes = readFileSync(join(layout, 'blobs', 'sha256', digest.slice(7)));
    expect(sha256(bytes)).toBe(digest);
    return bytes;
  };
  const { config, layers } = JSON.parse(read(root).toString()) as {
    config: Descriptor;
    layers: readonly Descriptor[];
  };
  const parts = [config, ...layers].map((part) => part.digest);
  for (const digest of parts) read(digest);
  return [root, ...parts];
}

function given(suites: Partial<Record<ClientName, ClientSuite>>, name: ClientName): ClientSuite {
  const suite = suites[name];
  if (suite === undefined) throw new Error(`${name} is not one of ${CLIENT_NAMES.join(', ')}`);
  return suite;
}

describeClients('exchange', [...NAMES, ...STORES], (suites) => {
  const client = (name: ClientName) => given(suites, name);

  for (const pusher of NAMES) {
    for (const puller of NAMES) {
      checkWith([pusher, puller])(`${pusher} pushes, ${puller} pulls the same bytes`, async () => {
        const { run, directory, image } = client(pusher);
        const tag = `to-${puller}`;
        const source = directory(`from-${pusher}-${tag}`);
        const recipe = { seed: `exchange ${pusher} ${puller}`, layerBytes: [150_000] };
        const { digest } = writeImageLayout(source, tag, recipe);
        const name = image(`exchange/${pusher}:${tag}`);
        await run(LAYOUT_CLIENTS[pusher].push({ layout: source, image: name, tag }));
        const target = directory(`by-${puller}-from-${pusher}`);
        const pull = LAYOUT_CLIENTS[puller].pull({ layout: target, image: name, tag });
        await client(puller).run(pull);
        expect(digestsOf(target, digest)).toEqual(digestsOf(source, digest));
      });
    }
  }

  checkWith(['docker', 'podman', ...NAMES])('docker pushes, all others pull the same', async () => {
    const docker = client('docker');
    const name = docker.image('exchange/docker:v1');
    const layout = docker.directory('docker-source');
    writeImageLayout(layout, 'v1', { seed: 'exchange docker', layerBytes: [150_000] });
    const source = docker.repository('exchange/docker-source');
    await pushLayout(docker.registry(), source, layout);
    await docker.run(['pull', docker.image('exchange/docker-source:v1')]);
    await docker.run(['tag', docker.image('exchange/docker-source:v1'), name]);
    await docker.run(['push', name]);
    const repository = docker.repository('exchange/docker');
    const { digest } = await heldImage(docker.registry(), repository, 'v1');
    for (const puller of NAMES) {
      const target = docker.directory(`docker-by-${puller}`);
      const pull = LAYOUT_CLIENTS[puller].pull({ layout: target, image: name, tag: 'v1' });
      await client(puller).run(pull);
      if (puller !== 'skopeo') expect(digestsOf(target, digest)[0]).toBe(digest);
    }
    const podman = client('podman');
    await podman.run(['pull', name]);
    const found = await podman.run(['images', '--digests', '--format', '{{.Digest}}']);
    expect(found.stdout).toContain(digest);
  });

  checkWith(['crane', ...STORES])('crane pushes, the stores pull the same digest', async () => {
    const crane = client('crane');
    const layout = crane.directory('stores');
    const recipe = { seed: 'exchange stores', layerBytes: [150_000] };
    const { digest } = writeImageLayout(layout, 'v1', recipe);
    const name = crane.image('exchange/stores:v1');
    await crane.run(['push', layout, name]);
    const docker = await client('docker').run(['pull', name]);
    expect(docker.stdout).toContain(digest);
    await client('podman').run(['pull', name]);
    const podman = await client('podman').run(['images', '--digests']);
    expect(podman.stdout).toContain(digest);
    await client('ctr').run(['content', 'fetch', ...ctrFlags(crane.registry()), name]);
    const ctr = await client('ctr').run(['images', 'list', `name==${name}`]);
    expect(ctr.stdout).toContain(digest);
  });

  checkWith(['ctr', 'skopeo'])('containerd pushes an index, skopeo pulls the same', async () => {
    const ctr = client('ctr');
    const layout = ctr.directory('index');
    const { index } = writeIndexLayout(layout, 'v1', { seed: 'exchange index' });
    await pushLayout(ctr.registry(), ctr.repository('exchange/index-source'), layout);
    const source = ctr.image('exchange/index-source:v1');
    const name = ctr.image('exchange/index:v1');
    await ctr.run(['content', 'fetch', ...ctrFlags(ctr.registry()), '--all-platforms', source]);
    await ctr.run(['images', 'tag', source, name]);
    await pushWithCtr(ctr, name);
    const skopeo = await client('skopeo').run(['inspect', '--raw', `docker://${name}`]);
    expect(sha256(Buffer.from(skopeo.stdout))).toBe(index.digest);
  });
});
