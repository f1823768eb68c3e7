// A request as handlers see it: parsed once, no socket, no runtime. Tests make one by hand.
import type { Principal } from '../access/principal.ts';
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
  readonly principal: Principal;
  /** The address of the client itself, also behind a trusted proxy. */
  client(): string;
}
