// An upload from its start to its last chunk (spec, "Pushing a blob in chunks"). Finishing: finish-upload.ts.
import type { DigestAlgorithm } from '../oci/digest.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import { keepReceived, receive } from './receive-upload.ts';
import {
  type Append,
  bytesHeld,
  knownUpload,
  type UploadKey,
  type UploadParts,
  unknownUpload,
  uploadForWriting,
} from './upload-state.ts';

export interface UploadStatus {
  readonly id: string;
  /** Bytes held. */
  readonly size: number;
}

export async function beginUpload(
  parts: UploadParts,
  begin: { repository: RepositoryName; actor: string; algorithm: DigestAlgorithm },
): Promise<UploadStatus> {
  await parts.room?.check();
  const id = parts.newId();
  await parts.commands.run('startUpload', { id, ...begin });
  return { id, size: 0 };
}

/** @throws RegistryError BLOB_UPLOAD_UNKNOWN. */
export async function uploadStatus(parts: UploadParts, key: UploadKey): Promise<UploadStatus> {
  const upload = await knownUpload(parts, key);
  return { id: key.id, size: await bytesHeld(parts, upload) };
}

/** @throws RegistryError BLOB_UPLOAD_UNKNOWN. */
export async function abandonUpload(parts: UploadParts, key: UploadKey): Promise<void> {
  await knownUpload(parts, key);
  await parts.live.interrupt(key.id);
  parts.live.forget(key.id);
  const { id, repository } = key;
  if (!(await parts.commands.run('cancelUpload', { id, repository }))) throw unknownUpload(id);
}

/**
 * Adds bytes to an upload. What came before a fault stays, unless there is no room for it, and the upload
 * can go on from there.
 * @throws RegistryError BLOB_UPLOAD_UNKNOWN; RANGE_INVALID with `size` in the detail when the bytes do
 * not follow what is held; SIZE_INVALID; TOOMANYREQUESTS; BlobStoreError; whatever the body throws.
 */
export async function appendToUpload(parts: UploadParts, append: Append): Promise<UploadStatus> {
  await parts.room?.check();
  const upload = await uploadForWriting(parts, append);
  return parts.live.write(append.id, append.body, async () => {
    const received = await receive(parts, { upload, append, algorithm: upload.algorithm });
    const size = await keepReceived(parts, upload, received);
    if (received.error !== undefined) throw received.error;
    return { id: append.id, size };
  });
}
