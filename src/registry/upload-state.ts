// What an upload holds, and whether a request may go on with it.
//
// A small upload lives in the database from its first byte to its last. A larger one is a file of the
// blob store; the length of that file is the truth about what is held, the row says who may write and
// what the digest so far is. That digest counts only while the row's size equals the file's length and
// the machine has not been restarted since: bytes that were never synced may be gone after that.
import { type BlobStore, BlobStoreError } from '../blobs/blob-store.ts';
import type { Commands } from '../metadata/command.ts';
import type { Sql } from '../metadata/sql.ts';
import { findUpload, heldBytes, type UploadRow } from '../metadata/uploads.ts';
import { RegistryError } from '../oci/errors.ts';
import { LIMITS } from '../oci/limits.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import type { RegistryCommands } from './commands.ts';
import type { LiveUploads } from './live-uploads.ts';
import { overtaken } from './upload.command.ts';
import type { UploadBody } from './upload-body.ts';

/** Whether there is room for pushes. */
export interface Room {
  /** @throws RegistryError STORAGE_FULL. */
  check(): Promise<void>;
}

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
  /** Absent: pushes are taken until nothing fits any more. */
  readonly room?: Room;
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

/**
 * What an upload holds now, also while a request is writing or after a crash, and where: in its file;
 * under the storage key that a closing request gave them and did not come to commit; or here in the
 * database, also when a file was named and a fault came before it had as much.
 */
interface Holding {
  readonly place: 'file' | 'content' | 'here';
  readonly size: number;
}

async function holdingOf(parts: UploadParts, upload: UploadRow): Promise<Holding> {
  if (upload.file === undefined) return { place: 'here', size: upload.size };
  // Read before the file is looked at: they are dropped only when all of them are in it.
  const here =
    upload.size > LIMITS.smallBlobBytes ? undefined : await heldBytes(parts.sql, upload.id);
  const length = await parts.blobs.uploadLength(upload.file);
  if (length === undefined && upload.storageKey !== undefined) {
    const content = await parts.blobs.open(upload.storageKey).catch(absentAsUndefined);
    if (content !== undefined) return { place: 'content', size: content.size };
  }
  if (length !== undefined && length >= upload.size) return { place: 'file', size: length };
  if (here !== undefined && here.length > (length ?? 0))
    return { place: 'here', size: here.length };
  return length === undefined ? { place: 'here', size: 0 } : { place: 'file', size: length };
}

/** Bytes held now. */
export async function bytesHeld(parts: UploadParts, upload: UploadRow): Promise<number> {
  return (await holdingOf(parts, upload)).size;
}

/**
 * The upload with nobody in this process writing, its size what is really held, its digest undefined
 * unless certain, its file undefined when the bytes are not there.
 * @throws RegistryError RANGE_INVALID when the bytes do not follow what is held.
 */
export async function uploadForWriting(parts: UploadParts, append: Append): Promise<UploadRow> {
  let upload = await knownUpload(parts, append);
  let holding = await holdingOf(parts, upload);
  checkRange(append, holding.size);
  if (parts.live.isWriting(append.id)) {
    if (append.start === undefined) throw busy(append.id);
    // A newer request at the right place means that the older one's connection is dead.
    await parts.live.interrupt(append.id);
    upload = await knownUpload(parts, append);
    holding = await holdingOf(parts, upload);
  }
  if (holding.place === 'content') {
    upload = await reclaim(parts, upload);
    holding = await holdingOf(parts, upload);
  }
  const { place, size } = holding;
  checkRange(append, size);
  if (place === 'here') return { ...upload, file: undefined, size };
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

/**
 * Brings bytes back that got their key before a crash kept them from being committed. Takes the upload
 * first: whoever gave them the key, should it still run, can then no longer claim that they are there.
 */
async function reclaim(parts: UploadParts, upload: UploadRow): Promise<UploadRow> {
  const { id, fence: seen, file, storageKey } = upload;
  if (file === undefined || storageKey === undefined) return upload;
  const take = { id, seen, writer: parts.instance, file, storageKey };
  const fence = await parts.commands.run('takeOver', take);
  if (fence === undefined) throw overtaken();
  await parts.blobs.reclaim(storageKey, file).catch(absentAsUndefined);
  return { ...upload, fence, writer: parts.instance };
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
