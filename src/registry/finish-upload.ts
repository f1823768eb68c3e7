// Makes an upload a blob: digest compared, bytes on stable storage, then one command, then the answer.
import { BlobStoreError } from '../blobs/blob-store.ts';
import { createHasher, hashBytes } from '../blobs/hasher.ts';
import { isUploadKey, type UploadRow } from '../metadata/uploads.ts';
import { type Digest, digestAlgorithm, digestHex } from '../oci/digest.ts';
import { RegistryError } from '../oci/errors.ts';
import { LIMITS } from '../oci/limits.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import { keepReceived, type ReceivedFile, receive } from './receive-upload.ts';
import { type FinishUpload, overtaken } from './upload.command.ts';
import { beginUpload } from './upload.ts';
import { collectUpTo, joined, lengthFault, type UploadBody } from './upload-body.ts';
import { type Append, type UploadParts, uploadForWriting } from './upload-state.ts';

export interface Finish extends Append {
  readonly digest: Digest;
}

/**
 * Adds the last bytes, if any, and makes the upload a blob of the repository. When it resolves, the
 * blob survives the loss of power.
 * @throws as `appendToUpload`; RegistryError DIGEST_INVALID, and then the upload is gone.
 */
export async function finishUpload(parts: UploadParts, finish: Finish): Promise<void> {
  // One without bytes only gives a name to what is here.
  if (finish.body.length !== 0) await parts.room?.check();
  const upload = await uploadForWriting(parts, finish);
  await parts.live.write(finish.id, finish.body, async () => {
    if (finish.body.length === 0 && upload.file !== undefined && isOurs(parts, upload)) {
      await closeFile(parts, finish, { ...upload, file: upload.file });
      return;
    }
    // Bytes that all come now are hashed as the digest asks for, whatever the upload was started with.
    const algorithm = upload.size === 0 ? digestAlgorithm(finish.digest) : upload.algorithm;
    const received = await receive(parts, { upload, append: finish, algorithm });
    if (received.error !== undefined) {
      await keepReceived(parts, upload, received);
      throw received.error;
    }
    if (received.kind === 'small') await finishSmall(parts, { finish, upload }, received.bytes);
    else await finishFile(parts, finish, received);
  });
}

/** One POST with the whole blob. Needs no upload when it is small. @throws as `finishUpload`. */
export async function pushBlob(
  parts: UploadParts,
  push: { repository: RepositoryName; actor: string; digest: Digest; body: UploadBody },
): Promise<void> {
  const { repository, digest, body } = push;
  if (body.length === undefined || body.length > LIMITS.smallBlobBytes) {
    const algorithm = digestAlgorithm(digest);
    const { id } = await beginUpload(parts, { repository, actor: push.actor, algorithm });
    try {
      await finishUpload(parts, { repository, id, start: undefined, body, digest });
    } catch (error) {
      // Nobody was told of this upload, so nobody can continue it. If this fails it expires.
      await parts.commands.run('cancelUpload', { id, repository }).catch(() => {});
      throw error;
    }
    return;
  }
  await parts.room?.check();
  await parts.live.write(parts.newId(), body, async () => {
    const { chunks, size, error } = await collectUpTo(body, LIMITS.smallBlobBytes);
    const fault = error ?? lengthFault(body.length, size);
    if (fault !== undefined) throw fault;
    const bytes = joined(chunks);
    const actual = hashBytes(digestAlgorithm(digest), bytes);
    if (actual !== digest) throw digestMismatch(digest, actual);
    const blob = { upload: undefined, repository, digest, size, place: { payload: bytes } };
    await parts.commands.run('finishUpload', blob);
  });
}

function isOurs(parts: UploadParts, upload: UploadRow): boolean {
  return upload.writer === undefined || upload.writer === parts.instance;
}

async function finishSmall(
  parts: UploadParts,
  request: { finish: Finish; upload: UploadRow },
  bytes: Uint8Array,
): Promise<void> {
  const { finish, upload } = request;
  const { id, repository, digest } = finish;
  const actual = hashBytes(digestAlgorithm(digest), bytes);
  if (actual !== digest) throw await dropped(parts, { finish, fence: upload.fence }, actual);
  await claim(parts, {
    upload: { id, fence: upload.fence },
    repository,
    digest,
    size: bytes.length,
    place: { payload: bytes },
  });
}

/** The command that makes the upload a blob. What a rule refuses for good is not kept for another try. */
async function claim(
  parts: UploadParts,
  finish: FinishUpload & { upload: { id: string; fence: number } },
): Promise<void> {
  try {
    await parts.commands.run('finishUpload', finish);
  } catch (error) {
    if (error instanceof RegistryError && error.code === 'DENIED') {
      const { id, fence } = finish.upload;
      // Should this fail, the upload expires; the refusal is what the client must hear.
      await parts.commands.run('dropUpload', { id, seen: fence }).catch(() => {});
      parts.live.forget(id);
    }
    throw error;
  }
}

