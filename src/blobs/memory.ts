// The blob store in memory, for tests and the simulation. Knows which bytes and names would survive
// a power cut, so that a missing sync shows: a caller that answers too early loses data in crash().
//
//   append ─► bytes unsynced ─► commit: 'sync-data' ─► 'rename' ─► 'sync-directory' ─► resolved
//   Each step is announced before it is taken; a hook that throws stops the commit there.
import {
  type BlobAppender,
  type BlobContent,
  type BlobStore,
  BlobStoreError,
  type StorageKey,
  type StoredContent,
  type UploadId,
} from './blob-store.ts';
import { streamOf, streamOfBytes } from './byte-stream.ts';
import { bytesOf, type Held, MemoryWriter } from './memory-upload.ts';
import { checkStorageKey, checkUploadId, flatName } from './storage-names.ts';
import { absentError, existsError } from './store-errors.ts';

export type CommitStep = 'sync-data' | 'rename' | 'sync-directory';

export interface MemoryBlobStoreOptions {
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  readonly onStep?: (step: CommitStep, id: UploadId, key: StorageKey) => void | Promise<void>;
  /** A fault planted on purpose: the step is announced but not taken. */
  readonly skip?: Exclude<CommitStep, 'rename'>;
}

export interface CrashChoices {
  /** How many bytes survive of those that were not synced for sure: `synced` to `length`. Default: `synced`. */
  readonly keep?: (
    name: UploadId | StorageKey,
    bytes: { synced: number; length: number },
  ) => number;
  /** Does a rename survive that no directory sync has followed? Default: no. */
  readonly keepRename?: (id: UploadId, key: StorageKey) => boolean;
}

export interface MemoryBlobStore extends BlobStore {
  /** A power cut: what was not synced is lost as far as `choices` says; open writers are dead. */
  crash(choices?: CrashChoices): void;
  /** Every key that holds content, for the model's questions. */
  keys(): readonly StorageKey[];
  /** A fault of the disk: the bytes of a key become others, behind everybody's back. */
  damage(key: StorageKey, change: (bytes: Uint8Array) => Uint8Array): void;
  /** Keys whose bytes lie in quarantine. */
  quarantined(): readonly StorageKey[];
}

export function createMemoryBlobStore(options: MemoryBlobStoreOptions = {}): MemoryBlobStore {
  return new InMemory(options);
}

class InMemory implements MemoryBlobStore {
  readonly #options: MemoryBlobStoreOptions;
  #uploads = new Map<UploadId, Held>();
  #content = new Map<StorageKey, Held>();
  readonly #quarantine = new Map<StorageKey, Held>();
  /** Rises with each crash: what began before must not go on after. */
  #life = 0;

  constructor(options: MemoryBlobStoreOptions) {
    this.#options = options;
  }

