// The blob store in a folder of the local file system. Knows files, and no rows.
//
//   <directory>/                       folders 0700, files 0600
//     uploads/<upload id>              bytes in progress; the length of the file is the truth
//     blobs/sha256/ab/<hex>.<random>   content; the path is the storage key, and is written once
//     quarantine/sha256-<hex>.<random> content found damaged; never read, never removed
//
//   commit:  sync the file ──► make blobs/sha256/ab, sync its parent ──► rename ──► sync the folder
//   A crash before the rename leaves the upload, one after it the content; a power cut before the
//   folder is synced leaves one of the two. Either way its bytes are whole.
//   Removals are not synced: a name that a power cut brings back is an orphan, and removed again.
import { randomUUID } from 'node:crypto';
import { dirname, join, resolve } from 'node:path';
import type {
  BlobAppender,
  BlobContent,
  BlobStore,
  StorageKey,
  StoredContent,
  StoreSpace,
  UploadId,
} from './blob-store.ts';
import { DurableDirectories } from './durable-directories.ts';
import {
  copyToNew,
  fileFacts,
  fileSize,
  moveFile,
  namesIn,
  openForAppend,
  readFileStream,
  removeFile,
  spaceAt,
  syncOrRemove,
} from './file-calls.ts';
import { storageError } from './filesystem-errors.ts';
import {
  checkStorageKey,
  checkUploadId,
  flatName,
  isStorageKey,
  isUploadId,
} from './storage-names.ts';
import { absentError, existsError } from './store-errors.ts';
import { Turns } from './turns.ts';
import { UploadFileWriter, type WriterPool } from './upload-file.ts';
import { WriteBuffers } from './write-buffers.ts';

/** Opens the store and makes its folders where they are missing. @throws BlobStoreError. */
export async function openFilesystemBlobStore(options: { directory: string }): Promise<BlobStore> {
  const root = resolve(options.directory);
  try {
    const directories = await DurableDirectories.open(root);
    await directories.ensure(join(root, 'uploads'));
    await directories.ensure(join(root, 'blobs'));
    return new FilesystemBlobStore(root, directories);
  } catch (error) {
    throw storageError(error, `make the data directory ${root}`);
  }
}

const ALGORITHMS = ['sha256', 'sha512'] as const;

class FilesystemBlobStore implements BlobStore {
  readonly #root: string;
  readonly #directories: DurableDirectories;
  readonly #turns = new Turns();
  readonly #writers = new Map<UploadId, UploadFileWriter>();
  readonly #pool: WriterPool = { buffers: new WriteBuffers(), earlySyncs: 0 };

  constructor(root: string, directories: DurableDirectories) {
    this.#root = root;
    this.#directories = directories;
  }

