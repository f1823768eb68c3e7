// The HTTP server. The only file that knows `Bun.serve`.
//
// Facts that shape it (see docs/decisions/0004): Bun answers Range and adds a file name by itself for a
// whole `Bun.file`, so a slice and our own headers are always given; its limits for bodies and idle
// connections are far too small for layers; `reload()` does not take a new certificate. The rest of a
// body that nobody has read it takes off the wire itself once the answer is on its way, keeping nothing.
import http from 'node:http';
import type { AddressSet } from '../access/address-set.ts';
import { RegistryError } from '../oci/errors.ts';
import { LIMITS } from '../oci/limits.ts';
import { type AnswerParts, answer } from './answer.ts';
import { clientAddress } from './client-address.ts';
import { publicOrigin } from './public-origin.ts';
import { errorReply, type Reply } from './reply.ts';
import { REAL_TIMER, RequestBody, streamedBody, type Timer, wholeBody } from './request-body.ts';

export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

export interface HostOptions {
  readonly hostname: string;
  readonly port: number;
  readonly certificate: Certificate | undefined;
  readonly trusted: AddressSet;
  /** Where clients reach it, as configured; undefined = as each request says. */
  readonly url?: string | undefined;
  /** Requests wait for it, when the server has something to do between listening and answering. */
  readonly answersAfter?: Promise<void>;
  readonly answer: AnswerParts;
  /** Default: real time. */
  readonly timer?: Timer;
}

export interface Host {
  readonly port: number;
  /** New connections get the new certificate; running requests end on the old one. */
  renewCertificate(certificate: Certificate): void;
  /** Refuses new connections, lets running requests end, but no longer than `graceMs`. */
  stop(graceMs: number): Promise<void>;
}

/** Seconds without a byte in either direction; Bun allows no more. Uploads have their own watch. */
const IDLE_SECONDS = 255;

/**
 * Bytes of a request's head. More is refused by the runtime with an empty 431: so it must be more than
 * the longest address that is understood, or that address would be refused without a reason.
 */
const HEAD_BYTES = 2 * LIMITS.urlLength;

/** @throws Error with `code` EADDRINUSE or EACCES when it cannot listen. */
export function startHost(options: HostOptions): Host {
  const newId = requestIds();
  const timer = options.timer ?? REAL_TIMER;
  // Types of Node say that it is read-only; in Bun it sets what every server of the process accepts.
  (http as { maxHeaderSize: number }).maxHeaderSize = HEAD_BYTES;
  let answersAfter = options.answersAfter;
  void answersAfter?.then(() => {
    answersAfter = undefined;
  });
  const listen = (certificate: Certificate | undefined, port: number) =>
    Bun.serve({
      hostname: options.hostname,
      port,
      // So that a listener with a renewed certificate can stand beside the one that drains.
      reusePort: certificate !== undefined,
      ...(certificate && { tls: { cert: certificate.cert, key: certificate.key } }),
      // The handlers bound what they read; a layer has no limit.
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
      idleTimeout: IDLE_SECONDS,
      fetch: (request, server) => handle(request, server),
      error: (error) => {
        const fault = new RegistryError('INTERNAL', undefined, undefined, { cause: error });
        options.answer.log.fault(fault, { id: '-', method: '-', path: '-' });
        return toResponse(errorReply(fault, '-', { Connection: 'close' }));
      },
    });

  async function handle(request: Request, server: Bun.Server<undefined>): Promise<Response> {
    if (answersAfter !== undefined) await answersAfter;
    const { method, headers } = request;
    const body = bodyOfRequest(request, timer);
    const hasBody = body.length !== 0;
    if (hasBody) server.timeout(request, 0);
    // The socket is asked only when somebody writes the address down.
    const client = () =>
      clientAddress(server.requestIP(request)?.address ?? '', headers, options.trusted);
    const origin = () =>
      publicOrigin({
        url: options.url,
        isTls: options.certificate !== undefined,
        headers,
        isFromProxy: () => options.trusted(server.requestIP(request)?.address ?? ''),
      });
    const target = targetOf(request.url);
    const raw = { id: newId(), method, target, headers, body, client, origin };
    const reply = await answer(options.answer, raw);
    // It holds for the connection and not for the request: one kept open for the next is idle again.
    if (hasBody) server.timeout(request, IDLE_SECONDS);
    return toResponse(reply, request);
  }

  /** Listeners with an older certificate, whose running requests end in peace. */
  const draining = new Map<Bun.Server<undefined>, Promise<void>>();
  let current = listen(options.certificate, options.port);
  const port = current.port as number;
  return {
    port,
    renewCertificate(certificate) {
      const old = current;
      current = listen(certificate, port);
      const drained = old.stop().finally(() => draining.delete(old));
      draining.set(old, drained);
    },
    async stop(graceMs) {
      const all = [...draining.keys(), current];
      const deadline = setTimeout(() => {
        for (const server of all) void server.stop(true);
      }, graceMs);
      await Promise.all([...draining.values(), current.stop()]);
      clearTimeout(deadline);
    },
  };
}

