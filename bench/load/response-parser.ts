// One HTTP/1.1 response after another on one connection: status line, headers, and a body by
// Content-Length or in chunks. Written to cost little, since the load shares a machine with the
// server that it measures. Knows no sockets and never has two requests in flight.

export interface Expectation {
  /** A HEAD request: the announced length is not followed by a body. */
  readonly headOnly: boolean;
  /** Keep the body's bytes; otherwise they are only counted. */
  readonly keep: boolean;
}

const CR_LF_CR_LF = Buffer.from('\r\n\r\n');
const MAX_HEAD_BYTES = 64 * 1024;

type State =
  | 'head'
  | 'length'
  | 'chunk-size'
  | 'chunk-data'
  | 'chunk-end'
  | 'trailer'
  | 'until-close';

export class ResponseParser {
  status = 0;
  /** The lines of the head as they came, for `headerOf`. */
  head = '';
  /** Bytes of the body that arrived. */
  received = 0;
  /** The server will close the connection after this response. */
  closes = false;
  /** The length that the head announced, -1 when it announced none. */
  announced = -1;
  #state: State = 'head';
  #left = 0;
  #pending: Buffer | undefined;
  #kept: Uint8Array[] = [];
  #expectation: Expectation = { headOnly: false, keep: false };

  /** Makes the parser ready for the next response. */
  begin(expectation: Expectation): void {
    this.#expectation = expectation;
    this.#state = 'head';
    this.status = 0;
    this.received = 0;
    this.announced = -1;
    this.#pending = undefined;
    if (this.#kept.length > 0) this.#kept = [];
  }

  /** Takes bytes from the connection. True: the response is complete. */
  feed(bytes: Buffer): boolean {
    if (this.#state === 'length') return this.#feedLength(bytes, 0);
    const data = this.#pending === undefined ? bytes : Buffer.concat([this.#pending, bytes]);
    this.#pending = undefined;
    let at = 0;
    if (this.#state === 'head') {
      const end = data.indexOf(CR_LF_CR_LF);
      if (end === -1) {
        if (data.length > MAX_HEAD_BYTES) throw new Error('the head of the response is too long');
        this.#pending = data;
        return false;
      }
      at = end + 4;
      this.#state = this.#readHead(data.toString('latin1', 0, end + 2));
      if (this.#state === 'head') return this.feed(data.subarray(at)); // an interim 1xx response
      if (this.#state === 'length') return this.#feedLength(data, at);
    }
    if (this.#state === 'until-close') {
      this.#take(data.subarray(at));
      return false;
    }
    return this.#feedChunks(data, at);
  }

  /** The connection was closed by the server. True: that was the end of a response. */
  end(): boolean {
    return this.#state === 'until-close';
  }

  body(): Buffer {
    return Buffer.concat(this.#kept);
  }

  /** Reads a head and says what follows it. */
  #readHead(head: string): State {
    const status = Number(head.slice(9, 12));
    if (!head.startsWith('HTTP/1.') || !(status >= 100))
      throw new Error('that is no HTTP response');
    if (status < 200) return 'head';
    this.status = status;
    this.head = head;
    const length = headerOf(head, 'content-length');
    this.announced = length === undefined ? -1 : Number(length);
    this.closes = headerOf(head, 'connection')?.toLowerCase() === 'close';
    const noBody = this.#expectation.headOnly || status === 204 || status === 304;
    if (noBody || length !== undefined) {
      this.#left = noBody ? 0 : this.announced;
      return 'length';
    }
    return headerOf(head, 'transfer-encoding') === 'chunked' ? 'chunk-size' : 'until-close';
  }

  #feedLength(data: Buffer, at: number): boolean {
    const count = data.length - at;
    if (count > this.#left) throw new Error('the server sent more bytes than it announced');
    this.#left -= count;
    if (count > 0) this.#take(at === 0 ? data : data.subarray(at));
    return this.#left === 0;
  }

  #feedChunks(data: Buffer, start: number): boolean {
    let at = start;
    while (at < data.length) {
      if (this.#state === 'chunk-data') {
        const end = Math.min(data.length, at + this.#left);
        this.#take(data.subarray(at, end));
        this.#left -= end - at;
        at = end;
        if (this.#left === 0) this.#state = 'chunk-end';
        continue;
      }
      const lineEnd = data.indexOf('\r\n', at);
      if (lineEnd === -1) break;
      const line = data.toString('latin1', at, lineEnd);
      at = lineEnd + 2;
      if (this.#state === 'trailer') {
        if (line === '') return true;
      } else if (this.#state === 'chunk-end') {
        this.#state = 'chunk-size';
      } else {
        this.#left = Number.parseInt(line, 16);
        if (!(this.#left >= 0)) throw new Error('the server sent a chunk without a size');
        this.#state = this.#left === 0 ? 'trailer' : 'chunk-data';
      }
    }
    if (at < data.length) this.#pending = data.subarray(at);
    return false;
  }

  #take(bytes: Buffer): void {
    this.received += bytes.length;
    if (this.#expectation.keep) this.#kept.push(bytes);
  }
}

/** The first value of a header in a head, or undefined. `name` is in lower case. */
export function headerOf(head: string, name: string): string | undefined {
  for (let start = head.indexOf('\n') + 1; start > 0; ) {
    const lineEnd = head.indexOf('\r\n', start);
    const end = lineEnd === -1 ? head.length : lineEnd;
    if (head.charCodeAt(start + name.length) === 58 && sameName(head, start, name)) {
      return head.slice(start + name.length + 1, end).trim();
    }
    if (lineEnd === -1) return undefined;
    start = lineEnd + 2;
  }
  return undefined;
}

function sameName(head: string, start: number, name: string): boolean {
  for (let index = 0; index < name.length; index++) {
    const code = head.charCodeAt(start + index);
    const lower = code >= 65 && code <= 90 ? code + 32 : code;
    if (lower !== name.charCodeAt(index)) return false;
  }
  return true;
}
