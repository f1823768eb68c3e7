// `/v2/<name>/manifests/<reference>`
import { etagOf, ifMatchHolds, ifNoneMatchHolds } from '../../oci/condition.ts';
import { RegistryError } from '../../oci/errors.ts';
import { parseContentType } from '../../oci/media-type.ts';
import type { Route } from '../../oci/route.ts';
import { parseTag } from '../../oci/tag.ts';
import { manifestBytes, pullManifest } from '../../registry/pull.ts';
import { pushManifest } from '../../registry/push-manifest.ts';
import { bytesReply, emptyReply, type Reply } from '../reply.ts';
import { warningHeader } from '../warning.ts';
import { namespaceHeader } from './namespace-header.ts';
import type { V2Parts } from './parts.ts';
import type { V2Request } from './request.ts';

type ManifestRoute = Extract<Route, { kind: 'manifest' }>;

/**
 * The stored bytes and their media type, whatever `Accept` says: docker, helm and oras send lists that
 * do not fit, and an answer of another type serves them better than 404 or 406 (client behaviour 11).
 */
export async function getManifest(
  request: V2Request,
  route: ManifestRoute,
  parts: V2Parts,
): Promise<Reply> {
  const { name: repository, reference } = route;
  const manifest = await pullManifest(parts.pull, { repository, reference });
  const etag = etagOf(manifest.digest);
  const headers: Record<string, string> = {
    'Content-Type': manifest.mediaType,
    'Docker-Content-Digest': manifest.digest,
    ETag: etag,
    ...namespaceHeader(request),
  };
  if (!ifMatchHolds(request.headers.get('if-match'), etag)) throw conditionFailed(etag);
  // A pull is a GET, or a HEAD by tag. A client that is told 304 uses what it has: that counts too.
  if (request.method === 'GET' || reference.kind === 'tag') {
    parts.pulls.count(manifest.id);
    parts.pullLog?.record({
      actor: request.actor(),
      target: targetOf(route),
      digest: manifest.digest,
    });
  }
  if (!ifNoneMatchHolds(request.headers.get('if-none-match'), etag)) {
    return emptyReply(304, headers);
  }
  if (request.method === 'HEAD') return { ...emptyReply(200, headers), length: manifest.size };
  return bytesReply(200, headers, await manifestBytes(parts.pull, manifest));
}

/** As it stands in the audit log. */
function targetOf({ name, reference }: ManifestRoute): string {
  return reference.kind === 'tag' ? `${name}:${reference.tag}` : `${name}@${reference.digest}`;
}

function conditionFailed(etag: string): RegistryError {
  return new RegistryError('PRECONDITION_FAILED', `This reference is at ${etag} now.`);
}

export async function putManifest(
  request: V2Request,
  route: ManifestRoute,
  parts: V2Parts,
): Promise<Reply> {
  const { name: repository, reference } = route;
  const tags = [...new Set(request.query.getAll('tag'))].map(parseTag);
  const { body } = request;
  const pushed = await parts.manifestRoom.receive(body, (bytes) => {
    if (body.length !== undefined && body.length !== bytes.length) {
      throw new RegistryError('SIZE_INVALID');
    }
    return pushManifest(
      { ...parts, room: parts.upload.room },
      {
        repository,
        actor: request.actor(),
        reference,
        tags,
        contentType: parseContentType(request.headers.get('content-type')),
        bytes,
        condition: {
          ifMatch: request.headers.get('if-match'),
          ifNoneMatch: request.headers.get('if-none-match'),
        },
      },
    );
  });
  const headers: Record<string, string> = {
    Location: `/v2/${repository}/manifests/${pushed.digest}`,
    'Docker-Content-Digest': pushed.digest,
    ETag: etagOf(pushed.digest),
  };
  // oras-go and cosign leave the fallback tag alone only when they see it.
  if (pushed.subject !== undefined) headers['OCI-Subject'] = pushed.subject;
  if (tags.length > 0) headers['OCI-Tag'] = pushed.tags.join(', ');
  const warnings = [...(pushed.hasForeignLayers ? [FOREIGN_LAYERS] : []), ...pushed.warnings];
  // One for all: clients read a warning a header line, and a reply has one line of a name.
  const warning = warnings.length === 0 ? undefined : warningHeader(warnings.join(' '));
  return emptyReply(201, { ...headers, ...warning });
}

const FOREIGN_LAYERS =
  'This image has layers that may not be distributed. Unless they were pushed too, those who pull it need access to where they come from.';

export async function deleteManifest(
  request: V2Request,
  route: ManifestRoute,
  parts: V2Parts,
): Promise<Reply> {
  const { name: repository, reference } = route;
  const actor = request.actor();
  if (reference.kind === 'tag') {
    await parts.commands.run('deleteTag', { repository, actor, tag: reference.tag });
  } else {
    await parts.commands.run('deleteManifest', { repository, actor, digest: reference.digest });
  }
  return emptyReply(202, {});
}
