// Bytes of the images that a seeded registry holds: as small as they can be, and true to their digests.
import { createHash } from 'node:crypto';
import { OCI_MANIFEST } from './load/content.ts';

export interface SeedBlob {
  readonly bytes: Uint8Array;
  readonly digest: string;
}

const CONFIG = 'application/vnd.oci.image.config.v1+json';
const LAYER = 'application/vnd.oci.image.layer.v1.tar';
const LAYER_TEXT = 'x'.repeat(80);

export class SeedContent {
  layer(name: string): SeedBlob {
    return blobOf(`layer ${name} ${LAYER_TEXT}`);
  }

  config(number: number): SeedBlob {
    return blobOf(
      `{"architecture":"amd64","os":"linux","config":{"Env":["PATH=/bin"],"Labels":{"build":"${number}"}},"rootfs":{"type":"layers","diff_ids":[]}}`,
    );
  }

  manifest(config: SeedBlob, layers: readonly SeedBlob[], subject?: SeedBlob): SeedBlob {
    const parts = layers.map((layer) => describe(LAYER, layer)).join(',');
    const end = subject === undefined ? '' : `,"subject":${describe(OCI_MANIFEST, subject)}`;
    return blobOf(
      `{"schemaVersion":2,"mediaType":"${OCI_MANIFEST}","config":${describe(CONFIG, config)},"layers":[${parts}]${end}}`,
    );
  }

  descriptor(manifest: SeedBlob): string {
    return describe(OCI_MANIFEST, manifest);
  }
}

function blobOf(text: string): SeedBlob {
  const bytes = Buffer.from(text);
  return { bytes, digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}` };
}

function describe(mediaType: string, { digest, bytes }: SeedBlob): string {
  return `{"mediaType":"${mediaType}","digest":"${digest}","size":${bytes.length}}`;
}
