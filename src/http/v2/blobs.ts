// `/v2/<name>/blobs/<digest>`
import { etagOf, ifMatchHolds, ifNoneMatchHolds, ifRangeHolds } from '../../oci/condition.ts';
import { RegistryError } from '../../oci/errors.ts';
import { parseRange } from '../../oci/range.ts';
import type { Route } from '../../oci/route.ts';
import { type OpenedBlob, openBlob, pullBlob } from '../../registry/pull.ts';
import { multipartBody } from '../multipart.ts';
import { ErrorWithHeaders, emptyReply, type Reply, type ReplyBody } from '../reply.ts';
import { namespaceHeader } from './namespace-header.ts';
import type { V2Parts } from './parts.ts';
import type { V2Request } from './request.ts';

type BlobRoute = Extract<Route, { kind: 'blob' }>;

/** Never encoded or changed on the way: the bytes are what their digest says (client behaviour 21). */
export async function getBlob(
  request: V2Request,
  route: BlobRoute,
  parts: V2Parts,
): Promise<Reply> {
  const { name: repository, digest } = route;
  const blob = await pullBlob(parts.pull, {
    repository,
    digest,
    isBrief: request.method === 'HEAD',
  });
  const etag = etagOf(digest);
  const headers: Record<string, string> = {
    'Content-Type': 'application/octet-stream',
    'Docker-Content-Digest': digest,
    ETag: etag,
    'Accept-Ranges': 'bytes',
    // What a digest names never changes.
    'Cache-Control': 'private, max-age=31536000, immutable',
    ...namespaceHeader(request),
  };
  if (!ifMatchHolds(request.headers.get('if-match'), etag)) {
    throw new RegistryError('PRECONDITION_FAILED', `This blob is ${etag}.`);
  }
  if (!ifNoneMatchHolds(request.headers.get('if-none-match'), etag)) {
    return emptyReply(304, headers);
  }
  const isRangeAsked = ifRangeHolds(request.headers.get('if-range'), etag);
  // RFC 9110 §14.2: Range means something for GET only.
  const range = isRangeAsked && request.method === 'GET' ? request.headers.get('range') : null;
  const asked = parseRange(range, blob.size);
  if (asked.kind === 'unsatisfiable') throw unsatisfiable(blob.size);
  if (request.method === 'HEAD') return { ...emptyReply(200, headers), length: blob.size };

  const content = await openBlob(parts.pull, blob);
  if (asked.kind === 'whole') {
    return { status: 200, headers, body: bodyOf(content), length: blob.size };
  }
  const [first, ...others] = asked.ranges;
  if (first !== undefined && others.length === 0) {
    headers['Content-Range'] = `bytes ${first.start}-${first.end}/${blob.size}`;
    const length = first.end - first.start + 1;
    return { status: 206, headers, body: bodyOf(content, first), length };
  }
  const multipart = multipartBody({ content, size: blob.size, ranges: asked.ranges });
  headers['Content-Type'] = multipart.contentType;
  const body: ReplyBody = { kind: 'stream', stream: multipart.stream };
  return { status: 206, headers, body, length: multipart.length };
}

function bodyOf(content: OpenedBlob, range?: { start: number; end: number }): ReplyBody {
  if (content.kind === 'file') return { kind: 'file', path: content.path, range };
  if (content.kind === 'stream') return { kind: 'stream', stream: content.open(range) };
  if (range === undefined) return content;
  return { kind: 'bytes', bytes: content.bytes.subarray(range.start, range.end + 1) };
}

function unsatisfiable(size: number): ErrorWithHeaders {
  const error = new RegistryError(
    'RANGE_INVALID',
    `This blob has ${size} bytes; nothing of the range asked for is in it.`,
  );
  return new ErrorWithHeaders(error, { 'Content-Range': `bytes */${size}` });
}

export async function deleteBlob(
  request: V2Request,
  route: BlobRoute,
  parts: V2Parts,
): Promise<Reply> {
  const { name: repository, digest } = route;
  await parts.commands.run('deleteBlob', { repository, actor: request.actor(), digest });
  return emptyReply(202, {});
}