/** The closing PUT without bytes: what docker and most clients send. Takes and names the key in one step. */
async function closeFile(
  parts: UploadParts,
  finish: Finish,
  upload: UploadRow & { file: string },
): Promise<void> {
  const { id, digest } = finish;
  const { file, size } = upload;
  await checkDigest(parts, finish, upload);
  const storageKey = newStorageKey(parts, digest);
  const take = {
    id,
    seen: upload.fence,
    writer: parts.instance,
    file,
    storageKey,
  };
  const fence = await parts.commands.run('takeOver', take);
  if (fence === undefined) throw overtaken();
  await commit(parts, finish, { file, size, fence, storageKey });
}

async function finishFile(
  parts: UploadParts,
  finish: Finish,
  received: ReceivedFile,
): Promise<void> {
  const { file, size, fence } = received;
  await checkDigest(parts, finish, received);
  const storageKey = newStorageKey(parts, finish.digest);
  const isStillOurs = await parts.commands.run('intendKey', { id: finish.id, fence, storageKey });
  if (!isStillOurs) throw overtaken();
  await commit(parts, finish, { file, size, fence, storageKey });
}

async function commit(
  parts: UploadParts,
  finish: Finish,
  bytes: { file: string; size: number; fence: number; storageKey: string },
): Promise<void> {
  const { id, repository, digest } = finish;
  const { file, size, fence, storageKey } = bytes;
  // Bytes first, row second: a crash in between leaves bytes that nothing claims, never the reverse.
  await parts.blobs.commit(file, storageKey);
  const blob = { upload: { id, fence }, repository, digest, size, place: { storageKey } };
  try {
    await claim(parts, blob);
  } catch (error) {
    await removeUnclaimed(parts, { id, storageKey }, error);
    throw error;
  }
  parts.live.forget(id);
}

/** After a refusal no row will ever claim the bytes, unless the request that took over reclaims them. */
async function removeUnclaimed(
  parts: UploadParts,
  bytes: { id: string; storageKey: string },
  error: unknown,
): Promise<void> {
  // After any other error nobody knows whether the commit took effect.
  const isRefused =
    error instanceof RegistryError && ['BLOB_UPLOAD_UNKNOWN', 'RANGE_INVALID'].includes(error.code);
  if (!isRefused || (await isUploadKey(parts.sql, bytes.storageKey))) return;
  // Should this fail too, they stay as an orphan; the refusal is what the client must hear.
  await parts.blobs.remove(bytes.storageKey).catch(() => {});
}

/** Never given twice: a removal that comes late cannot hit bytes that were uploaded again. */
function newStorageKey(parts: UploadParts, digest: Digest): string {
  const hex = digestHex(digest);
  return `${digestAlgorithm(digest)}/${hex.slice(0, 2)}/${hex}.${parts.newId()}`;
}

/** @throws RegistryError DIGEST_INVALID, and the upload is gone. */
async function checkDigest(
  parts: UploadParts,
  finish: Finish,
  held: { file: string; fence: number; digest: Digest | undefined },
): Promise<void> {
  const algorithm = digestAlgorithm(finish.digest);
  const isKnown = held.digest !== undefined && digestAlgorithm(held.digest) === algorithm;
  const actual = isKnown ? held.digest : await readDigest(parts, held.file, algorithm);
  if (actual === finish.digest) return;
  throw await dropped(parts, { finish, fence: held.fence }, actual as Digest);
}

async function readDigest(
  parts: UploadParts,
  file: string,
  algorithm: 'sha256' | 'sha512',
): Promise<Digest> {
  const hasher = createHasher(algorithm);
  let size = 0;
  try {
    for await (const chunk of parts.blobs.readUpload(file)) {
      hasher.update(chunk);
      size += chunk.length;
    }
  } catch (error) {
    // It was there a moment ago: another process has just closed this upload, or ended it.
    if (error instanceof BlobStoreError && error.fault === 'absent') throw overtaken();
    throw error;
  }
  parts.readAgain(size);
  return hasher.digest();
}

/** Bytes that are not what the client says are of no use to anybody. */
async function dropped(
  parts: UploadParts,
  request: { finish: Finish; fence: number },
  actual: Digest,
): Promise<RegistryError> {
  const { id, digest } = request.finish;
  const isOurs = await parts.commands.run('dropUpload', { id, seen: request.fence });
  if (!isOurs) return overtaken();
  parts.live.forget(id);
  return digestMismatch(digest, actual);
}

function digestMismatch(expected: Digest, actual: Digest): RegistryError {
  return new RegistryError(
    'DIGEST_INVALID',
    `The bytes received are ${actual}, not ${expected}. They were dropped; upload them again.`,
    { expected, actual },
  );
}
