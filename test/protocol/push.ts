// Pushing to a registry as a client does, with plain `fetch`. Tests take from here what they do not test.
import { expect } from 'bun:test';
import { createHash } from 'node:crypto';

export const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
export const OCI_INDEX = 'application/vnd.oci.image.index.v1+json';
export const OCI_CONFIG = 'application/vnd.oci.image.config.v1+json';
export const OCI_LAYER = 'application/vnd.oci.image.layer.v1.tar';

export interface Described {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

export function digestOf(content: string | Uint8Array, algorithm = 'sha256'): string {
  return `${algorithm}:${createHash(algorithm).update(content).digest('hex')}`;
}

export function describeContent(content: string | Uint8Array, mediaType: string): Described {
  return { mediaType, digest: digestOf(content), size: Buffer.byteLength(content) };
}

let names = 0;

/** A repository that no other test uses. */
export function newName(): string {
  names += 1;
  return `protocol/r${names}`;
}

/** Bytes that look random and are the same for the same seed. */
export function seededContent(size: number, seed: string): Uint8Array<ArrayBuffer> {
  const block = createHash('sha512').update(seed).digest();
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; at += block.length) {
    bytes.set(block.subarray(0, Math.min(block.length, size - at)), at);
    if (at + 4 <= size) new DataView(bytes.buffer).setUint32(at, at);
  }
  return bytes;
}

/** @returns the digest. */
export async function pushBlob(
  url: string,
  name: string,
  content: string | Uint8Array,
): Promise<string> {
  const digest = digestOf(content);
  const address = `${url}/v2/${name}/blobs/uploads/?digest=${digest}`;
  const body = Buffer.from(content as string);
  const response = await fetch(address, { method: 'POST', body });
  expect(response.status).toBe(201);
  return digest;
}

/** @returns the path of a new upload. */
export async function startUpload(url: string, name: string): Promise<string> {
  const response = await fetch(`${url}/v2/${name}/blobs/uploads/`, { method: 'POST' });
  expect(response.status).toBe(202);
  return locationOf(response);
}

export function locationOf(response: Response): string {
  const location = response.headers.get('location');
  if (location === null) throw new Error('the answer has no Location');
  return location;
}

export async function putManifest(
  url: string,
  name: string,
  push: { reference: string; manifest: string | Uint8Array; type?: string; headers?: object },
): Promise<Response> {
  return fetch(`${url}/v2/${name}/manifests/${push.reference}`, {
    method: 'PUT',
    body: Buffer.from(push.manifest as string),
    headers: { 'Content-Type': push.type ?? OCI_MANIFEST, ...push.headers },
  });
}

/** The text of an image manifest. */
export function imageManifest(parts: {
  config: Described;
  layers: readonly object[];
  more?: object;
}): string {
  const { config, layers, more } = parts;
  return JSON.stringify({ schemaVersion: 2, mediaType: OCI_MANIFEST, config, layers, ...more });
}

export interface PushedImage {
  readonly digest: string;
  readonly manifest: string;
  readonly config: Described;
  readonly layer: Described;
}

/** Pushes an image of one layer; `seed` makes it another image. */
export async function pushImage(
  url: string,
  name: string,
  image: { reference?: string; seed?: string; more?: object } = {},
): Promise<PushedImage> {
  const { seed = 'image', more = {} } = image;
  const config = JSON.stringify({ architecture: 'amd64', os: 'linux', seed });
  const layer = `layer of ${seed}`;
  await pushBlob(url, name, config);
  await pushBlob(url, name, layer);
  const parts = {
    config: describeContent(config, OCI_CONFIG),
    layer: describeContent(layer, OCI_LAYER),
  };
  const manifest = imageManifest({ config: parts.config, layers: [parts.layer], more });
  const digest = digestOf(manifest);
  const response = await putManifest(url, name, { reference: image.reference ?? digest, manifest });
  expect(response.status).toBe(201);
  return { digest, manifest, ...parts };
}

/** Checks that an answer is an error in the OCI form. @returns its code. */
export async function refusedWith(response: Response, status: number): Promise<string> {
  const text = await response.text();
  expect({ status: response.status, text }).toEqual({ status, text });
  return errorCode(response.headers.get('content-type'), text);
}

/** The code of an error body, checked to be in the OCI form. */
export function errorCode(contentType: string | null | undefined, text: string): string {
  expect(contentType).toBe('application/json');
  const { errors } = JSON.parse(text) as { errors: Record<string, unknown>[] };
  expect(errors).toHaveLength(1);
  const [error = {}] = errors;
  expect(typeof error.message).toBe('string');
  expect(error.message).not.toBe('');
  expect(error.detail).toHaveProperty('requestId');
  return String(error.code);
}
