// What an upload holds, and whether a request may go on with it.
//
// A small upload lives in the database from its first byte to its last. A larger one is a file of the
// blob store; the length of that file is the truth about what is held, the row says who may write and
// what the digest so far is. That digest counts only while the row's size equals the file's length and
// the machine has not been restarted since: bytes that were never synced may be gone after that.
import { type BlobStore, BlobStoreError } from '../blobs/blob-store.ts';
import type { Commands } from '../metadata/command.ts';
import type { Sql } from '../metadata/sql.ts';
import { findUpload, type UploadRow } from '../metadata/uploads.ts';
import { RegistryError } from '../oci/errors.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import type { RegistryCommands } from './commands.ts';
import type { LiveUploads } from './live-uploads.ts';
import type { UploadBody } from './upload-body.ts';

export interface UploadParts {
  readonly sql: Sql;
  readonly commands: Commands<RegistryCommands>;
  readonly blobs: BlobStore;
  readonly live: LiveUploads;
  /** Names this process among all that ever ran. */
  readonly instance: string;
  /** Names this start of the machine. */
  readonly boot: string;
  /** Makes a name never used before, of [a-z0-9-]. */
  newId(): string;
  /** Counts bytes that had to be read again to know their digest. */
  readAgain(bytes: number): void;
}

export interface UploadKey {
  readonly repository: RepositoryName;
  readonly id: string;
}

export interface Append extends UploadKey {
  /**
   * Where the bytes belong; undefined = after what is held. Only the start of a Content-Range counts:
   * regclient has sent ends that are one too far, and the bytes themselves say how many they are.
   */
  readonly start: number | undefined;
  readonly body: UploadBody;
}

/** @throws RegistryError BLOB_UPLOAD_UNKNOWN, also for an upload of another repository. */
export async function knownUpload(parts: UploadParts, key: UploadKey): Promise<UploadRow> {
  const upload = await findUpload(parts.sql, key.id);
  if (upload === undefined || upload.repository !== key.repository) throw unknownUpload(key.id);
  return upload;
}

export function unknownUpload(id: string): RegistryError {
  return new RegistryError('BLOB_UPLOAD_UNKNOWN', undefined, { upload: id });
}

/** Bytes held now, also while a request is writing or after a crash. */
export async function bytesHeld(parts: UploadParts, upload: UploadRow): Promise<number> {
  if (upload.file === undefined) return upload.size;
  const length = await parts.blobs.uploadLength(upload.file);
  if (length !== undefined) return length;
  if (upload.storageKey === undefined) return 0;
  // A crash came after the bytes got their key and before the commit: they are there.
  const content = await parts.blobs.open(upload.storageKey).catch(absentAsUndefined);
  return content?.size ?? 0;
}

/**
 * The upload with nobody in this process writing, its size what is really held, its digest undefined
 * unless certain. @throws RegistryError RANGE_INVALID when the bytes do not follow what is held.
 */
export async function uploadForWriting(parts: UploadParts, append: Append): Promise<UploadRow> {
  let upload = await knownUpload(parts, append);
  checkRange(append, await bytesHeld(parts, upload));
  if (parts.live.isWriting(append.id)) {
    if (append.start === undefined) throw busy(append.id);
    // A newer request at the right place means that the older one's connection is dead.
    await parts.live.interrupt(append.id);
    upload = await knownUpload(parts, append);
  }
  if (upload.file === undefined) {
    checkRange(append, upload.size);
    return upload;
  }
  await reclaim(parts, upload);
  const size = await bytesHeld(parts, upload);
  checkRange(append, size);
  const isCertain = size === upload.size && upload.boot === parts.boot;
  return { ...upload, size, digest: isCertain ? upload.digest : undefined };
}

function busy(id: string): RegistryError {
  return new RegistryError(
    'RANGE_INVALID',
    'Another request is writing to this upload. To take over, say with Content-Range where these bytes belong.',
    { upload: id },
  );
}

/** Brings bytes back that got their key before a crash kept them from being committed. */
async function reclaim(parts: UploadParts, upload: UploadRow): Promise<void> {
  const { file, storageKey } = upload;
  if (file === undefined || storageKey === undefined) return;
  if ((await parts.blobs.uploadLength(file)) !== undefined) return;
  await parts.blobs.reclaim(storageKey, file).catch(absentAsUndefined);
}

function absentAsUndefined(error: unknown): undefined {
  if (error instanceof BlobStoreError && error.fault === 'absent') return undefined;
  throw error;
}

function checkRange(append: Append, held: number): void {
  if (append.start === undefined || append.start === held) return;
  throw new RegistryError(
    'RANGE_INVALID',
    `This upload holds ${held} bytes, so the next one is number ${held}, not ${append.start}.`,
    { size: held },
  );
}
