// Bytes that the memory store holds, and the writer that adds to them. Knows no keys.
import type { BlobAppender, BlobStoreError, UploadId } from './blob-store.ts';
import { supersededError } from './store-errors.ts';

export interface Held {
  /** Grows by doubling; the first `length` of it are held. */
  bytes: Uint8Array;
  length: number;
  /** As many as these survive a power cut for sure. */
  synced: number;
  /** When the last write was, in ms since 1970. */
  written: number;
  writer: MemoryWriter | undefined;
  /** Content whose name is not synced yet: what it was before. */
  renamedFrom: UploadId | undefined;
}

export function bytesOf(held: Held): Uint8Array {
  return held.bytes.subarray(0, held.length);
}

export class MemoryWriter implements BlobAppender {
  readonly #held: Held;
  readonly #id: UploadId;
  readonly #now: () => number;
  #offset: number;
  #failure: BlobStoreError | undefined;
  #failureTold = false;

  constructor(held: Held, options: { id: UploadId; now: () => number }) {
    this.#held = held;
    this.#id = options.id;
    this.#now = options.now;
    this.#offset = held.length;
  }

  get offset(): number {
    return this.#offset;
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.#throwFailure();
    const held = this.#held;
    const end = held.length + chunk.length;
    if (end > held.bytes.length) {
      const larger = new Uint8Array(Math.max(end, held.bytes.length * 2));
      larger.set(bytesOf(held));
      held.bytes = larger;
    }
    held.bytes.set(chunk, held.length);
    held.length = end;
    held.written = this.#now();
    this.#offset = end;
  }

  async close(): Promise<void> {
    if (!this.#failureTold) this.#throwFailure();
    if (this.#held.writer === this) this.#held.writer = undefined;
  }

  shutOut(): void {
    this.#held.writer = undefined;
    this.#failure ??= supersededError(`upload ${this.#id}`);
  }

  #throwFailure(): void {
    if (this.#failure === undefined) return;
    this.#failureTold = true;
    throw this.#failure;
  }
}
