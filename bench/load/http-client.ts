// Keep-alive connections for the load: one request in flight each, heads formatted beforehand,
// bodies sent from memory at the pace that the server takes them. It opens a connection again when
// the server has closed it between two requests. Knows nothing of registries.
import type { Socket } from 'bun';
import { headerOf, ResponseParser } from './response-parser.ts';

export interface Endpoint {
  readonly hostname: string;
  readonly port: number;
}

/** A request that can be sent any number of times. */
export interface PreparedRequest {
  readonly head: Uint8Array;
  readonly headOnly: boolean;
}

export interface Answer {
  readonly status: number;
  /** Bytes of the body that arrived (for HEAD: none). */
  readonly received: number;
  /** The announced Content-Length, -1 when there was none. */
  readonly announced: number;
  /** The body, when it was asked for; else empty. */
  readonly body: Uint8Array;
  header(name: string): string | undefined;
}

export interface SendOptions {
  readonly body?: Uint8Array;
  readonly keep?: boolean;
  readonly timeoutMilliseconds?: number;
}

const NOTHING = new Uint8Array(0);
/** A thousand clients that share one server wait long for 50 MB each. */
const DEFAULT_TIMEOUT_MS = 300_000;

/** Formats a request's head once. `length` is announced when the method carries a body. */
export function prepareRequest(
  endpoint: Endpoint,
  request: {
    readonly method: string;
    readonly target: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly length?: number;
  },
): PreparedRequest {
  const lines = [
    `${request.method} ${request.target} HTTP/1.1`,
    `Host: ${endpoint.hostname}:${endpoint.port}`,
    ...Object.entries(request.headers ?? {}).map(([name, value]) => `${name}: ${value}`),
  ];
  if (request.length !== undefined) lines.push(`Content-Length: ${request.length}`);
  return {
    head: Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'),
    headOnly: request.method === 'HEAD',
  };
}

export class Connection {
  readonly endpoint: Endpoint;
  readonly #parser = new ResponseParser();
  #socket: Socket<Connection> | undefined;
  #waiting: { resolve(answer: Answer): void; reject(error: Error): void } | undefined;
  #keep = false;
  #unsent: Uint8Array = NOTHING;
  #next: Uint8Array = NOTHING;
  #timer: Timer | undefined;
  #deadline = 0;

  constructor(endpoint: Endpoint) {
    this.endpoint = endpoint;
  }

  /** Sends one request and waits for its whole answer. */
  async send(request: PreparedRequest, options?: SendOptions): Promise<Answer> {
    if (this.#waiting !== undefined) throw new Error('a request is already in flight');
    const socket = this.#socket ?? (await this.#open());
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    this.#waiting = { resolve, reject };
    this.#keep = options?.keep ?? false;
    this.#parser.begin({ headOnly: request.headOnly, keep: this.#keep });
    this.#armTimer(options?.timeoutMilliseconds ?? DEFAULT_TIMEOUT_MS);
    const body = options?.body ?? NOTHING;
    if (body.length > 0 && body.length <= 64 * 1024) {
      this.#write(socket, Buffer.concat([request.head, body]), NOTHING);
    } else {
      this.#write(socket, request.head, body);
    }
    return promise;
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.end();
  }

  /** One lazy timer a connection: starting one for each request would cost more than the request. */
  #armTimer(milliseconds: number): void {
    this.#deadline = performance.now() + milliseconds;
    this.#timer ??= setInterval(() => {
      if (this.#waiting !== undefined && performance.now() > this.#deadline) {
        this.#fail(new Error('the server did not answer in time'));
      }
    }, 1000);
    this.#timer.unref();
  }

  #open(): Promise<Socket<Connection>> {
    return Bun.connect<Connection>({
      hostname: this.endpoint.hostname,
      port: this.endpoint.port,
      data: this,
      socket: HANDLERS,
    }).then((socket) => {
      socket.setNoDelay(true);
      this.#socket = socket;
      return socket;
    });
  }

  #write(socket: Socket<Connection>, bytes: Uint8Array, next: Uint8Array): void {
    const written = Math.max(0, socket.write(bytes));
    if (written < bytes.length) {
      this.#unsent = bytes.subarray(written);
      this.#next = next;
    } else if (next.length > 0) {
      this.#write(socket, next, NOTHING);
    } else {
      this.#unsent = NOTHING;
      this.#next = NOTHING;
    }
  }

  drained(socket: Socket<Connection>): void {
    if (this.#unsent.length > 0) this.#write(socket, this.#unsent, this.#next);
  }

  received(socket: Socket<Connection>, bytes: Buffer): void {
    if (socket !== this.#socket) return;
    try {
      if (this.#waiting === undefined)
        throw new Error('the server sent bytes that nobody asked for');
      if (this.#parser.feed(bytes)) this.#finish();
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error(String(error)));
    }
  }

  closed(socket: Socket<Connection>): void {
    if (socket !== this.#socket) return;
    this.#socket = undefined;
    if (this.#waiting === undefined) return;
    if (this.#parser.end()) this.#finish();
    else this.#fail(new Error('the server closed the connection in the middle of a request'));
  }

  #finish(): void {
    const parser = this.#parser;
    const head = parser.head;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (parser.closes) this.close();
    waiting?.resolve({
      status: parser.status,
      received: parser.received,
      announced: parser.announced,
      body: this.#keep ? parser.body() : NOTHING,
      header: (name) => headerOf(head, name),
    });
  }

  #fail(error: Error): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    this.#unsent = NOTHING;
    const socket = this.#socket;
    this.close();
    socket?.terminate();
    waiting?.reject(error);
  }
}

const HANDLERS = {
  data(socket: Socket<Connection>, bytes: Buffer) {
    socket.data.received(socket, bytes);
  },
  drain(socket: Socket<Connection>) {
    socket.data.drained(socket);
  },
  close(socket: Socket<Connection>) {
    socket.data.closed(socket);
  },
  error(socket: Socket<Connection>) {
    socket.data.closed(socket);
  },
};
