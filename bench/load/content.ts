// What is pushed: blobs that nobody has seen before, and images made of them. A blob is a fixed
// random body with a stamp at its end, so that a new digest costs one block of hashing and no copy.
import { createHash, randomBytes, randomFillSync } from 'node:crypto';

export interface Blob {
  readonly bytes: Uint8Array;
  readonly digest: string;
}

export interface Image {
  readonly layers: readonly { readonly digest: string; readonly size: number }[];
  readonly config: Blob;
  readonly manifest: Blob;
}

export const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const OCI_CONFIG = 'application/vnd.oci.image.config.v1+json';
const OCI_LAYER = 'application/vnd.oci.image.layer.v1.tar';
const STAMP_BYTES = 16;
const RANDOM_UNIT = 1 << 20;

export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

export function blobOf(bytes: Uint8Array): Blob {
  return { bytes, digest: digestOf(bytes) };
}

/** A source of new blobs of one size. They share one buffer: use each before asking for the next. */
export class BlobSource {
  readonly #bytes: Buffer;
  readonly #prefix = new Bun.CryptoHasher('sha256');

  constructor(size: number) {
    this.#bytes = Buffer.alloc(size);
    const unit = randomFillSync(Buffer.alloc(Math.min(size, RANDOM_UNIT)));
    for (let at = 0; at < size; at += unit.length) unit.copy(this.#bytes, at);
    this.#prefix.update(this.#bytes.subarray(0, Math.max(0, size - STAMP_BYTES)));
  }

  next(): Blob {
    const stamp = this.#bytes.subarray(Math.max(0, this.#bytes.length - STAMP_BYTES));
    randomFillSync(stamp);
    const digest = this.#prefix.copy().update(stamp).digest('hex');
    return { bytes: this.#bytes, digest: `sha256:${digest}` };
  }
}

/** The config and manifest of an image over layers that are pushed by themselves. */
export function imageOf(layers: Image['layers'], subject?: Blob): Image {
  const config = blobOf(
    Buffer.from(
      JSON.stringify({
        architecture: 'amd64',
        os: 'linux',
        config: { Labels: { stamp: randomBytes(STAMP_BYTES).toString('hex') } },
        rootfs: { type: 'layers', diff_ids: layers.map((layer) => layer.digest) },
      }),
    ),
  );
  const manifest = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: { mediaType: OCI_CONFIG, digest: config.digest, size: config.bytes.length },
    layers: layers.map((layer) => ({ mediaType: OCI_LAYER, ...layer })),
    ...(subject === undefined ? {} : { subject: descriptorOf(subject) }),
  };
  return { layers, config, manifest: blobOf(Buffer.from(JSON.stringify(manifest))) };
}

export function descriptorOf(manifest: Blob): { mediaType: string; digest: string; size: number } {
  return { mediaType: OCI_MANIFEST, digest: manifest.digest, size: manifest.bytes.length };
}
