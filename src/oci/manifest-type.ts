// Which media type a manifest has: what it says itself, what the Content-Type says, or what its
// shape shows (distribution spec, "Pushing Manifests").
import { RegistryError } from './errors.ts';
import { LIMITS } from './limits.ts';
import type { JsonObject } from './manifest-json.ts';
import {
  isMediaType,
  isSchema1,
  OCI_INDEX,
  OCI_MANIFEST,
  OCTET_STREAM,
  parseContentType,
} from './media-type.ts';

/** What HTTP libraries and curl send when nobody chose a type: it says nothing of the manifest. */
const GENERIC: ReadonlySet<string> = new Set([
  OCTET_STREAM,
  'application/json',
  'application/x-www-form-urlencoded',
]);

/** @throws RegistryError MANIFEST_INVALID, also for every form of Docker's schema 1. */
export function decideMediaType(json: JsonObject, contentType: string | undefined): string {
  const header = parseContentType(contentType);
  const sent = header !== undefined && GENERIC.has(header) ? undefined : header;
  const own = ownMediaType(json);
  refuseSchema1(json, own?.toLowerCase() ?? sent);
  if (own !== undefined && sent !== undefined && own.toLowerCase() !== sent) {
    throw new RegistryError(
      'MANIFEST_INVALID',
      `The manifest's mediaType is "${own}", but the Content-Type of the request is "${sent}". They must be equal.`,
    );
  }
  const mediaType = own ?? sent ?? inferredMediaType(json);
  // It is served as a Content-Type: text/html would run as a page of this registry's origin.
  if (!mediaType.toLowerCase().startsWith('application/')) {
    throw new RegistryError(
      'MANIFEST_INVALID',
      `"${mediaType}" cannot be the media type of a manifest: it must begin with application/.`,
    );
  }
  return mediaType;
}

/** The field `mediaType`, as it is written. Its case is kept: ORAS compares it byte for byte. */
function ownMediaType({ mediaType }: JsonObject): string | undefined {
  // Go writes an unset field as an empty string.
  if (mediaType === undefined || mediaType === null || mediaType === '') return undefined;
  if (typeof mediaType !== 'string' || !isMediaType(mediaType)) {
    throw new RegistryError(
      'MANIFEST_INVALID',
      `The manifest's mediaType must be a string like ${OCI_MANIFEST}, of at most ${LIMITS.mediaTypeLength} characters.`,
      { place: 'mediaType' },
    );
  }
  return mediaType;
}

function inferredMediaType(json: JsonObject): string {
  if (Array.isArray(json.manifests)) return OCI_INDEX;
  if (json.config !== undefined || json.layers !== undefined) return OCI_MANIFEST;
  throw new RegistryError(
    'MANIFEST_INVALID',
    `The manifest has no mediaType and the request no Content-Type that tells what it is. Send Content-Type: ${OCI_MANIFEST}, or the type that it has.`,
  );
}

function refuseSchema1(json: JsonObject, mediaType: string | undefined): void {
  const says = mediaType !== undefined && isSchema1(mediaType);
  if (!says && json.schemaVersion !== 1 && json.fsLayers === undefined) return;
  throw new RegistryError(
    'MANIFEST_INVALID',
    "Docker's image format schema 1 is not accepted: it has been withdrawn. Push again with Docker 1.10 or later, or convert the image with `skopeo copy --format v2s2`.",
  );
}
