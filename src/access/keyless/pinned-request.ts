// One request over HTTP to one address that was looked at before. The name is not resolved again: it only
// goes into the Host header and is what the certificate must be for. Follows nothing, holds no connection.
import { type ClientRequest, type IncomingMessage, request as plainRequest } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';

export interface PinnedRequest {
  readonly url: URL;
  readonly address: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array | undefined;
  /** Bytes of the reply's body; more is an error. */
  readonly limitBytes: number;
  readonly signal: AbortSignal;
  /** Certificates (PEM) to trust; undefined = those of the runtime. */
  readonly ca: readonly string[] | undefined;
}

export interface FetchReply {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export class ReplyTooLargeError extends Error {}

export function pinnedRequest(pinned: PinnedRequest): Promise<FetchReply> {
  return new Promise((resolve, reject) => {
    const sent = open(pinned, (reply) => {
      collect(reply, pinned.limitBytes).then(resolve, (error) => {
        reject(error);
        sent.destroy();
      });
    });
    const abort = () => {
      reject(pinned.signal.reason);
      sent.destroy();
    };
    if (pinned.signal.aborted) return abort();
    pinned.signal.addEventListener('abort', abort, { once: true });
    sent.on('close', () => pinned.signal.removeEventListener('abort', abort));
    sent.on('error', reject);
    sent.end(pinned.body);
  });
}

function open(pinned: PinnedRequest, answered: (reply: IncomingMessage) => void): ClientRequest {
  const { url, address, method, headers, body, ca } = pinned;
  const family = isIP(address);
  const lookup: LookupFunction = (_host, options, done) => {
    if (options.all === true) done(null, [{ address, family }]);
    else done(null, address, family);
  };
  const options = {
    method,
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    ...(url.port !== '' && { port: Number(url.port) }),
    path: `${url.pathname}${url.search}`,
    headers: {
      ...headers,
      ...(body !== undefined && { 'content-length': String(Buffer.byteLength(body)) }),
      // What a compressed body becomes is not bounded by what was received.
      'accept-encoding': 'identity',
      connection: 'close',
    },
    // A connection from a pool may lead elsewhere.
    agent: false as const,
    lookup,
  };
  return url.protocol === 'https:'
    ? tlsRequest({ ...options, ...(ca !== undefined && { ca: [...ca] }) }, answered)
    : plainRequest(options, answered);
}

async function collect(reply: IncomingMessage, limitBytes: number): Promise<FetchReply> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of reply as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength;
    if (size > limitBytes) throw new ReplyTooLargeError();
    chunks.push(chunk);
  }
  // A connection that broke in the middle ends the stream too.
  if (!reply.complete) throw new Error('the reply was cut short');
  const headers = Object.entries(reply.headers).map(
    ([name, value]) => [name, Array.isArray(value) ? value.join(', ') : (value ?? '')] as const,
  );
  return {
    status: reply.statusCode ?? 0,
    headers: Object.fromEntries(headers),
    body: Buffer.concat(chunks),
  };
}
