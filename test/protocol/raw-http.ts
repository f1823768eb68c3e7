// HTTP/1.1 written by hand on a socket: for what `fetch` hides or refuses to send. Knows nothing of the
// registry. Whoever opens a connection closes it.
import type { Socket } from 'bun';

export interface RawAnswer {
  readonly status: number;
  /** Lower-case names; a header that came twice is joined with a comma. */
  readonly headers: ReadonlyMap<string, string>;
  /** Each header line as it came. */
  readonly lines: readonly string[];
  readonly body: Uint8Array;
}

/** Longest wait for anything: a test that hangs says where. */
const PATIENCE_MS = 20_000;
const CRLF = Buffer.from('\r\n');

export class RawConnection {
  #socket: Socket<undefined> | undefined;
  #received: Buffer = Buffer.alloc(0);
  #unsent: Buffer[] = [];
  #isClosed = false;
  #wake: (() => void)[] = [];

  static async open(port: number): Promise<RawConnection> {
    const connection = new RawConnection();
    connection.#socket = await Bun.connect({
      hostname: '127.0.0.1',
      port,
      // A connection that the server has shut on its side may still be written to by a careless client.
      allowHalfOpen: false,
      socket: {
        data: (_socket, chunk) => {
          connection.#received = Buffer.concat([connection.#received, chunk]);
          connection.#changed();
        },
        drain: () => connection.#push(),
        close: () => connection.#ended(),
        error: () => connection.#ended(),
        end: () => connection.#ended(),
      },
    });
    return connection;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Bytes received and not yet read as an answer. */
  get pending(): number {
    return this.#received.length;
  }

  /** Resolves when the bytes are with the system, or the connection is gone. */
  async send(data: string | Uint8Array): Promise<void> {
    this.#unsent.push(Buffer.from(data as string));
    this.#push();
    await this.#until(() => this.#unsent.length === 0 || this.#isClosed, 'the bytes to be sent');
  }

  /** The next answer. `isHead`: its length is announced and no body follows. */
  async answer({ isHead = false } = {}): Promise<RawAnswer> {
    const end = await this.#find('\r\n\r\n');
    const [first = '', ...lines] = this.#take(end + 4)
      .toString('latin1')
      .trim()
      .split('\r\n');
    const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(first)?.[1]);
    const headers = new Map<string, string>();
    for (const line of lines) {
      const colon = line.indexOf(':');
      const name = line.slice(0, colon).toLowerCase();
      const value = line.slice(colon + 1).trim();
      headers.set(name, headers.has(name) ? `${headers.get(name)}, ${value}` : value);
    }
    const isBodiless = isHead || status === 204 || status === 304 || status < 200;
    const body = isBodiless ? new Uint8Array() : await this.#body(headers);
    return { status, headers, lines, body };
  }

  /** Resolves when anything has come. */
  async someBytes(): Promise<void> {
    await this.#until(() => this.pending > 0 || this.#isClosed, 'the first bytes');
  }

  /** Resolves when the server has closed the connection. */
  async closed(): Promise<void> {
    await this.#until(() => this.#isClosed, 'the connection to be closed');
  }

  /** Reads nothing more: the buffers on the way fill, and the server must wait. */
  pause(): void {
    this.#socket?.pause();
  }

  /** Sends what is left and closes, as a client does that has finished. */
  end(): void {
    this.#socket?.end();
  }

  /** Cuts the connection, as a client does that dies. */
  cut(): void {
    this.#socket?.terminate();
    this.#ended();
  }

  async #body(headers: ReadonlyMap<string, string>): Promise<Uint8Array> {
    const length = headers.get('content-length');
    if (length !== undefined) return this.#exactly(Number(length));
    if (headers.get('transfer-encoding') !== 'chunked') {
      await this.closed();
      return this.#take(this.#received.length);
    }
    const chunks: Uint8Array[] = [];
    for (;;) {
      const end = await this.#find('\r\n');
      const size = Number.parseInt(this.#take(end + 2).toString('latin1'), 16);
      const chunk = await this.#exactly(size + 2);
      if (size === 0) return Buffer.concat(chunks);
      chunks.push(chunk.subarray(0, size));
    }
  }

  async #exactly(length: number): Promise<Uint8Array> {
    await this.#until(() => this.#received.length >= length || this.#isClosed, `${length} bytes`);
    if (this.#received.length < length) throw new Error('the connection ended inside an answer');
    return this.#take(length);
  }

  async #find(mark: string): Promise<number> {
    await this.#until(() => this.#received.includes(mark) || this.#isClosed, 'an answer');
    const at = this.#received.indexOf(mark);
    if (at < 0) throw new Error('the connection ended without an answer');
    return at;
  }

  #take(length: number): Buffer {
    const taken = this.#received.subarray(0, length);
    this.#received = this.#received.subarray(length);
    return taken;
  }

  #push(): void {
    for (;;) {
      const [first] = this.#unsent;
      if (first === undefined || this.#socket === undefined || this.#isClosed) break;
      const written = this.#socket.write(first);
      if (written < 0) {
        this.#ended();
        return;
      }
      if (written < first.length) {
        this.#unsent[0] = first.subarray(written);
        return;
      }
      this.#unsent.shift();
    }
    this.#changed();
  }

  #ended(): void {
    this.#isClosed = true;
    this.#changed();
  }

  #changed(): void {
    const waiting = this.#wake;
    this.#wake = [];
    for (const wake of waiting) wake();
  }

  async #until(holds: () => boolean, what: string): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS;
    while (!holds()) {
      const left = deadline - performance.now();
      if (left <= 0) throw new Error(`waited ${PATIENCE_MS} ms for ${what}`);
      const timer = Promise.withResolvers<void>();
      const handle = setTimeout(timer.resolve, left);
      this.#wake.push(timer.resolve);
      await timer.promise;
      clearTimeout(handle);
    }
  }
}

export interface RawRequest {
  readonly method: string;
  readonly target: string;
  /** Lines without their end, such as `Range: bytes=0-1`. */
  readonly headers?: readonly string[];
  readonly body?: string | Uint8Array;
  /** Default: the length of the body, when there is one. */
  readonly length?: number | 'none';
}

/** The bytes of a request head, with Host. */
export function requestHead(request: RawRequest): Buffer {
  const { method, target, headers = [], body, length } = request;
  const announced = length ?? (body === undefined ? 'none' : Buffer.byteLength(body));
  const lines = [`${method} ${target} HTTP/1.1`, 'Host: registry.test', ...headers];
  if (announced !== 'none') lines.push(`Content-Length: ${announced}`);
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
}

/** One request on a connection of its own. */
export async function rawRequest(port: number, request: RawRequest): Promise<RawAnswer> {
  const connection = await RawConnection.open(port);
  try {
    const head = requestHead(request);
    const body = Buffer.from((request.body ?? '') as string);
    await connection.send(Buffer.concat([head, body]));
    return await connection.answer({ isHead: request.method === 'HEAD' });
  } finally {
    connection.cut();
  }
}

/** One piece of a body in `Transfer-Encoding: chunked`; empty = the end. */
export function chunk(data: string | Uint8Array): Buffer {
  const bytes = Buffer.from(data as string);
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, CRLF]);
}
