// Manifests and blobs on their way out.
import type { BlobContent, ContentArea } from '../blobs/blob-store.ts';
import { BlobStoreError } from '../blobs/blob-store.ts';
import { findBlob, readPayload, type StoredBlob } from '../metadata/blobs.ts';
import {
  findManifestByDigest,
  findManifestByTag,
  type StoredManifest,
} from '../metadata/manifests.ts';
import { findRepository } from '../metadata/repositories.ts';
import type { Sql } from '../metadata/sql.ts';
import type { Digest } from '../oci/digest.ts';
import { type ErrorCode, RegistryError } from '../oci/errors.ts';
import type { Reference } from '../oci/reference.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import type { ByteCache } from './byte-cache.ts';

export interface PullParts {
  readonly sql: Sql;
  readonly blobs: ContentArea;
  readonly cache: ByteCache;
}

/** @throws RegistryError NAME_UNKNOWN, MANIFEST_UNKNOWN. */
export async function pullManifest(
  parts: PullParts,
  key: { repository: RepositoryName; reference: Reference },
): Promise<StoredManifest> {
  const { repository, reference } = key;
  const manifest =
    reference.kind === 'tag'
      ? await findManifestByTag(parts.sql, { repository, tag: reference.tag })
      : await findManifestByDigest(parts.sql, { repository, digest: reference.digest });
  if (manifest !== undefined) return manifest;
  const what = reference.kind === 'tag' ? `tag "${reference.tag}"` : `manifest ${reference.digest}`;
  throw await unknown(parts.sql, repository, { code: 'MANIFEST_UNKNOWN', what });
}

/** The exact bytes of a manifest. */
export async function manifestBytes(
  parts: PullParts,
  manifest: StoredManifest,
): Promise<Uint8Array> {
  return payload(parts, manifest.blobId);
}

/**
 * `isBrief`: nobody reads why it is not there, as with HEAD, which every push asks for every layer.
 * @throws RegistryError NAME_UNKNOWN, BLOB_UNKNOWN; only the latter when brief.
 */
export async function pullBlob(
  parts: PullParts,
  key: { repository: RepositoryName; digest: Digest; isBrief?: boolean },
): Promise<StoredBlob> {
  const blob = await findBlob(parts.sql, key);
  if (blob !== undefined) return blob;
  if (key.isBrief === true) throw new RegistryError('BLOB_UNKNOWN');
  const what = `blob ${key.digest}`;
  throw await unknown(parts.sql, key.repository, { code: 'BLOB_UNKNOWN', what });
}

/** A blob's bytes: here, or for the HTTP host to send. */
export type OpenedBlob = { readonly kind: 'bytes'; readonly bytes: Uint8Array } | BlobContent;

/** @throws RegistryError STORAGE_FAILED when the bytes are not there or not of the size recorded. */
export async function openBlob(parts: PullParts, blob: StoredBlob): Promise<OpenedBlob> {
  if (blob.storageKey === null) return { kind: 'bytes', bytes: await payload(parts, blob.id) };
  const content = await parts.blobs.open(blob.storageKey).catch((cause) => {
    if (!(cause instanceof BlobStoreError)) throw cause;
    throw new RegistryError('STORAGE_FAILED', undefined, undefined, { cause });
  });
  if (content.size === blob.size) return content;
  throw new RegistryError('STORAGE_FAILED', undefined, undefined, {
    cause: new Error(`${blob.storageKey} has ${content.size} bytes instead of ${blob.size}`),
  });
}

async function payload(parts: PullParts, blobId: number): Promise<Uint8Array> {
  const known = parts.cache.get(blobId);
  if (known !== undefined) return known;
  const bytes = await readPayload(parts.sql, blobId);
  if (bytes === undefined) throw new Error(`blob ${blobId} has neither a key nor a payload`);
  parts.cache.put(blobId, bytes);
  return bytes;
}

async function unknown(
  sql: Sql,
  repository: RepositoryName,
  missing: { code: ErrorCode; what: string },
): Promise<RegistryError> {
  if ((await findRepository(sql, repository)) === undefined) {
    return new RegistryError('NAME_UNKNOWN', `There is no repository "${repository}".`);
  }
  return new RegistryError(missing.code, `"${repository}" has no ${missing.what}.`);
}
