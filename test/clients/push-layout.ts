// Puts an image layout into a registry by plain HTTP: for clients that sign or copy images but
// cannot push one. Knows the protocol's POST and PUT, and no client.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Descriptor } from './oci-layout.ts';
import { authorizationOf, type RegistryUnderTest } from './registry-under-test.ts';

type Manifest = Readonly<{
  config?: Descriptor;
  layers?: readonly Descriptor[];
  manifests?: readonly Descriptor[];
}>;

/** Pushes all that the layout holds; its images get the tags that the layout names. */
export async function pushLayout(
  registry: RegistryUnderTest,
  repository: string,
  layout: string,
): Promise<void> {
  const index = JSON.parse(readFileSync(join(layout, 'index.json'), 'utf8')) as Manifest;
  for (const root of index.manifests ?? []) {
    const tag = root.annotations?.['org.opencontainers.image.ref.name'];
    await pushManifest({ registry, repository, layout, manifest: root, reference: tag });
  }
}

type ManifestPush = Readonly<{
  registry: RegistryUnderTest;
  repository: string;
  layout: string;
  manifest: Descriptor;
  reference: string | undefined;
}>;

async function pushManifest(push: ManifestPush): Promise<void> {
  const { registry, repository, layout, manifest } = push;
  const bytes = blobOf(layout, manifest);
  const content = JSON.parse(bytes.toString()) as Manifest;
  for (const child of content.manifests ?? []) {
    await pushManifest({ ...push, manifest: child, reference: undefined });
  }
  for (const part of content.config ? [content.config, ...(content.layers ?? [])] : []) {
    await pushBlob(registry, repository, part, blobOf(layout, part));
  }
  const reference = push.reference ?? manifest.digest;
  const answer = await fetch(`${registry.url}/v2/${repository}/manifests/${reference}`, {
    method: 'PUT',
    headers: { 'content-type': manifest.mediaType, ...authorizationOf(registry) },
    body: bytes,
  });
  await expectCreated(answer);
}

async function pushBlob(
  registry: RegistryUnderTest,
  repository: string,
  blob: Descriptor,
  bytes: Buffer,
): Promise<void> {
  const start = `${registry.url}/v2/${repository}/blobs/uploads/`;
  const headers = authorizationOf(registry);
  const opened = await fetch(start, { method: 'POST', headers });
  await opened.arrayBuffer();
  const location = new URL(opened.headers.get('location') ?? '', start);
  location.searchParams.set('digest', blob.digest);
  await expectCreated(await fetch(location, { method: 'PUT', headers, body: bytes }));
}

function blobOf(layout: string, blob: Descriptor): Buffer {
  return readFileSync(join(layout, 'blobs', 'sha256', blob.digest.slice(7)));
}

async function expectCreated(answer: Response): Promise<void> {
  const text = await answer.text();
  if (answer.status !== 201) throw new Error(`${answer.url} answered ${answer.status}: ${text}`);
}
