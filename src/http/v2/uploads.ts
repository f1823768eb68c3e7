// `/v2/<name>/blobs/uploads/…`
import { checkRoomInQuota } from '../../lifecycle/quota/check-room.ts';
import { parseDigest, parseDigestAlgorithm } from '../../oci/digest.ts';
import { RegistryError } from '../../oci/errors.ts';
import { parseContentRange } from '../../oci/range.ts';
import type { RepositoryName } from '../../oci/repository-name.ts';
import type { Route } from '../../oci/route.ts';
import { finishUpload, pushBlob } from '../../registry/finish-upload.ts';
import { mountBlob } from '../../registry/mount-blob.ts';
import {
  abandonUpload,
  appendToUpload,
  beginUpload,
  type UploadStatus,
  uploadStatus,
} from '../../registry/upload.ts';
import type { UploadKey } from '../../registry/upload-state.ts';
import { asRegistryError, ErrorWithHeaders, emptyReply, type Reply } from '../reply.ts';
import { warningHeader } from '../warning.ts';
import type { V2Parts } from './parts.ts';
import type { V2Request } from './request.ts';

type UploadsRoute = Extract<Route, { kind: 'uploads' }>;
type UploadRoute = Extract<Route, { kind: 'upload' }>;

/** Starts an upload; or does all at once: a mount, or a blob in one request. */
export async function postUpload(
  request: V2Request,
  route: UploadsRoute,
  parts: V2Parts,
): Promise<Reply> {
  const { name: repository } = route;
  const { query, body } = request;
  const actor = request.caller.standing.principal.name;
  const mount = query.get('mount');
  if (mount !== null) {
    const digest = parseDigest(mount);
    const isMounted = await mountBlob(
      { sql: parts.pull.sql, commands: parts.commands },
      {
        repository,
        digest,
        from: query.get('from') ?? undefined,
        mayPull: (name) => request.may({ action: 'pull', path: name }),
      },
    );
    if (isMounted) return blobCreated(repository, digest);
  }
  const { sql } = parts.pull;
  const digestText = query.get('digest');
  if (digestText !== null && mount === null) {
    const digest = parseDigest(digestText);
    await checkRoomInQuota(sql, { repository, bytes: body.length, digest });
    await pushBlob(parts.upload, { repository, actor, digest, body });
    return blobCreated(repository, digest);
  }
  const algorithm = parseDigestAlgorithm(query.get('digest-algorithm') ?? 'sha256');
  await checkRoomInQuota(sql, { repository });
  const upload = await beginUpload(parts.upload, { repository, actor, algorithm });
  // Absent and unreadable look alike: the sentence must not tell one from the other.
  const hint = mount !== null && query.has('from') ? NOT_MOUNTED : undefined;
  return emptyReply(202, { ...uploadHeaders(repository, upload), ...hint });
}

const NOT_MOUNTED = warningHeader(
  'The blob could not be mounted: the repository named by from does not hold it, or you may not read it. It is uploaded instead.',
);

export async function getUpload(
  _request: V2Request,
  route: UploadRoute,
  parts: V2Parts,
): Promise<Reply> {
  const key = { repository: route.name, id: route.id };
  return emptyReply(204, uploadHeaders(route.name, await uploadStatus(parts.upload, key)));
}

export async function patchUpload(
  request: V2Request,
  route: UploadRoute,
  parts: V2Parts,
): Promise<Reply> {
  const key = { repository: route.name, id: route.id };
  return withPlace(parts, key, async () => {
    const append = { ...key, start: startOf(request), body: request.body };
    const upload = await appendToUpload(parts.upload, append);
    return emptyReply(202, uploadHeaders(route.name, upload));
  });
}

export async function putUpload(
  request: V2Request,
  route: UploadRoute,
  parts: V2Parts,
): Promise<Reply> {
  const key = { repository: route.name, id: route.id };
  const digestText = request.query.get('digest');
  if (digestText === null) {
    throw new RegistryError(
      'DIGEST_INVALID',
      'To finish an upload, name the digest of the blob: PUT …?digest=sha256:…',
    );
  }
  const digest = parseDigest(digestText);
  return withPlace(parts, key, async () => {
    await finishUpload(parts.upload, {
      ...key,
      digest,
      start: startOf(request),
      body: request.body,
    });
    return blobCreated(route.name, digest);
  });
}

export async function cancelUpload(
  _request: V2Request,
  route: UploadRoute,
  parts: V2Parts,
): Promise<Reply> {
  await abandonUpload(parts.upload, { repository: route.name, id: route.id });
  return emptyReply(204, {});
}

function startOf(request: V2Request): number | undefined {
  const header = request.headers.get('content-range');
  return header === null ? undefined : parseContentRange(header).start;
}

/** A refused chunk is told where the upload stands, so that the client can go on (spec, 416). */
async function withPlace(
  parts: V2Parts,
  key: UploadKey,
  work: () => Promise<Reply>,
): Promise<Reply> {
  try {
    return await work();
  } catch (error) {
    const refusal = asRegistryError(error);
    if (refusal.code !== 'RANGE_INVALID') throw error;
    const status = await uploadStatus(parts.upload, key);
    throw new ErrorWithHeaders(refusal, uploadHeaders(key.repository, status));
  }
}

function uploadHeaders(repository: RepositoryName, upload: UploadStatus): Record<string, string> {
  return {
    // Relative: right behind every proxy and under every name (client behaviour 24).
    Location: `/v2/${repository}/blobs/uploads/${upload.id}`,
    'Docker-Upload-UUID': upload.id,
    // "0-0" for no bytes as well as for one: what docker and the spec have always said.
    Range: `0-${Math.max(0, upload.size - 1)}`,
  };
}

function blobCreated(repository: RepositoryName, digest: string): Reply {
  return emptyReply(201, {
    Location: `/v2/${repository}/blobs/${digest}`,
    'Docker-Content-Digest': digest,
  });
}
