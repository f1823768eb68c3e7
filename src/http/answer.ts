// From a request to its reply: routing between the parts of the HTTP surface, errors, the headers that
// all share, metrics and the access log. Knows nothing of the runtime's server.
import { RegistryError } from '../oci/errors.ts';
import type { ApiParts } from './api/api-parts.ts';
import { frontPage } from './front-page.ts';
import type { Incoming } from './incoming.ts';
import type { RequestObservation } from './metrics.ts';
import { type OperateParts, operate } from './operate.ts';
import { asRegistryError, ErrorWithHeaders, errorReply, type Reply } from './reply.ts';
import { ClientGoneError, type RequestBody } from './request-body.ts';
import { answerKeys, answerToken, type TokenParts } from './token/token-service.ts';
import { dispatchV2 } from './v2/dispatch.ts';
import type { V2Parts } from './v2/parts.ts';

export interface AnswerParts {
  readonly v2: V2Parts;
  readonly token: TokenParts;
  readonly api: ApiParts;
  readonly operate: OperateParts;
  /** Before everything but `/v2/`: '' or such as `/registry`. */
  readonly pathPrefix: string;
  /** Health and metrics and nothing else, for a listener of their own. */
  readonly isForOperators?: boolean;
  observe(observation: RequestObservation): void;
  log: RequestLog;
}

export interface RequestLog {
  /** One line a request. */
  access(line: AccessLine): void;
  /** A fault of the registry itself, with its cause. */
  fault(error: RegistryError, request: { id: string; method: string; path: string }): void;
}

export interface AccessLine extends RequestObservation {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  /** Looked up only when it is written down. */
  client(): string;
  userAgent(): string | null;
  readonly code: string | undefined;
}

/** The raw request, as the host reads it off the wire. */
export interface RawRequest {
  readonly id: string;
  readonly method: string;
  /** Path and query, as they were sent. */
  readonly target: string;
  readonly headers: Headers;
  readonly body: RequestBody;
  client(): string;
  origin(): string;
}

/** On every reply of `/v2/`: the media type of a body is the pusher's choice, so no browser may act on it. */
const V2_HEADERS = {
  'Docker-Distribution-API-Version': 'registry/2.0',
  'X-Content-Type-Options': 'nosniff',
  'Content-Security-Policy': "sandbox; default-src 'none'",
  'Content-Disposition': 'attachment',
} as const;

/** On every other reply: what is for one person is kept by nobody, and no page may frame or run it. */
const SECURITY_HEADERS = {
  'X-Content-Type-Options': 'nosniff',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-store',
} as const;

/** A year: browsers come by https from now on. */
const HTTPS_ONLY = { 'Strict-Transport-Security': 'max-age=31536000' } as const;

const NO_QUERY = new URLSearchParams();

/** As it is written in logs since nginx: nobody reads this answer. */
const CLIENT_GONE = 499;

export async function answer(parts: AnswerParts, raw: RawRequest): Promise<Reply> {
  const started = performance.now();
  const mark = raw.target.indexOf('?');
  const path = mark < 0 ? raw.target : raw.target.slice(0, mark);
  const query = mark < 0 ? NO_QUERY : new URLSearchParams(raw.target.slice(mark + 1));
  const { id, method, headers, body, client, origin } = raw;
  const request: Incoming = {
    id,
    method,
    target: raw.target,
    path,
    query,
    headers,
    body,
    client,
    origin,
  };
  const progress: Progress = { operation: 'other', error: undefined };
  const inner = await reply(parts, request, progress);
  body.release();
  const isV2 = path === '/v2' || path.startsWith('/v2/');
  const shared: Record<string, string> = {
    ...(isV2 ? V2_HEADERS : SECURITY_HEADERS),
    ...(!isV2 && origin().startsWith('https:') && HTTPS_ONLY),
    'X-Request-Id': id,
  };
  // The host reads on behind the answer to a refused body: a client that is still sending must be able
  // to read it, and sees a broken pipe when the connection ends at once (client behaviour 30).
  if (body.isGivenUp) shared.Connection = 'close';
  const observation = {
    operation: progress.operation,
    status: inner.status,
    seconds: (performance.now() - started) / 1000,
    bytesReceived: body.received,
    bytesSent: method === 'HEAD' || inner.status === CLIENT_GONE ? 0 : inner.length,
  };
  parts.observe(observation);
  parts.log.access({
    ...observation,
    id,
    method,
    path,
    client,
    userAgent: () => headers.get('user-agent'),
    code: progress.error?.code,
  });
  return { ...inner, headers: { ...shared, ...inner.headers } };
}

