// Makes images and indexes on the spot, as OCI image layouts (image spec, image-layout.md), from
// seeds: no registry, no client and no network is needed. The digests are known before any push.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { seededBytes, sha256 } from './seeded-bytes.ts';
import { hostArchitecture, type ProgramArchitecture, staticProgram } from './static-program.ts';
import { tarOf } from './tar.ts';

export type Descriptor = Readonly<{
  mediaType: string;
  digest: string;
  size: number;
  platform?: Readonly<{ os: string; architecture: string }>;
  annotations?: Readonly<Record<string, string>>;
}>;

export type ImageRecipe = Readonly<{
  seed: string;
  architecture?: ProgramArchitecture;
  /** One more layer of random bytes for each size. */
  layerBytes?: readonly number[];
  /** Leaves the layers as they are, for clients that compress in their own way. */
  uncompressed?: boolean;
}>;

const INDEX = 'application/vnd.oci.image.index.v1+json';
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const CONFIG = 'application/vnd.oci.image.config.v1+json';
const LAYER = 'application/vnd.oci.image.layer.v1.tar';
const CREATED = '2026-01-01T00:00:00Z';

/** What an image made from this seed prints when it runs. */
export function greetingOf(seed: string): string {
  return `hello from ${seed}`;
}

/** Writes a layout that holds one image under `tag`; answers the image's own descriptor. */
export function writeImageLayout(directory: string, tag: string, recipe: ImageRecipe): Descriptor {
  openLayout(directory);
  const image = writeImage(directory, recipe);
  closeLayout(directory, tag, image);
  return image;
}

/** Writes a layout that holds an index for amd64 and arm64 under `tag`. */
export function writeIndexLayout(
  directory: string,
  tag: string,
  recipe: ImageRecipe,
): Readonly<{ index: Descriptor; images: readonly Descriptor[] }> {
  openLayout(directory);
  const images = (['amd64', 'arm64'] as const).map((architecture) => ({
    ...writeImage(directory, { ...recipe, architecture }),
    platform: { os: 'linux', architecture },
  }));
  const index = writeBlob(directory, INDEX, {
    schemaVersion: 2,
    mediaType: INDEX,
    manifests: images,
  });
  closeLayout(directory, tag, index);
  return { index, images };
}

function writeImage(directory: string, recipe: ImageRecipe): Descriptor {
  const architecture = recipe.architecture ?? hostArchitecture() ?? 'amd64';
  const program = staticProgram(greetingOf(recipe.seed), architecture);
  const archives = [
    tarOf([{ path: 'hello', bytes: program, mode: 0o755 }]),
    ...(recipe.layerBytes ?? []).map((length, index) => {
      const bytes = seededBytes(`${recipe.seed}/${architecture}/${index}`, length);
      return tarOf([{ path: `data-${index}`, bytes }]);
    }),
  ];
  const config = writeBlob(directory, CONFIG, {
    created: CREATED,
    architecture,
    os: 'linux',
    config: { Cmd: ['/hello'] },
    rootfs: { type: 'layers', diff_ids: archives.map((archive) => sha256(archive)) },
    history: archives.map(() => ({ created: CREATED, created_by: 'test' })),
  });
  const layers = archives.map((archive) =>
    recipe.uncompressed
      ? writeBytes(directory, LAYER, archive)
      : writeBytes(directory, `${LAYER}+gzip`, gzipSync(archive)),
  );
  return writeBlob(directory, MANIFEST, { schemaVersion: 2, mediaType: MANIFEST, config, layers });
}

function openLayout(directory: string): void {
  mkdirSync(join(directory, 'blobs', 'sha256'), { recursive: true });
  writeFileSync(join(directory, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
}

function closeLayout(directory: string, tag: string, root: Descriptor): void {
  const annotations = { 'org.opencontainers.image.ref.name': tag };
  const index = { schemaVersion: 2, mediaType: INDEX, manifests: [{ ...root, annotations }] };
  writeFileSync(join(directory, 'index.json'), JSON.stringify(index));
}

function writeBlob(directory: string, mediaType: string, value: unknown): Descriptor {
  return writeBytes(directory, mediaType, Buffer.from(JSON.stringify(value)));
}

function writeBytes(directory: string, mediaType: string, bytes: Uint8Array): Descriptor {
  const digest = sha256(bytes);
  writeFileSync(join(directory, 'blobs', 'sha256', digest.slice(7)), bytes);
  return { mediaType, digest, size: bytes.byteLength };
}