  async append(id: UploadId, offset: number): Promise<BlobAppender> {
    checkUploadId(id);
    let held = this.#uploads.get(id);
    if (offset > (held?.length ?? 0) || (held === undefined && offset > 0)) {
      throw absentError(`upload ${id} of ${offset} bytes`);
    }
    held ??= this.#hold(id, new Uint8Array(0), 0);
    held.writer?.shutOut();
    held.length = offset;
    held.synced = Math.min(held.synced, offset);
    held.written = this.#now();
    held.writer = new MemoryWriter(held, { id, now: this.#now });
    return held.writer;
  }

  async uploadLength(id: UploadId): Promise<number | undefined> {
    checkUploadId(id);
    return this.#uploads.get(id)?.length;
  }

  readUpload(id: UploadId): ReadableStream<Uint8Array> {
    checkUploadId(id);
    const held = this.#uploads.get(id);
    if (held !== undefined) return streamOfBytes(bytesOf(held));
    return streamOf({ next: () => Promise.reject(absentError(`upload ${id}`)), async close() {} });
  }

  async fork(id: UploadId, copy: UploadId): Promise<void> {
    checkUploadId(id);
    checkUploadId(copy);
    const held = this.#uploads.get(id);
    if (held === undefined) throw absentError(`upload ${id}`);
    if (this.#uploads.has(copy)) throw existsError(`upload ${copy}`);
    this.#hold(copy, bytesOf(held).slice(), held.length);
  }

  async discard(id: UploadId): Promise<void> {
    checkUploadId(id);
    this.#uploads.get(id)?.writer?.shutOut();
    this.#uploads.delete(id);
  }

  async *staleUploads(before: number): AsyncIterable<UploadId> {
    for (const [id, held] of this.#uploads) if (held.written < before) yield id;
  }

  async commit(id: UploadId, key: StorageKey): Promise<void> {
    checkUploadId(id);
    checkStorageKey(key);
    const life = this.#life;
    const held = this.#uploads.get(id);
    if (held === undefined) throw absentError(`upload ${id}`);
    held.writer?.shutOut();
    await this.#step('sync-data', { id, key, life });
    if (this.#options.skip !== 'sync-data') held.synced = held.length;
    await this.#step('rename', { id, key, life });
    if (this.#content.has(key)) throw existsError(`blob ${key}`);
    if (this.#uploads.get(id) !== held) throw absentError(`upload ${id}`);
    this.#uploads.delete(id);
    this.#content.set(key, held);
    held.renamedFrom = id;
    await this.#step('sync-directory', { id, key, life });
    if (this.#options.skip !== 'sync-directory') held.renamedFrom = undefined;
  }

  async reclaim(key: StorageKey, id: UploadId): Promise<void> {
    checkStorageKey(key);
    checkUploadId(id);
    const held = this.#content.get(key);
    if (held === undefined) throw absentError(`blob ${key}`);
    if (this.#uploads.has(id)) throw existsError(`upload ${id}`);
    this.#content.delete(key);
    held.renamedFrom = undefined;
    this.#uploads.set(id, held);
  }

  async open(key: StorageKey): Promise<BlobContent> {
    checkStorageKey(key);
    const held = this.#content.get(key);
    if (held === undefined) throw absentError(`blob ${key}`);
    const bytes = bytesOf(held);
    return {
      kind: 'stream',
      size: bytes.length,
      open: (range) => streamOfBytes(range ? bytes.subarray(range.start, range.end + 1) : bytes),
    };
  }

  read(key: StorageKey): ReadableStream<Uint8Array> {
    checkStorageKey(key);
    const held = this.#content.get(key);
    if (held !== undefined) return streamOfBytes(bytesOf(held));
    return streamOf({ next: () => Promise.reject(absentError(`blob ${key}`)), async close() {} });
  }

  async remove(key: StorageKey): Promise<void> {
    checkStorageKey(key);
    this.#content.delete(key);
  }

  async *contents(): AsyncIterable<StoredContent> {
    for (const [key, { length, written }] of [...this.#content]) {
      if (this.#content.has(key)) yield { key, size: length, modifiedAt: written };
    }
  }

  async quarantine(key: StorageKey): Promise<string> {
    checkStorageKey(key);
    const held = this.#content.get(key) ?? this.#quarantine.get(key);
    if (held === undefined) throw absentError(`blob ${key}`);
    this.#quarantine.set(key, held);
    this.#content.delete(key);
    return `quarantine/${flatName(key)}`;
  }

  async space(): Promise<undefined> {
    return undefined;
  }

  async check(): Promise<void> {}

  keys(): readonly StorageKey[] {
    return [...this.#content.keys()];
  }

  damage(key: StorageKey, change: (bytes: Uint8Array) => Uint8Array): void {
    const held = this.#content.get(key);
    if (held === undefined) throw absentError(`blob ${key}`);
    const bytes = change(bytesOf(held).slice());
    Object.assign(held, { bytes, length: bytes.length, synced: bytes.length });
  }

  quarantined(): readonly StorageKey[] {
    return [...this.#quarantine.keys()];
  }

  crash(choices: CrashChoices = {}): void {
    this.#life += 1;
    const { keep, keepRename } = choices;
    for (const [key, held] of [...this.#content]) {
      const id = held.renamedFrom;
      held.renamedFrom = undefined;
      if (id === undefined || keepRename?.(id, key)) continue;
      this.#content.delete(key);
      this.#uploads.set(id, held);
    }
    for (const [name, held] of [...this.#uploads, ...this.#content]) {
      held.writer?.shutOut();
      const { synced, length } = held;
      const kept = keep?.(name, { synced, length }) ?? synced;
      held.length = Math.max(synced, Math.min(length, Math.floor(kept)));
      held.synced = held.length;
    }
  }

  async #step(step: CommitStep, at: { id: UploadId; key: StorageKey; life: number }) {
    await this.#options.onStep?.(step, at.id, at.key);
    if (at.life !== this.#life) throw new BlobStoreError('failed', 'The store crashed meanwhile.');
  }

  #hold(id: UploadId, bytes: Uint8Array, length: number): Held {
    const held: Held = {
      bytes,
      length,
      synced: 0,
      written: this.#now(),
      writer: undefined,
      renamedFrom: undefined,
    };
    this.#uploads.set(id, held);
    return held;
  }

  readonly #now = (): number => (this.#options.now ?? Date.now)();
}
