// Bytes by storage key. Knows no digests, repositories, HTTP or SQL.
//
// Life of a blob that is too large for the database:
//
//   begin ──► uploads/<id> ──append…──► uploads/<id> ──commit──► blobs/<key> ──remove──► nothing
//     │            │                        │                        │
//     │            └─ crash: the file stays; its length is the truth, the upload can be resumed
//     │                                     └─ crash before the rename: as above
//     └─ crash: an empty file that no row names; the sweep removes it
//                                             crash after the rename: bytes that the upload's row still
//                                             names; reclaim() brings them back into the upload
//
//   blobs/<key> ──quarantine──► quarantine/<key>: damaged bytes, kept for a person; nothing reads them
//     └─ crash: one of the two names, with all bytes; asked again, it goes on from either
//
// Uncommitted bytes and content are different things: an upload id never reads content, a storage
// key never reads an upload.

/** Names bytes in progress. Made by the caller, unique for all time, of [a-z0-9-] only. */
export type UploadId = string;
/** Names committed bytes: `sha256/ab/<hex>.<random>`. Never used twice (a late removal hits nothing new). */
export type StorageKey = string;

/** Inclusive on both ends, as in RFC 9110; within the size of the blob. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** What serves a blob: a file that the HTTP host can send by itself, or a stream of the bytes. */
export type BlobContent =
  | { readonly kind: 'file'; readonly path: string; readonly size: number }
  | {
      readonly kind: 'stream';
      readonly size: number;
      /** A new stream each time; `range` absent = everything. */
      open(range?: ByteRange): ReadableStream<Uint8Array>;
    };

export interface BlobAppender {
  /** Bytes accepted so far, counted from the start of the upload. */
  readonly offset: number;
  /** Resolves when the bytes are with the driver and `chunk` may be reused. Back-pressure: await it. */
  write(chunk: Uint8Array): Promise<void>;
  /**
   * Ends the append; bytes written stay. Must be called once, also after a failed write. A driver may
   * hold bytes back until here, so a fault that no write() has thrown is thrown now.
   */
  close(): Promise<void>;
}

/** Bytes on their way in. */
export interface UploadArea {
  /**
   * Opens upload `id` for appending at `offset` bytes, creating it when offset is 0 and it is absent.
   * Bytes beyond `offset` are cut off. A writer of this process that still has the upload open is
   * shut out: it gets `superseded`. (A writer of another process is shut out by fork.)
   * @throws BlobStoreError `absent` when the upload has fewer than `offset` bytes or does not exist.
   */
  append(id: UploadId, offset: number): Promise<BlobAppender>;
  /** Bytes held, or undefined when there is no such upload. */
  uploadLength(id: UploadId): Promise<number | undefined>;
  /** Reads back what an upload holds (to hash it again). The stream fails with `absent` when there is none. */
  readUpload(id: UploadId): ReadableStream<Uint8Array>;
  /**
   * Copies an upload to a new id, so that a writer elsewhere that still holds the old one can harm nothing.
   * @throws BlobStoreError `absent`, or `exists` when `copy` is an upload already.
   */
  fork(id: UploadId, copy: UploadId): Promise<void>;
  /** Removes an upload and shuts its writer out; no error when it is absent. */
  discard(id: UploadId): Promise<void>;
  /** Uploads whose last write is before `before` (ms since 1970): candidates for the sweep. */
  staleUploads(before: number): AsyncIterable<UploadId>;
}

/** Bytes that are complete. */
export interface ContentArea {
  /**
   * Makes an upload the content of `key`. When it resolves, bytes and name are on stable storage and
   * the upload is gone. @throws BlobStoreError `absent`, or `exists` when the key is in use. When the
   * bytes cannot be synced nobody knows what the disk holds: the upload is gone too.
   */
  commit(id: UploadId, key: StorageKey): Promise<void>;
  /**
   * The way back of commit, for bytes that no row claims: content `key` becomes upload `id` again.
   * @throws BlobStoreError `absent` when there is no such content, or `exists` when the upload is there.
   */
  reclaim(key: StorageKey, id: UploadId): Promise<void>;
  /** @throws BlobStoreError `absent` when there are no such bytes. */
  open(key: StorageKey): Promise<BlobContent>;
  /** All bytes of a key, to hash them. The stream fails with `absent` when there are none. */
  read(key: StorageKey): ReadableStream<Uint8Array>;
  /** Removes the bytes of a key; no error when they are absent. */
  remove(key: StorageKey): Promise<void>;
}

export interface StoredContent {
  readonly key: StorageKey;
  /** Bytes. */
  readonly size: number;
  /** When the bytes were last written, in ms since 1970. */
  readonly modifiedAt: number;
}

export interface StoreSpace {
  /** Bytes that can still be written. */
  readonly freeBytes: number;
  /** Those and what is in use, by the store or by others. */
  readonly totalBytes: number;
}

/** What is done to content without anybody having asked for a blob. */
export interface ContentUpkeep {
  /** Every key that has bytes, by walking all of them. Only the scrubber may: all others know a row. */
  contents(): AsyncIterable<StoredContent>;
  /**
   * Moves the bytes of a key aside, where nothing reads and nothing removes them. On stable storage when it
   * resolves. Asked again it says the same. @returns where they lie, for a person. @throws BlobStoreError
   * `absent`.
   */
  quarantine(key: StorageKey): Promise<string>;
  /** Undefined where it has no meaning. */
  space(): Promise<StoreSpace | undefined>;
}

export interface BlobStore extends UploadArea, ContentArea, ContentUpkeep {
  /** Tries a write, a sync and a removal. @throws BlobStoreError with the cause that a person can act on. */
  check(): Promise<void>;
}

/**
 * `absent`: not there. `exists`: key taken. `superseded`: a newer writer has taken over the upload.
 * `full`: no room. `denied`: no permission. `failed`: any other fault.
 */
export type BlobFault = 'absent' | 'exists' | 'superseded' | 'full' | 'denied' | 'failed';

export class BlobStoreError extends Error {
  readonly fault: BlobFault;
  constructor(fault: BlobFault, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'BlobStoreError';
    this.fault = fault;
  }
}
