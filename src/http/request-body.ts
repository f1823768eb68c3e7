// The body of a request: pulled chunk by chunk, never held whole, given up when the client stalls.
import { RegistryError } from '../oci/errors.ts';
import { LIMITS } from '../oci/limits.ts';
import type { UploadBody } from '../registry/upload-body.ts';

/** Time as the watchdog needs it; injected, so that a test can let 120 seconds pass. */
export interface Timer {
  now(): number;
  /** Runs `action` once after `ms`. @returns a function that prevents it. */
  after(ms: number, action: () => void): () => void;
}

export const REAL_TIMER: Timer = {
  now: () => performance.now(),
  after(ms, action) {
    const handle = setTimeout(action, ms);
    return () => clearTimeout(handle);
  },
};

/** The client is no longer there: nobody will read the answer. */
export class ClientGoneError extends Error {
  constructor(options?: ErrorOptions) {
    super('the client went away before the end of its request', options);
    this.name = 'ClientGoneError';
  }
}

export class RequestBody implements UploadBody {
  readonly length: number | undefined;
  readonly #timer: Timer;
  readonly #reader:
    | { read(): Promise<{ done: boolean; value?: Uint8Array | undefined }> }
    | undefined;
  #received = 0;
  #ended: boolean;
  #reason: unknown;
  #reject: ((reason: unknown) => void) | undefined;
  #lastByteAt = 0;
  #stopWatching: (() => void) | undefined;

  constructor(
    stream: ReadableStream<Uint8Array> | null,
    options: { length: number | undefined; timer: Timer },
  ) {
    this.length = stream === null ? 0 : options.length;
    this.#timer = options.timer;
    this.#ended = stream === null;
    this.#reader = stream?.getReader();
  }

  /** Bytes taken so far. */
  get received(): number {
    return this.#received;
  }

  /** Nothing is left to read. */
  get ended(): boolean {
    return this.#ended;
  }

  async next(): Promise<Uint8Array | undefined> {
    if (this.#reason !== undefined) throw this.#reason;
    if (this.#ended || this.#reader === undefined) return undefined;
    const cancelled = new Promise<never>((_, reject) => {
      this.#reject = reject;
    });
    this.#watch();
    try {
      const { done, value } = await Promise.race([this.#reader.read(), cancelled]);
      this.#lastByteAt = this.#timer.now();
      if (!done && value !== undefined) {
        this.#received += value.length;
        return value;
      }
      this.#end();
      return undefined;
    } catch (error) {
      this.#end();
      if (error === this.#reason) throw error;
      // Whatever the runtime says of a body that broke off, it means one thing here.
      this.#reason = new ClientGoneError({ cause: error });
      throw this.#reason;
    } finally {
      this.#reject = undefined;
    }
  }

  cancel(reason: RegistryError): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#reject?.(reason);
    this.#stopWatching?.();
  }

  /**
   * Reads what a refused client still sends, so that it reads the answer and does not see a broken pipe.
   * @returns false when that would be too much: the connection must be closed.
   */
  async drain(): Promise<boolean> {
    if (this.#ended) return true;
    const left = (this.length ?? Number.POSITIVE_INFINITY) - this.#received;
    if (this.length !== undefined && left > LIMITS.drainBytes) return false;
    const limit = this.#received + LIMITS.drainBytes;
    try {
      while ((await this.next()) !== undefined) if (this.#received > limit) return false;
      return true;
    } catch {
      // Cancelled, stalled or gone: nothing more can be read.
      return false;
    }
  }

  /**
   * The whole body of a request that is small by nature.
   * @throws RegistryError SIZE_TOO_LARGE beyond `limit` bytes.
   */
  async readWhole(limit: number, what: string): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    const tooLarge = (size: number) =>
      new RegistryError(
        'SIZE_TOO_LARGE',
        `A ${what} has at most ${limit} bytes here; this one has ${size}${this.length === undefined ? ' or more' : ''}.`,
        { limit },
      );
    if (this.length !== undefined && this.length > limit) throw tooLarge(this.length);
    for (let chunk = await this.next(); chunk; chunk = await this.next()) {
      if (this.#received > limit) throw tooLarge(this.#received);
      chunks.push(chunk);
    }
    return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
  }

  #end(): void {
    this.#ended = true;
    this.#stopWatching?.();
    this.#stopWatching = undefined;
  }

  /** One timer for the whole body, set again only when it fires: nothing is paid per chunk. */
  #watch(): void {
    if (this.#stopWatching !== undefined) return;
    this.#lastByteAt = this.#timer.now();
    const check = () => {
      const left = this.#lastByteAt + LIMITS.stallMs - this.#timer.now();
      if (left > 0) this.#stopWatching = this.#timer.after(left, check);
      else this.cancel(stalled());
    };
    this.#stopWatching = this.#timer.after(LIMITS.stallMs, check);
  }
}

function stalled(): RegistryError {
  return new RegistryError(
    'REQUEST_INVALID',
    `No byte came for ${LIMITS.stallMs / 1000} seconds. What came before is kept: ask for the status of the upload and go on from there.`,
  );
}
