// A request as handlers see it: parsed once, no socket, no runtime. Tests make one by hand.
import type { RequestBody } from './request-body.ts';

export interface Incoming {
  readonly id: string;
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  /** As it was sent, still percent-encoded, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Headers;
  readonly body: RequestBody;
  /** The address of the client itself, also behind a trusted proxy. */
  client(): string;
  /** Scheme, host and port as the client knows them, such as `https://registry.example.com`. */
  origin(): string;
}
