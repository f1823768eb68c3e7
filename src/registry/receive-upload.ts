// Takes the body of a request into an upload: into the database while all of it is small, else into a file.
import { type BlobAppender, BlobStoreError } from '../blobs/blob-store.ts';
import { createHasher, type Hasher } from '../blobs/hasher.ts';
import { heldBytes, type UploadRow } from '../metadata/uploads.ts';
import type { Digest, DigestAlgorithm } from '../oci/digest.ts';
import { LIMITS } from '../oci/limits.ts';
import { overtaken } from './upload.command.ts';
import { collectUpTo, joined, lengthFault } from './upload-body.ts';
import type { Append, UploadParts } from './upload-state.ts';

export interface ReceivedSmall {
  readonly kind: 'small';
  /** All bytes of the upload so far. */
  readonly bytes: Uint8Array;
  /** Why the body ended early; undefined when it did not. What came before it counts all the same. */
  readonly error: unknown;
}

export interface ReceivedFile {
  readonly kind: 'file';
  readonly file: string;
  readonly fence: number;
  readonly size: number;
  /** Digest of all bytes so far; undefined = not known. */
  readonly digest: Digest | undefined;
  readonly hasher: Hasher | undefined;
  readonly error: unknown;
}

export type Received = ReceivedSmall | ReceivedFile;

export interface Receive {
  readonly upload: UploadRow;
  readonly append: Append;
  /** For the digest, when the upload has no bytes yet. */
  readonly algorithm: DigestAlgorithm;
}

export async function receive(parts: UploadParts, request: Receive): Promise<Received> {
  const { upload, append } = request;
  if (upload.file !== undefined) return receiveToFile(parts, request, []);
  const held = upload.size === 0 ? undefined : await heldBytes(parts.sql, upload.id);
  const collected = await collectUpTo(append.body, LIMITS.smallBlobBytes - upload.size);
  const chunks = held === undefined ? collected.chunks : [held, ...collected.chunks];
  if (!collected.isWhole) return receiveToFile(parts, request, chunks);
  const error = collected.error ?? lengthFault(append.body.length, collected.size);
  return { kind: 'small', bytes: joined(chunks), error };
}

/** `first`: what was read or held before it was clear that a file is needed. */
async function receiveToFile(
  parts: UploadParts,
  request: Receive,
  first: readonly Uint8Array[],
): Promise<ReceivedFile> {
  const { upload, append } = request;
  const isNew = upload.file === undefined;
  const { file, fence } = await takeFile(parts, upload);
  const start = isNew ? 0 : upload.size;
  const hasher =
    start === 0
      ? createHasher(request.algorithm)
      : parts.live.takeHash(upload.id, { offset: start, fence: upload.fence });
  const appender = await parts.blobs.append(file, start);
  const expected = append.body.length;
  const limit = expected === undefined ? Number.POSITIVE_INFINITY : upload.size + expected;
  const { error, taken } = await copy({ appender, hasher, first, append, limit });
  if (error === undefined) {
    const { offset: size } = appender;
    const fault = lengthFault(expected, size - upload.size);
    // Where no byte came, what was known of those before still holds.
    const digest = hasher?.digest() ?? (size === start ? upload.digest : undefined);
    return { kind: 'file', file, fence, size, digest, hasher, error: fault };
  }
  if (isFull(error)) await giveBack(parts, file, start);
  // After a fault of the disk only the file itself knows what it holds.
  const size = (await parts.blobs.uploadLength(file)) ?? 0;
  // The hash has all that was taken for writing, also a chunk whose write failed, wholly or in part.
  const isCertain = size === start + taken && hasher !== undefined;
  const known = size === start ? upload.digest : undefined;
  const digest = isCertain ? hasher.digest() : known;
  return { kind: 'file', file, fence, size, digest, hasher: isCertain ? hasher : undefined, error };
}

function isFull(error: unknown): boolean {
  return error instanceof BlobStoreError && error.fault === 'full';
}

/**
 * Cuts off what a request wrote that found no room. Kept, it would leave none for the database either, on
 * the same disk, and then nothing could end that upload, or anything else.
 */
async function giveBack(parts: UploadParts, file: string, start: number): Promise<void> {
  try {
    const appender = await parts.blobs.append(file, start);
    await appender.close();
  } catch {
    // The file stays as it is, and says itself how much it holds.
  }
}

interface Copy {
  readonly appender: BlobAppender;
  readonly hasher: Hasher | undefined;
  readonly first: readonly Uint8Array[];
  readonly append: Append;
  /** Bytes that the upload may have at most. */
  readonly limit: number;
}

/** @returns what went wrong, once the file is closed, and how many bytes were hashed and given to it. */
async function copy(request: Copy): Promise<{ error: unknown; taken: number }> {
  const { appender, hasher, first, append, limit } = request;
  let fault: unknown;
  let taken = 0;
  const put = async (chunk: Uint8Array) => {
    hasher?.update(chunk);
    taken += chunk.length;
    await appender.write(chunk);
    append.body.free?.(chunk);
  };
  try {
    for (const chunk of first) await put(chunk);
    for (let chunk = await append.body.next(); chunk; chunk = await append.body.next()) {
      if (appender.offset + chunk.length > limit) {
        fault = lengthFault(0, 1);
        break;
      }
      await put(chunk);
    }
  } catch (error) {
    fault = error;
  }
  try {
    await appender.close();
  } catch (error) {
    fault ??= error;
  }
  return { error: fault, taken };
}

/** Takes the upload for this process, with a file that no other process can be writing to. */
async function takeFile(
  parts: UploadParts,
  upload: UploadRow,
): Promise<{ file: string; fence: number }> {
  const mayBeWritten = upload.writer !== undefined && upload.writer !== parts.instance;
  const left = mayBeWritten ? upload.file : undefined;
  const isNew = upload.file === undefined || mayBeWritten;
  // A name of its own each time: a crash between the copy and the take must not stand in the next one's way.
  const file = isNew ? `${upload.id}-${parts.newId()}` : (upload.file as string);
  if (left !== undefined) await fork(parts, left, file);
  const { id, fence: seen } = upload;
  const writer = parts.instance;
  const take = { id, seen, writer, file, storageKey: undefined };
  const fence = await parts.commands.run('takeOver', take);
  if (fence !== undefined) return { file, fence };
  // If this fails the sweep finds the copy: no row names it.
  if (left !== undefined) await parts.blobs.discard(file).catch(() => {});
  throw overtaken();
}

async function fork(parts: UploadParts, left: string, copy: string): Promise<void> {
  try {
    await parts.blobs.fork(left, copy);
  } catch (error) {
    // It was there a moment ago: somebody else has just moved or removed it.
    if (error instanceof BlobStoreError && error.fault === 'absent') throw overtaken();
    throw error;
  }
}

/** Writes down what a request left behind, so that the next one can go on. */
export async function keepReceived(
  parts: UploadParts,
  upload: UploadRow,
  received: Received,
): Promise<number> {
  const { id } = upload;
  if (received.kind === 'small') {
    const { bytes } = received;
    const hasher = createHasher(upload.algorithm);
    hasher.update(bytes);
    const held = { id, seen: upload.fence, bytes, digest: hasher.digest() };
    if (!(await parts.commands.run('holdUpload', held))) throw overtaken();
    return bytes.length;
  }
  const { fence, size, digest, file, hasher } = received;
  const progress = { id, fence, size, digest, file, boot: parts.boot };
  if (!(await parts.commands.run('recordUpload', progress))) throw overtaken();
  if (hasher !== undefined) parts.live.keepHash(id, { hasher, offset: size, fence });
  return size;
}
