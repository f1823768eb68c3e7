// What this process remembers of uploads between and during requests: hashes in the making, and which
// request is writing now. Losing it costs a second read of the bytes, never a byte.
import type { Hasher } from '../blobs/hasher.ts';
import { RegistryError } from '../oci/errors.ts';
import { LIMITS } from '../oci/limits.ts';
import { overtaken } from './upload.command.ts';
import type { UploadBody } from './upload-body.ts';

/** A hash that covers the first `offset` bytes of an upload as of `fence`. */
export interface LiveHash {
  readonly hasher: Hasher;
  readonly offset: number;
  readonly fence: number;
}

interface Writing {
  readonly body: UploadBody;
  readonly ended: Promise<void>;
}

/** Hashes kept for uploads that are between two requests: some hundred bytes each. */
const IDLE_HASHES = 1_000;

export class LiveUploads {
  readonly #hashes = new Map<string, LiveHash>();
  readonly #writing = new Map<string, Writing>();
  readonly #limit: number;
  #receiving = 0;

  /** `limit`: bodies received at once. */
  constructor(limit: number = LIMITS.concurrentUploads) {
    this.#limit = limit;
  }

  /** Bodies being received now. */
  get receiving(): number {
    return this.#receiving;
  }

  isWriting(id: string): boolean {
    return this.#writing.has(id);
  }

  /** Takes a hash out, if it covers just what is held now. */
  takeHash(id: string, state: { offset: number; fence: number }): Hasher | undefined {
    const live = this.#hashes.get(id);
    this.#hashes.delete(id);
    return live?.offset === state.offset && live.fence === state.fence ? live.hasher : undefined;
  }

  keepHash(id: string, live: LiveHash): void {
    this.#hashes.set(id, live);
    if (this.#hashes.size <= IDLE_HASHES) return;
    const oldest = this.#hashes.keys().next().value;
    if (oldest !== undefined) this.#hashes.delete(oldest);
  }

  forget(id: string): void {
    this.#hashes.delete(id);
  }

  /** Ends the request that writes this upload, if there is one, and waits until it has stopped. */
  async interrupt(id: string): Promise<void> {
    const writing = this.#writing.get(id);
    if (writing === undefined) return;
    writing.body.cancel(overtaken());
    await writing.ended;
  }

  /** Runs `work` as the one writer of the upload. @throws RegistryError TOOMANYREQUESTS at the limit. */
  async write<R>(id: string, body: UploadBody, work: () => Promise<R>): Promise<R> {
    if (this.#receiving >= this.#limit) {
      throw new RegistryError(
        'TOOMANYREQUESTS',
        `This registry receives at most ${this.#limit} uploads at once. Try again in a moment.`,
      );
    }
    if (this.#writing.has(id)) {
      throw new RegistryError('RANGE_INVALID', 'Another request is writing to this upload.');
    }
    const ended = Promise.withResolvers<void>();
    this.#writing.set(id, { body, ended: ended.promise });
    this.#receiving += 1;
    try {
      return await work();
    } finally {
      this.#receiving -= 1;
      this.#writing.delete(id);
      ended.resolve();
    }
  }
}
