// Bytes to push: made from a number, so that nothing has to be kept to know them again.
import { createHash } from 'node:crypto';
import { Random } from '../simulation/random.ts';

export interface Blob {
  readonly bytes: Uint8Array;
  readonly digest: string;
}

/** Around the size up to which a blob lives in the database, and far beyond it. */
const SIZES = [0, 700, 9_000, 32_768, 32_769, 70_000, 300_000, 1_500_000, 5_000_000];

export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

export function makeBlob(random: Random): Blob {
  const size = random.pick(SIZES);
  const bytes = Buffer.alloc(size);
  // Each block begins with its number: a block that is lost, doubled or moved shows.
  const block = new Random(random.below(2 ** 31)).bytes(4_093);
  for (let at = 0; at < size; at += block.length) {
    bytes.set(block.subarray(0, Math.min(block.length, size - at)), at);
    if (at + 4 <= size) bytes.writeUInt32LE(at, at);
  }
  return { bytes, digest: digestOf(bytes) };
}

export function makeManifest(parts: { config: Blob; layer: Blob; mark: string }): Blob {
  const descriptor = ({ bytes, digest }: Blob, mediaType: string) => ({
    mediaType,
    digest,
    size: bytes.length,
  });
  const manifest = {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: descriptor(parts.config, 'application/vnd.oci.image.config.v1+json'),
    layers: [descriptor(parts.layer, 'application/vnd.oci.image.layer.v1.tar')],
    annotations: { mark: parts.mark },
  };
  const bytes = Buffer.from(JSON.stringify(manifest));
  return { bytes, digest: digestOf(bytes) };
}