  async append(id: UploadId, offset: number): Promise<BlobAppender> {
    const upload = this.#upload(id);
    return this.#turns.take(id, async () => {
      await this.#shutOut(id);
      const handle = await openForAppend(upload, offset);
      const writer = new UploadFileWriter({
        role: upload.role,
        handle,
        offset,
        pool: this.#pool,
        abandon: () => removeFile(upload).catch(() => undefined),
        ended: () => this.#writers.delete(id),
      });
      this.#writers.set(id, writer);
      return writer;
    });
  }

  async uploadLength(id: UploadId): Promise<number | undefined> {
    return fileSize(this.#upload(id));
  }

  readUpload(id: UploadId): ReadableStream<Uint8Array> {
    return readFileStream(this.#upload(id));
  }

  async fork(id: UploadId, copy: UploadId): Promise<void> {
    const from = this.#upload(id);
    const to = this.#upload(copy);
    await this.#turns.take(copy, () => copyToNew(from, to));
  }

  async discard(id: UploadId): Promise<void> {
    const upload = this.#upload(id);
    await this.#turns.take(id, async () => {
      await this.#shutOut(id);
      await removeFile(upload);
    });
  }

  async *staleUploads(before: number): AsyncIterable<UploadId> {
    for await (const name of namesIn(this.#folder('uploads'))) {
      if (!isUploadId(name)) continue;
      const found = await fileFacts(this.#upload(name));
      if (found !== undefined && found.modifiedAt < before) yield name;
    }
  }

  async commit(id: UploadId, key: StorageKey): Promise<void> {
    const upload = this.#upload(id);
    const blob = this.#blob(key);
    const folder = dirname(blob.path);
    await this.#turns.take(id, async () => {
      await this.#writers.get(id)?.retire();
      await syncOrRemove(upload);
      await this.#directories.ensure(folder);
      // A rename replaces what is there, so one at a time looks and renames.
      await this.#turns.take(key, async () => {
        if ((await fileSize(blob)) !== undefined) throw existsError(blob.role);
        await moveFile(upload, blob).catch((error: unknown) => {
          // Someone may have tidied empty folders away. The next attempt makes them again.
          this.#directories.forget();
          throw error;
        });
      });
    });
    await this.#directories.sync(folder);
  }

  async reclaim(key: StorageKey, id: UploadId): Promise<void> {
    const blob = this.#blob(key);
    const upload = this.#upload(id);
    await this.#turns.take(id, async () => {
      if ((await fileSize(blob)) === undefined) throw absentError(blob.role);
      if ((await fileSize(upload)) !== undefined) throw existsError(upload.role);
      await moveFile(blob, upload);
    });
  }

  async open(key: StorageKey): Promise<BlobContent> {
    const blob = this.#blob(key);
    const size = await fileSize(blob);
    if (size === undefined) throw absentError(blob.role);
    return { kind: 'file', path: blob.path, size };
  }

  read(key: StorageKey): ReadableStream<Uint8Array> {
    return readFileStream(this.#blob(key));
  }

  async remove(key: StorageKey): Promise<void> {
    await removeFile(this.#blob(key));
  }

  /** A crash in between leaves an upload that no row names; the sweep removes it. */
  async check(): Promise<void> {
    const id = `check-${randomUUID()}`;
    try {
      const probe = await this.append(id, 0);
      await probe.write(new Uint8Array(1)).finally(() => probe.close());
      await syncOrRemove(this.#upload(id));
    } finally {
      await this.discard(id);
    }
  }

  /** Whatever becomes of the older writer's bytes shows in the length of the file. */
  /** A folder of two digits at a time: none of them is large. */
  async *contents(): AsyncIterable<StoredContent> {
    for (const algorithm of ALGORITHMS) {
      for await (const digits of namesIn(this.#folder(`blobs/${algorithm}`))) {
        for await (const name of namesIn(this.#folder(`blobs/${algorithm}/${digits}`))) {
          const key = `${algorithm}/${digits}/${name}`;
          if (!isStorageKey(key)) continue;
          const found = await fileFacts(this.#blob(key));
          if (found !== undefined) yield { key, ...found };
        }
      }
    }
  }

  async quarantine(key: StorageKey): Promise<string> {
    const blob = this.#blob(key);
    const folder = join(this.#root, 'quarantine');
    const aside = { path: join(folder, flatName(key)), role: `blob ${key} in quarantine` };
    await this.#turns.take(key, async () => {
      await this.#directories.ensure(folder);
      if ((await fileSize(blob)) !== undefined) return moveFile(blob, aside);
      if ((await fileSize(aside)) === undefined) throw absentError(blob.role);
    });
    await this.#directories.sync(folder);
    return aside.path;
  }

  async space(): Promise<StoreSpace> {
    return spaceAt(this.#root);
  }

  async #shutOut(id: UploadId): Promise<void> {
    await this.#writers
      .get(id)
      ?.retire()
      .catch(() => undefined);
  }

  #folder(name: string): { path: string; role: string } {
    return { path: join(this.#root, name), role: `folder ${name}` };
  }

  #upload(id: UploadId): { path: string; role: string } {
    checkUploadId(id);
    return { path: join(this.#root, 'uploads', id), role: `upload ${id}` };
  }

  #blob(key: StorageKey): { path: string; role: string } {
    checkStorageKey(key);
    return { path: join(this.#root, 'blobs', key), role: `blob ${key}` };
  }
}