function bodyOfRequest(request: Request, timer: Timer): RequestBody {
  // Nothing that reads has a use for a body; the runtime passes over one that is sent.
  if (request.method === 'GET' || request.method === 'HEAD')
    return new RequestBody(undefined, { length: 0, timer });
  const announced = request.headers.get('content-length');
  const length = announced === null ? undefined : Number(announced);
  // Asking for `request.body` makes a stream, which costs as much as the rest of a small request.
  if (length === 0 || (length === undefined && !request.headers.has('transfer-encoding'))) {
    return new RequestBody(undefined, { length: 0, timer });
  }
  if (length !== undefined && length <= LIMITS.smallBlobBytes) {
    return new RequestBody(
      wholeBody(() => request.bytes()),
      { length, timer },
    );
  }
  const { body } = request;
  return new RequestBody(body === null ? undefined : streamedBody(body), { length, timer });
}

/** Path and query of `http://host/path?query`; HTTP/1.0 without Host gives the path alone. */
function targetOf(url: string): string {
  if (url.startsWith('/')) return url;
  const start = url.indexOf('/', url.indexOf('://') + 3);
  return start < 0 ? '/' : url.slice(start);
}

function requestIds(): () => string {
  const prefix = crypto.randomUUID().slice(0, 8);
  let count = 0;
  return () => `${prefix}-${(++count).toString(36)}`;
}

function toResponse(reply: Reply, request?: Request): Response {
  const { status, headers, length } = reply;
  const isHead = request?.method === 'HEAD';
  if (isHead || reply.body.kind === 'empty') {
    // Only HEAD needs the length of what it leaves away. It is that of the 200 it stands for, so a 204
    // has none, and with a 304 a length of 0 would tell a cache that its copy is empty (RFC 9110 §8.6).
    const isMeasured = isHead && status !== 204 && status !== 304;
    const all = isMeasured ? { ...headers, 'Content-Length': String(length) } : headers;
    return new Response(null, { status, headers: all });
  }
  if (reply.body.kind === 'file' && status === 200 && request?.headers.has('range')) {
    // Of two Range lines Bun would serve the first by itself, after our decision to send the whole.
    // It leaves an answer alone that has a Content-Range, which means nothing beside a 200.
    const whole = `bytes 0-${length - 1}/${length}`;
    return new Response(bodyOf(reply), { status, headers: { ...headers, 'Content-Range': whole } });
  }
  return new Response(bodyOf(reply), { status, headers });
}

function bodyOf({ body }: Reply): ConstructorParameters<typeof Response>[0] {
  if (body.kind === 'bytes') return body.bytes as Uint8Array<ArrayBuffer> | string;
  if (body.kind === 'stream') return body.stream;
  if (body.kind === 'empty') return null;
  const file = Bun.file(body.path);
  return body.range === undefined ? file : file.slice(body.range.start, body.range.end + 1);
}
