// `/v2/<name>/referrers/<digest>`
import { RegistryError } from '../../oci/errors.ts';
import { OCI_INDEX } from '../../oci/media-type.ts';
import { nextLink } from '../../oci/page.ts';
import type { Route } from '../../oci/route.ts';
import { listReferrers } from '../../registry/list.ts';
import { bytesReply, type Reply } from '../reply.ts';
import type { V2Parts } from './parts.ts';
import type { V2Request } from './request.ts';

/** Just this type, no charset: ggcr and oras compare the text (client behaviour 17). */
export async function getReferrers(
  request: V2Request,
  route: Extract<Route, { kind: 'referrers' }>,
  parts: V2Parts,
): Promise<Reply> {
  const { name: repository, digest: subject } = route;
  // containerd sends several: any of them will do (client behaviour 18).
  const artifactTypes = request.query
    .getAll('artifactType')
    .filter((type) => type !== '')
    // No media type holds a space: it was a plus that the client did not encode.
    .map((type) => type.replaceAll(' ', '+'));
  const after = parsePosition(request.query.get('last'));
  const page = await listReferrers(parts.pull, { repository, subject, artifactTypes, after });
  const headers: Record<string, string> = { 'Content-Type': OCI_INDEX };
  if (artifactTypes.length > 0) headers['OCI-Filters-Applied'] = 'artifactType';
  if (page.next !== undefined) {
    const path = `/v2/${repository}/referrers/${subject}`;
    headers.Link = nextLink(path, { artifactType: artifactTypes, last: page.next });
  }
  const manifests = page.descriptors.join(',');
  return bytesReply(
    200,
    headers,
    `{"schemaVersion":2,"mediaType":"${OCI_INDEX}","manifests":[${manifests}]}`,
  );
}

function parsePosition(text: string | null): number {
  if (text === null) return 0;
  const position = /^[0-9]{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(position)) return position;
  throw new RegistryError('REQUEST_INVALID', '"last" must be as it stood in the Link header.');
}
