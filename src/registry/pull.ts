// Manifests and blobs on their way out.
import type { BlobContent, ContentArea } from '../blobs/blob-store.ts';
import { BlobStoreError } from '../blobs/blob-store.ts';
import { hashBytes } from '../blobs/hasher.ts';
import {
  findBlob,
  type RepositoryBlob,
  readWholePayload,
  type StoredBlob,
} from '../metadata/blobs.ts';
import {
  findManifestByDigest,
  findManifestByTag,
  type StoredManifest,
} from '../metadata/manifests.ts';
import { findRepository } from '../metadata/repositories.ts';
import type { Sql } from '../metadata/sql.ts';
import { type Digest, digestAlgorithm } from '../oci/digest.ts';
import { type ErrorCode, RegistryError } from '../oci/errors.ts';
import type { Reference } from '../oci/reference.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import type { ByteCache } from './byte-cache.ts';

export interface PullParts {
  readonly sql: Sql;
  readonly blobs: ContentArea;
  readonly cache: ByteCache;
  readonly grace: Grace;
}

/** For how long a blob that nothing names stays, counted from when somebody was told of it. */
export interface Grace {
  /** Milliseconds. */
  readonly ms: number;
  /** Milliseconds since 1970. */
  now(): number;
  /** @returns false when there is nothing to renew, see `renewGrace`. */
  renew(right: { repository: number; blob: number }): Promise<boolean>;
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
  return payload(parts, manifest.blobId, 'MANIFEST_UNKNOWN');
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
  const renewing = blob && staysLongEnough(parts.grace, blob);
  // A disk on which nothing can be written any more stops no pull; a push asks by HEAD, and could not go on.
  const stays = key.isBrief === true ? await renewing : await renewing?.catch(() => true);
  if (blob !== undefined && stays === true) return blob;
  // Held by a manifest since it was looked at, or gone.
  const again = blob && (await findBlob(parts.sql, key));
  if (again !== undefined) return again;
  if (key.isBrief === true) throw new RegistryError('BLOB_UNKNOWN');
  const what = `blob ${key.digest}`;
  throw await unknown(parts.sql, key.repository, { code: 'BLOB_UNKNOWN', what });
}

/** Writes only when less than half of the time of grace is left. */
async function staysLongEnough(grace: Grace, blob: RepositoryBlob): Promise<boolean> {
  const { unheldSince, repository, id } = blob;
  if (unheldSince === null || grace.now() - unheldSince < grace.ms / 2) return true;
  return grace.renew({ repository, blob: id });
}

/** A blob's bytes: here, or for the HTTP host to send. */
export type OpenedBlob = { readonly kind: 'bytes'; readonly bytes: Uint8Array } | BlobContent;

/** @throws RegistryError STORAGE_FAILED when the bytes are not there or not of the size recorded. */
export async function openBlob(parts: PullParts, blob: StoredBlob): Promise<OpenedBlob> {
  if (blob.storageKey === null)
    return { kind: 'bytes', bytes: await payload(parts, blob.id, 'BLOB_UNKNOWN') };
  const content = await parts.blobs.open(blob.storageKey).catch((cause) => {
    if (!(cause instanceof BlobStoreError)) throw cause;
    throw new RegistryError('STORAGE_FAILED', undefined, undefined, { cause });
  });
  if (content.size === blob.size) return content;
  throw new RegistryError('STORAGE_FAILED', undefined, undefined, {
    cause: new Error(`${blob.storageKey} has ${content.size} bytes instead of ${blob.size}`),
  });
}

async function payload(parts: PullParts, blobId: number, code: ErrorCode): Promise<Uint8Array> {
  const known = parts.cache.get(blobId);
  if (known !== undefined) return known;
  const found = await readWholePayload(parts.sql, blobId);
  // It was found a moment ago: its time was over just then.
  if (found === undefined) throw new RegistryError(code, 'It was removed a moment ago.');
  const { bytes, digest } = found;
  // Remembered for as long as the process runs, also when the row has been given whole bytes again.
  if (hashBytes(digestAlgorithm(digest), bytes) !== digest) {
    const cause = new Error(`the stored bytes of ${digest} are not what they were`);
    throw new RegistryError('STORAGE_FAILED', undefined, undefined, { cause });
  }
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
