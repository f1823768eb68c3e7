// Reads what a comparison needs of a version: its manifest and its configuration, both within bounds.
import { readFile } from 'node:fs/promises';
import { findBlob } from '../../metadata/blobs.ts';
import type { StoredManifest } from '../../metadata/manifests.ts';
import type { RepositoryName } from '../../oci/repository-name.ts';
import { manifestBytes, type OpenedBlob, openBlob, type PullParts } from '../../registry/pull.ts';
import type { Content } from './compare-content.ts';
import { type ReadConfig, readImageConfig } from './image-config.ts';
import { type Part, readVersionParts } from './version-parts.ts';

export interface Version {
  readonly repository: RepositoryName;
  readonly manifest: StoredManifest;
}

/** Bytes of a configuration: real ones have some ten thousand. */
const CONFIG_BYTES = 1024 * 1024;

/** @throws RegistryError STORAGE_FAILED */
export async function readContent(
  parts: PullParts,
  { repository, manifest }: Version,
): Promise<Content> {
  const read = readVersionParts(await manifestBytes(parts, manifest), manifest);
  if (read.kind !== 'image' || read.config === undefined) {
    return { parts: read, config: undefined, notes: [] };
  }
  return { parts: read, ...(await readConfig(parts, repository, read.config)) };
}

async function readConfig(
  parts: PullParts,
  repository: RepositoryName,
  { digest }: Part,
): Promise<ReadConfig> {
  const blob = await findBlob(parts.sql, { repository, digest });
  if (blob === undefined) {
    return noConfig(`The configuration ${digest} is not in "${repository}".`);
  }
  if (blob.size > CONFIG_BYTES) {
    return noConfig(
      `The configuration has ${blob.size} bytes; it is compared up to ${CONFIG_BYTES}.`,
    );
  }
  return readImageConfig(await bytesOf(await openBlob(parts, blob)));
}

function noConfig(note: string): ReadConfig {
  return { config: undefined, notes: [note] };
}

/** Of a blob whose size was looked at. */
async function bytesOf(opened: OpenedBlob): Promise<Uint8Array> {
  if (opened.kind === 'bytes') return opened.bytes;
  if (opened.kind === 'file') return readFile(opened.path);
  return new Uint8Array(await new Response(opened.open()).arrayBuffer());
}
