// Buffers that bytes wait in on their way to a file. Kept for the next upload, because a fresh one
// is zeroed and collected each time. Knows no files.
import { LIMITS } from '../oci/limits.ts';

/** A writer fills one buffer while the other is written, so half of the limit is headroom. */
export const WRITE_BUFFER_BYTES = LIMITS.uploadBufferBytes / 4;

/** Buffers that lie idle: 8 MiB. More uploads than that at once allocate, and give the rest back. */
const IDLE_BUFFERS = 32;

export class WriteBuffers {
  readonly #idle: Uint8Array[] = [];

  take(): Uint8Array {
    return this.#idle.pop() ?? new Uint8Array(WRITE_BUFFER_BYTES);
  }

  give(buffer: Uint8Array): void {
    if (this.#idle.length < IDLE_BUFFERS) this.#idle.push(buffer);
  }
}
