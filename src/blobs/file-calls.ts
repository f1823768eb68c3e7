// The calls to the operating system that the filesystem store makes, each with the sentence of its
// fault. Knows paths; knows no folders of the store and no rules.
import { constants } from 'node:fs';
import {
  copyFile,
  type FileHandle,
  lstat,
  open,
  opendir,
  rename,
  stat,
  statfs,
  unlink,
} from 'node:fs/promises';
import type { StoreSpace } from './blob-store.ts';
import { streamOf } from './byte-stream.ts';
import { isMissing, storageError, systemCode } from './filesystem-errors.ts';
import { absentError, existsError } from './store-errors.ts';

/** What a path is to a reader of an error: `upload u1`, `blob sha256/…`. */
interface NamedPath {
  readonly path: string;
  readonly role: string;
}

const READ_BYTES = 256 * 1024;

/** Opens the file for writing at `offset`, which becomes its length. Offset 0 makes it. */
export async function openForAppend(file: NamedPath, offset: number): Promise<FileHandle> {
  let handle: FileHandle | undefined;
  try {
    if (offset === 0) return await open(file.path, 'w', 0o600);
    handle = await open(file.path, 'r+');
    const { size } = await handle.stat();
    if (size < offset) throw absentError(`${file.role} of ${offset} bytes: it has ${size}`);
    if (size > offset) await handle.truncate(offset);
    return handle;
  } catch (error) {
    await handle?.close();
    if (offset > 0 && isMissing(error)) throw absentError(file.role, error);
    throw storageError(error, `open the ${file.role} for writing`);
  }
}

/**
 * Puts the file's bytes on stable storage. When that fails the system may have dropped them and
 * report success the next time, so the file is removed: it must never pass for whole.
 */
export async function syncOrRemove(file: NamedPath): Promise<void> {
  let handle: FileHandle;
  try {
    handle = await open(file.path, 'r');
  } catch (error) {
    if (isMissing(error)) throw absentError(file.role, error);
    throw storageError(error, `open the ${file.role}`);
  }
  try {
    await handle.datasync();
  } catch (error) {
    await unlink(file.path).catch(() => undefined);
    throw storageError(error, `sync the ${file.role}`);
  } finally {
    await handle.close();
  }
}

/** Bytes held, or undefined when there is no such file. */
export async function fileSize(file: NamedPath): Promise<number | undefined> {
  try {
    return (await stat(file.path)).size;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw storageError(error, `look at the ${file.role}`);
  }
}

/** Bytes held, and when they were last written (ms since 1970); undefined when it is gone or no file. */
export async function fileFacts(
  file: NamedPath,
): Promise<{ size: number; modifiedAt: number } | undefined> {
  try {
    const found = await lstat(file.path);
    return found.isFile() ? { size: found.size, modifiedAt: found.mtimeMs } : undefined;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw storageError(error, `look at the ${file.role}`);
  }
}

/** Names in a folder; none when it is gone. */
export async function* namesIn(folder: NamedPath): AsyncIterable<string> {
  try {
    for await (const { name } of await opendir(folder.path)) yield name;
  } catch (error) {
    if (!isMissing(error)) throw storageError(error, `list the ${folder.role}`);
  }
}

/** Of the file system that `path` lies on, as this process may use it. */
export async function spaceAt(path: string): Promise<StoreSpace> {
  try {
    const { bsize, blocks, bfree, bavail } = await statfs(path);
    // What the system keeps for root counts neither as free nor as ours.
    return { freeBytes: bavail * bsize, totalBytes: (blocks - bfree + bavail) * bsize };
  } catch (error) {
    throw storageError(error, `look at the room left at ${path}`);
  }
}

export async function moveFile(from: NamedPath, to: NamedPath): Promise<void> {
  try {
    await rename(from.path, to.path);
  } catch (error) {
    throw storageError(error, `make the ${from.role} the ${to.role}`);
  }
}

export async function copyToNew(from: NamedPath, to: NamedPath): Promise<void> {
  try {
    // A file system that can shares the bytes instead of copying them.
    await copyFile(from.path, to.path, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  } catch (error) {
    if (systemCode(error) === 'EEXIST') throw existsError(to.role);
    if (isMissing(error)) throw absentError(from.role, error);
    await unlink(to.path).catch(() => undefined);
    throw storageError(error, `copy the ${from.role}`);
  }
}

export async function removeFile(file: NamedPath): Promise<void> {
  try {
    await unlink(file.path);
  } catch (error) {
    if (!isMissing(error)) throw storageError(error, `remove the ${file.role}`);
  }
}

export function readFileStream(file: NamedPath): ReadableStream<Uint8Array> {
  let handle: FileHandle | undefined;
  let position = 0;
  return streamOf({
    async next() {
      try {
        handle ??= await open(file.path, 'r');
        const chunk = new Uint8Array(READ_BYTES);
        const { bytesRead } = await handle.read(chunk, 0, READ_BYTES, position);
        position += bytesRead;
        return bytesRead === 0 ? undefined : chunk.subarray(0, bytesRead);
      } catch (error) {
        if (isMissing(error)) throw absentError(file.role, error);
        throw storageError(error, `read the ${file.role}`);
      }
    },
    async close() {
      await handle?.close();
    },
  });
}
