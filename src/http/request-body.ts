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

/** Where the bytes come from: undefined at the end. */
export type BodySource = () => Promise<Uint8Array | undefined>;

/** A body of any length, chunk by chunk. */
export function streamedBody(stream: ReadableStream<Uint8Array>): BodySource {
  const reader = stream.getReader();
  return async () => (await reader.read()).value;
}

/**
 * A body that is known to be small, in one piece: a stream would cost more than its bytes. When the
 * connection breaks nothing of it is kept, which costs the client no more than sending it again.
 */
export function wholeBody(read: () => Promise<Uint8Array>): BodySource {
  let isTaken = false;
  return async () => {
    if (isTaken) return undefined;
    isTaken = true;
    return read();
  };
}

export class RequestBody implements UploadBody {
  readonly length: number | undefined;
  readonly #timer: Timer;
  readonly #source: BodySource | undefined;
  #received = 0;
  #ended: boolean;
  #reason: unknown;
  #reject: ((reason: unknown) => void) | undefined;
  #waitingSince = 0;
  #stopWatching: (() => void) | undefined;

  /** `source` undefined: the request has no body. */
  constructor(
    source: BodySource | undefined,
    options: { length: number | undefined; timer: Timer },
  ) {
    this.length = source === undefined ? 0 : options.length;
    this.#timer = options.timer;
    this.#ended = source === undefined;
    this.#source = source;
  }

  /** Bytes taken so far. */
  get received(): number {
    return this.#received;
  }

  /** It stalled, broke off or was overtaken: nothing sensible can follow on its connection. */
  get isGivenUp(): boolean {
    return this.#reason !== undefined;
  }

  async next(): Promise<Uint8Array | undefined> {
    if (this.#reason !== undefined) throw this.#reason;
    if (this.#ended || this.#source === undefined) return undefined;
    const cancelled = new Promise<never>((_, reject) => {
      this.#reject = reject;
    });
    this.#waitingSince = this.#timer.now();
    this.#watch();
    try {
      const value = await Promise.race([this.#source(), cancelled]);
      if (value !== undefined) {
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

  free(chunk: Uint8Array): void {
    const { buffer } = chunk;
    // Moving a buffer into one of no size frees it at once. A chunk may be a part of a buffer: then not.
    if (buffer instanceof ArrayBuffer && buffer.byteLength === chunk.byteLength) buffer.transfer(0);
  }

  cancel(reason: RegistryError): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#reject?.(reason);
    this.release();
  }

  /** Nobody takes more of it. What the client still sends is the host's business. */
  release(): void {
    this.#stopWatching?.();
    this.#stopWatching = undefined;
  }

  /**
   * The whole body of a request that is small by nature. `take` is told the size of each chunk that is
   * held from now on, and throws when there is no room for it.
   * @throws RegistryError SIZE_TOO_LARGE beyond `limit` bytes; whatever `take` throws.
   */
  async readWhole(limit: number, what: string, take: (bytes: number) => void): Promise<Uint8Array> {
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
      take(chunk.length);
      chunks.push(chunk);
    }
    return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
  }

  #end(): void {
    this.#ended = true;
    this.release();
  }

  /**
   * One timer for the whole body, set again only when it fires. Time in which the registry is busy with
   * what came, and does not wait for the client, is not the client's fault.
   */
  #watch(): void {
    if (this.#stopWatching !== undefined) return;
    const check = () => {
      const isWaiting = this.#reject !== undefined;
      const since = isWaiting ? this.#waitingSince : this.#timer.now();
      const left = since + LIMITS.stallMs - this.#timer.now();
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
