// What the clients of a history push: blobs of every kind of size, and manifests made of them.
import { hashBytes } from '../../src/blobs/hasher.ts';
import type { Digest, DigestAlgorithm } from '../../src/oci/digest.ts';
import { LIMITS } from '../../src/oci/limits.ts';
import { OCI_INDEX, OCI_MANIFEST } from '../../src/oci/media-type.ts';
import type { Random } from './random.ts';

export interface Content {
  readonly bytes: Uint8Array;
  digest(algorithm: DigestAlgorithm): Digest;
}

export interface ManifestContent {
  readonly bytes: Uint8Array;
  readonly digest: Digest;
  /** As blobs of the repository. */
  readonly blobs: readonly Digest[];
  /** As manifests of the repository. */
  readonly children: readonly Digest[];
  /** The same, with what they name in turn. */
  readonly below: readonly ManifestContent[];
}

function contentOf(bytes: Uint8Array): Content {
  const digests = {
    sha256: hashBytes('sha256', bytes),
    sha512: hashBytes('sha512', bytes),
  };
  return { bytes, digest: (algorithm) => digests[algorithm] };
}

/** Around the size up to which a blob lives in the database, and well on both sides of it. */
export function makeContents(random: Random): Content[] {
  const small = LIMITS.smallBlobBytes;
  const sizes = [
    random.chance(0.3) ? 0 : random.between(1, 500),
    random.between(500, small - 1),
    random.pick([small, small + 1]),
    random.between(small + 2, small + 8_000),
    random.between(small + 8_000, small + 24_000),
  ];
  // A block repeated from a random start: cheap to make, and no two parts of a blob are alike.
  const block = random.bytes(997);
  return sizes.map((size, index) => {
    const bytes = new Uint8Array(size);
    for (let at = 0; at < size; at += block.length) {
      bytes.set(block.subarray(0, Math.min(block.length, size - at)), at);
      bytes[at] = (at / block.length + index * 31) & 0xff;
    }
    return contentOf(bytes);
  });
}

export function makeImage(parts: {
  config: Content;
  layers: readonly Content[];
  mark: string;
}): ManifestContent {
  const descriptor = (content: Content, mediaType: string) => ({
    mediaType,
    digest: content.digest('sha256'),
    size: content.bytes.length,
  });
  const layerType = 'application/vnd.oci.image.layer.v1.tar';
  return manifestOf(
    {
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      config: descriptor(parts.config, 'application/vnd.oci.image.config.v1+json'),
      layers: parts.layers.map((layer) => descriptor(layer, layerType)),
      annotations: { mark: parts.mark },
    },
    { blobs: [parts.config, ...parts.layers].map((c) => c.digest('sha256')), below: [] },
  );
}

export function makeIndex(children: readonly ManifestContent[], mark: string): ManifestContent {
  const manifests = children.map(({ digest, bytes }) => ({
    mediaType: OCI_MANIFEST,
    digest,
    size: bytes.length,
  }));
  return manifestOf(
    { schemaVersion: 2, mediaType: OCI_INDEX, manifests, annotations: { mark } },
    { blobs: [], below: children },
  );
}

function manifestOf(
  json: object,
  parts: { blobs: Digest[]; below: readonly ManifestContent[] },
): ManifestContent {
  const bytes = new Uint8Array(Buffer.from(JSON.stringify(json)));
  const children = parts.below.map(({ digest }) => digest);
  return { bytes, digest: hashBytes('sha256', bytes), children, ...parts };
}