interface Progress {
  operation: string;
  error: RegistryError | undefined;
}

async function reply(parts: AnswerParts, request: Incoming, progress: Progress): Promise<Reply> {
  try {
    const { path } = request;
    const isForOperators = parts.isForOperators === true;
    if (!isForOperators && (path === '/v2' || path.startsWith('/v2/'))) {
      return await dispatchV2(request, parts.v2, (name) => {
        progress.operation = name;
      });
    }
    const inner = path.startsWith(`${parts.pathPrefix}/`)
      ? path.slice(parts.pathPrefix.length)
      : '';
    const found =
      (await operated(parts, { request, inner })) ??
      (isForOperators ? undefined : await served(parts, { request, inner, progress }));
    if (found === undefined) {
      throw new RegistryError(
        'NAME_UNKNOWN',
        'Nothing is served here. The registry answers under /v2/.',
      );
    }
    progress.operation = found.operation;
    return found.reply;
  } catch (error) {
    return refusal(parts, { request, progress, error });
  }
}

interface Operated {
  readonly operation: string;
  readonly reply: Reply;
}

function operated(
  parts: AnswerParts,
  { request, inner }: { request: Incoming; inner: string },
): Promise<Operated | undefined> {
  return operate(request, {
    path: inner,
    parts: parts.operate,
    explain: (cause) =>
      parts.log.fault(new RegistryError('UNAVAILABLE', undefined, undefined, { cause }), request),
  });
}

/** What is neither `/v2/` nor for operators. @returns undefined when there is nothing. */
async function served(
  parts: AnswerParts,
  { request, inner, progress }: { request: Incoming; inner: string; progress: Progress },
): Promise<Operated | undefined> {
  // Named before it runs: one that fails is counted as what it was.
  const named = async (operation: string, reply: Promise<Reply>): Promise<Operated> => {
    progress.operation = operation;
    return { operation, reply: await reply };
  };
  if (inner === '/token') return named('token', answerToken(request, parts.token));
  if (inner === '/.well-known/jwks.json') return named('keys', answerKeys(request, parts.token));
  const asked = { path: inner, parts: parts.api };
  // Loaded with the first request: a registry whose API nobody uses does without it.
  if (inner.startsWith('/api/')) {
    const { answerApi } = await import('./api/answer-api.ts');
    return named('api', answerApi(request, asked));
  }
  if (inner.startsWith('/auth/')) {
    const { answerAuth } = await import('./sign-in/answer-auth.ts');
    return named('sign-in', answerAuth(request, asked));
  }
  if (inner !== '/' || !['GET', 'HEAD'].includes(request.method)) return undefined;
  return { operation: 'page', reply: frontPage() };
}

function refusal(
  parts: AnswerParts,
  failed: { request: Incoming; progress: Progress; error: unknown },
): Reply {
  const { request, progress, error: thrown } = failed;
  const isGone = thrown instanceof ClientGoneError;
  const withHeaders = thrown instanceof ErrorWithHeaders ? thrown : undefined;
  const error = isGone
    ? new RegistryError('REQUEST_INVALID', 'The client went away.')
    : asRegistryError(withHeaders?.error ?? thrown);
  progress.error = error;
  const answer = errorReply(error, request.id, withHeaders?.headers);
  if (isGone) return { ...answer, status: CLIENT_GONE };
  if (answer.status >= 500) parts.log.fault(error, request);
  return answer;
}
