// What a handler returns: plain data. The host turns it into bytes on the wire, in one place.
import { type BlobFault, BlobStoreError } from '../blobs/blob-store.ts';
import { type ErrorCode, RegistryError } from '../oci/errors.ts';
import { ERROR_STATUS } from './error-status.ts';

export type ReplyBody =
  | { readonly kind: 'empty' }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array | string }
  | {
      readonly kind: 'file';
      readonly path: string;
      /** Inclusive on both ends; undefined = the whole file. */
      readonly range: { readonly start: number; readonly end: number } | undefined;
    }
  | { readonly kind: 'stream'; readonly stream: ReadableStream<Uint8Array> };

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: ReplyBody;
  /** Bytes of the body: also for HEAD, where the body itself is not sent. */
  readonly length: number;
}

const EMPTY: ReplyBody = { kind: 'empty' };

export function emptyReply(status: number, headers: Readonly<Record<string, string>>): Reply {
  return { status, headers, body: EMPTY, length: 0 };
}

export function bytesReply(
  status: number,
  headers: Readonly<Record<string, string>>,
  bytes: Uint8Array | string,
): Reply {
  const length = typeof bytes === 'string' ? Buffer.byteLength(bytes) : bytes.length;
  return { status, headers, body: { kind: 'bytes', bytes }, length };
}

export function jsonReply(
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): Reply {
  const all = { 'Content-Type': 'application/json', ...headers };
  return bytesReply(status, all, JSON.stringify(value));
}

const STORAGE_CODES = {
  absent: 'STORAGE_FAILED',
  exists: 'STORAGE_FAILED',
  full: 'STORAGE_FULL',
  denied: 'STORAGE_FAILED',
  failed: 'STORAGE_FAILED',
  // A newer request has taken the upload over while this one was writing.
  superseded: 'RANGE_INVALID',
} as const satisfies Record<BlobFault, ErrorCode>;

/** Any error as one of the registry's own: what a client may hear. */
export function asRegistryError(error: unknown): RegistryError {
  if (error instanceof RegistryError) return error;
  if (error instanceof BlobStoreError) {
    return new RegistryError(STORAGE_CODES[error.fault], undefined, undefined, { cause: error });
  }
  return new RegistryError('INTERNAL', undefined, undefined, { cause: error });
}

/** Seconds after which a client should try again, for errors that pass. */
const RETRY_AFTER: Readonly<Partial<Record<RegistryError['code'], string>>> = {
  TOOMANYREQUESTS: '1',
  UNAVAILABLE: '2',
};

/** As the error itself knows it, else what is usual for its code. */
function retryAfterOf({ code, detail }: RegistryError): string | undefined {
  const known = detail?.retryAfterSeconds;
  return typeof known === 'number' ? String(Math.ceil(known)) : RETRY_AFTER[code];
}

/** The OCI form of an error. The cause stays here; the request id lets an operator find it. */
export function errorReply(
  error: RegistryError,
  requestId: string,
  headers: Readonly<Record<string, string>> = {},
): Reply {
  const { code, message, detail } = error;
  const all: Record<string, string> = { ...headers };
  const retryAfter = retryAfterOf(error);
  if (retryAfter !== undefined) all['Retry-After'] = retryAfter;
  const body = { errors: [{ code, message, detail: { ...detail, requestId } }] };
  return jsonReply(ERROR_STATUS[code], body, all);
}

/** An error with headers that belong to it, such as `Allow` or the place where an upload stands. */
export class ErrorWithHeaders extends Error {
  readonly error: RegistryError;
  readonly headers: Readonly<Record<string, string>>;
  constructor(error: RegistryError, headers: Readonly<Record<string, string>>) {
    super(error.message, { cause: error });
    this.error = error;
    this.headers = headers;
  }
}

/** RFC 9110 §15.5.6: a 405 says what is possible. */
export function notAllowed(method: string, allowed: readonly string[]): ErrorWithHeaders {
  const error = new RegistryError(
    'UNSUPPORTED',
    `${method} is not possible here; possible is ${allowed.join(', ')}.`,
  );
  return new ErrorWithHeaders(error, { Allow: allowed.join(', ') });
}
