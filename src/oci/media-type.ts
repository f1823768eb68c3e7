// Media types that the registry has to tell apart, and how a Content-Type is read (RFC 9110 §8.3.1).
// Every other media type is the pusher's own business and is kept as it came.
import { LIMITS } from './limits.ts';

export const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
export const OCI_INDEX = 'application/vnd.oci.image.index.v1+json';
export const DOCKER_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';
export const DOCKER_MANIFEST_LIST = 'application/vnd.docker.distribution.manifest.list.v2+json';
export const DOCKER_SCHEMA1 = 'application/vnd.docker.distribution.manifest.v1+json';
export const DOCKER_SCHEMA1_SIGNED = 'application/vnd.docker.distribution.manifest.v1+prettyjws';
export const OCTET_STREAM = 'application/octet-stream';

/** Layers that a client may leave where its maker publishes them: the registry need not hold them. */
const FOREIGN_LAYERS: ReadonlySet<string> = new Set([
  'application/vnd.oci.image.layer.nondistributable.v1.tar',
  'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
  'application/vnd.oci.image.layer.nondistributable.v1.tar+zstd',
  'application/vnd.docker.image.rootfs.foreign.diff.tar',
  'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
  'application/vnd.docker.image.rootfs.foreign.diff.tar.zstd',
]);

export function isForeignLayer(mediaType: string): boolean {
  return FOREIGN_LAYERS.has(mediaType.toLowerCase());
}

export function isSchema1(mediaType: string): boolean {
  return mediaType === DOCKER_SCHEMA1 || mediaType === DOCKER_SCHEMA1_SIGNED;
}

// RFC 6838 §4.2 "restricted-name", without its limit of 127 for each part: LIMITS holds the whole.
const MEDIA_TYPE = /^[a-z0-9][a-z0-9!#$&^_.+-]*\/[a-z0-9][a-z0-9!#$&^_.+-]*$/i;

export function isMediaType(text: string): boolean {
  return text.length <= LIMITS.mediaTypeLength && MEDIA_TYPE.test(text);
}

/** The bare media type in lower case, without parameters; undefined when there is none to be read. */
export function parseContentType(header: string | null | undefined): string | undefined {
  if (header === null || header === undefined) return undefined;
  const semicolon = header.indexOf(';');
  const bare = (semicolon < 0 ? header : header.slice(0, semicolon)).trim();
  return isMediaType(bare) ? bare.toLowerCase() : undefined;
}
