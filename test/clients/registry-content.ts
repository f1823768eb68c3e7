// What a registry really holds, asked by plain HTTP and checked byte by byte: the judge of every
// push. Knows the protocol's GET, and no client.
import { authorizationOf, type RegistryUnderTest } from './registry-under-test.ts';
import { sha256 } from './seeded-bytes.ts';

export type HeldManifest = Readonly<{
  digest: string;
  mediaType: string;
  bytes: Uint8Array;
  content: ManifestContent;
}>;

export type Part = Readonly<{
  digest: string;
  size: number;
  mediaType: string;
  annotations?: Readonly<Record<string, string>>;
}>;
type ManifestContent = Readonly<{
  mediaType?: string;
  config?: Part;
  layers?: readonly Part[];
  manifests?: readonly (Part & { platform?: { architecture: string } })[];
  annotations?: Readonly<Record<string, string>>;
}>;

const ACCEPT = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ');

/** @throws when it is absent, or when its bytes are not what their digest says. */
export async function heldManifest(
  registry: RegistryUnderTest,
  repository: string,
  reference: string,
): Promise<HeldManifest> {
  const response = await ask(registry, `${repository}/manifests/${reference}`);
  const bytes = new Uint8Array(await response.arrayBuffer());
  const digest = sha256(bytes);
  const claimed = response.headers.get('docker-content-digest');
  if (claimed !== digest || (reference.includes(':') && reference !== digest)) {
    throw new Error(`${repository}:${reference} has digest ${digest}, but is called ${claimed}`);
  }
  const content = JSON.parse(new TextDecoder().decode(bytes)) as ManifestContent;
  return { digest, mediaType: response.headers.get('content-type') ?? '', bytes, content };
}

/** Reads an image or index whole. @throws when one part is absent or damaged. */
export async function heldImage(
  registry: RegistryUnderTest,
  repository: string,
  reference: string,
): Promise<HeldManifest> {
  const root = await heldManifest(registry, repository, reference);
  const { config, layers = [], manifests = [] } = root.content;
  for (const child of manifests) await heldImage(registry, repository, child.digest);
  for (const part of config ? [config, ...layers] : layers) {
    await heldBlob(registry, repository, part.digest, part.size);
  }
  return root;
}

export async function heldBlob(
  registry: RegistryUnderTest,
  repository: string,
  digest: string,
  size?: number,
): Promise<Uint8Array> {
  const response = await ask(registry, `${repository}/blobs/${digest}`);
  const bytes = new Uint8Array(await response.arrayBuffer());
  const right = sha256(bytes) === digest && (size ?? bytes.byteLength) === bytes.byteLength;
  if (!right) throw new Error(`blob ${digest} of ${repository} came as ${sha256(bytes)}`);
  return bytes;
}

export async function heldTags(
  registry: RegistryUnderTest,
  repository: string,
): Promise<readonly string[]> {
  const answer = await ask(registry, `${repository}/tags/list`);
  return ((await answer.json()) as { tags: readonly string[] }).tags;
}

/** The status of a GET: 200 or 404 for a manifest that is held or gone. */
export async function manifestStatus(
  registry: RegistryUnderTest,
  repository: string,
  reference: string,
): Promise<number> {
  const response = await get(registry, `${repository}/manifests/${reference}`);
  await response.arrayBuffer();
  return response.status;
}

async function ask(registry: RegistryUnderTest, path: string): Promise<Response> {
  const response = await get(registry, path);
  if (response.ok) return response;
  throw new Error(`GET ${response.url} answered ${response.status}: ${await response.text()}`);
}

function get(registry: RegistryUnderTest, path: string): Promise<Response> {
  const headers = { accept: ACCEPT, ...authorizationOf(registry) };
  return fetch(`${registry.url}/v2/${path}`, { headers });
}
