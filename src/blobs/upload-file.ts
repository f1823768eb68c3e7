// One writer of one upload file: gathers small chunks, writes one buffer while it fills the next, and
// syncs early, so that the commit finds little left to sync. Knows no folders and no keys.
//
//   write ──► buffer ──(full, or close)──► pwrite at its offset ──(every 8 MiB, or close)──► early sync
//
// A crash keeps what pwrite has taken. Nothing is promised before the commit has synced.
import type { BlobAppender, BlobStoreError } from './blob-store.ts';
import { storageError } from './filesystem-errors.ts';
import { supersededError } from './store-errors.ts';
import { WRITE_BUFFER_BYTES, type WriteBuffers } from './write-buffers.ts';

/** Bytes between early syncs of one upload: a fast disk takes 8 MiB in less time than a client sends it. */
const EARLY_SYNC_BYTES = 8 * 1024 * 1024;
/** At the end of an append: below this the commit's own sync is just as quick, and one sync is enough. */
const CLOSING_SYNC_BYTES = 1024 * 1024;
/** Early syncs at once, in one store: each occupies a thread that reads and writes need too. */
const EARLY_SYNCS = 2;

/** What the writers of one store share. */
export interface WriterPool {
  readonly buffers: WriteBuffers;
  earlySyncs: number;
}

/** As much of a file handle as a writer needs. */
export interface WritableFile {
  write(
    bytes: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ bytesWritten: number }>;
  datasync(): Promise<void>;
  close(): Promise<void>;
}

export interface UploadFileOptions {
  /** Completes a sentence of an error: `upload u1`. */
  readonly role: string;
  readonly handle: WritableFile;
  readonly offset: number;
  readonly pool: WriterPool;
  /** A sync has failed: nobody knows which bytes the disk holds, so the file must go. */
  readonly abandon: () => Promise<void>;
  /** The file is closed and no sync runs any more. */
  readonly ended: () => void;
}

export class UploadFileWriter implements BlobAppender {
  readonly #options: UploadFileOptions;
  #accepted: number;
  /** Where the next pwrite begins. */
  #position: number;
  #buffer: Uint8Array | undefined;
  #filled = 0;
  #writing: Promise<void> | undefined;
  #syncing: Promise<void> | undefined;
  #unsynced = 0;
  #failure: BlobStoreError | undefined;
  #failureTold = false;
  #end: Promise<void> | undefined;

  constructor(options: UploadFileOptions) {
    this.#options = options;
    this.#accepted = options.offset;
    this.#position = options.offset;
  }

  get offset(): number {
    return this.#accepted;
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.#throwFailure();
    for (let at = 0; at < chunk.length; ) {
      this.#buffer ??= this.#options.pool.buffers.take();
      const piece = chunk.subarray(at, at + WRITE_BUFFER_BYTES - this.#filled);
      this.#buffer.set(piece, this.#filled);
      this.#filled += piece.length;
      at += piece.length;
      this.#accepted += piece.length;
      if (this.#filled === WRITE_BUFFER_BYTES) await this.#flush();
    }
  }

  async close(): Promise<void> {
    try {
      if (this.#failure === undefined) await this.#flush();
      await this.#writing;
      if (this.#failure === undefined) this.#syncEarly(CLOSING_SYNC_BYTES);
    } finally {
      const end = this.#finish();
      // An early sync goes on behind; the commit waits for it.
      if (this.#syncing === undefined) await end;
    }
    if (!this.#failureTold) this.#throwFailure();
  }

  /**
   * Shuts this writer out and waits until nothing of it is under way any more.
   * @throws BlobStoreError when bytes that close() has accepted were lost since.
   */
  async retire(): Promise<void> {
    const closed = this.#end !== undefined;
    if (!closed) {
      this.#failure ??= supersededError(this.#options.role);
    }
    await this.#finish();
    if (closed && this.#failure !== undefined && !this.#failureTold) throw this.#failure;
  }

  /** Starts to write the buffer when the one before has been written. */
  async #flush(): Promise<void> {
    await this.#writing;
    this.#throwFailure();
    const buffer = this.#buffer;
    if (buffer === undefined) return;
    const length = this.#filled;
    this.#buffer = undefined;
    this.#filled = 0;
    this.#writing = this.#writeOut(buffer, length).finally(() => {
      this.#writing = undefined;
      this.#options.pool.buffers.give(buffer);
    });
  }

  /** Never rejects: a fault is kept for the next call of the owner. */
  async #writeOut(buffer: Uint8Array, length: number): Promise<void> {
    try {
      for (let at = 0; at < length; ) {
        const { handle } = this.#options;
        const { bytesWritten } = await handle.write(buffer, at, length - at, this.#position);
        at += bytesWritten;
        this.#position += bytesWritten;
        this.#unsynced += bytesWritten;
      }
      this.#syncEarly(EARLY_SYNC_BYTES);
    } catch (error) {
      this.#failure ??= storageError(error, `write the ${this.#options.role}`);
    }
  }

  #syncEarly(threshold: number): void {
    const { pool, handle, role, abandon } = this.#options;
    if (this.#unsynced < threshold || this.#syncing !== undefined) return;
    if (pool.earlySyncs >= EARLY_SYNCS) return;
    pool.earlySyncs += 1;
    this.#unsynced = 0;
    this.#syncing = handle
      .datasync()
      .catch(async (error: unknown) => {
        this.#failure ??= storageError(error, `sync the ${role}`);
        await abandon();
      })
      .finally(() => {
        pool.earlySyncs -= 1;
        this.#syncing = undefined;
      });
  }

  #finish(): Promise<void> {
    this.#end ??= this.#release();
    return this.#end;
  }

  async #release(): Promise<void> {
    const { handle, pool, ended } = this.#options;
    await this.#writing;
    await this.#syncing;
    if (this.#buffer !== undefined) pool.buffers.give(this.#buffer);
    this.#buffer = undefined;
    await handle.close().catch(() => undefined);
    ended();
  }

  #throwFailure(): void {
    if (this.#failure === undefined) return;
    this.#failureTold = true;
    throw this.#failure;
  }
}
