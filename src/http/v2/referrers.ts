// `/v2/<name>/referrers/<digest>`
import { RegistryError } from '../../oci/errors.ts';
import { OCI_INDEX } from '../../oci/media-type.ts';
import { nextLink } from '../../oci/page.ts';
import type { Route } from '../../oci/route.ts';
import { listReferrers } from '../../registry/list.ts';
import type { Incoming } from '../incoming.ts';
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
  const { artifactTypes, after } = wantedOf(request);
  const page = await listReferrers(parts.pull, { repository, subject, artifactTypes, after });
  if (page.next === undefined) return indexReply(page.descriptors, { artifactTypes });
  const path = `/v2/${repository}/referrers/${subject}`;
  const link = nextLink(path, { artifactType: artifactTypes, last: page.next });
  return indexReply(page.descriptors, { artifactTypes, link });
}

/** For those who may push there and not pull: clients ask before they sign. Looks at nothing. */
export function noReferrers(request: Incoming): Reply {
  return indexReply([], wantedOf(request));
}

function wantedOf({ query }: Incoming): { artifactTypes: string[]; after: number } {
  // containerd sends several: any of them will do (client behaviour 18).
  const artifactTypes = query
    .getAll('artifactType')
    .filter((type) => type !== '')
    // No media type holds a space: it was a plus that the client did not encode.
    .map((type) => type.replaceAll(' ', '+'));
  return { artifactTypes, after: parsePosition(query.get('last')) };
}

function indexReply(
  descriptors: readonly string[],
  { artifactTypes, link }: { artifactTypes: readonly string[]; link?: string },
): Reply {
  const headers: Record<string, string> = { 'Content-Type': OCI_INDEX };
  if (artifactTypes.length > 0) headers['OCI-Filters-Applied'] = 'artifactType';
  if (link !== undefined) headers.Link = link;
  const manifests = descriptors.join(',');
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
