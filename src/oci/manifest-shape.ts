// Which members of a manifest hold its parts. An image has a config and layers, an index has
// manifests, and nothing may be both: clients would disagree about what it is (CVE-2021-41190).
import { RegistryError } from './errors.ts';
import { type JsonObject, memberNames, refuseOtherCase } from './manifest-json.ts';
import { DOCKER_MANIFEST, DOCKER_MANIFEST_LIST, OCI_INDEX, OCI_MANIFEST } from './media-type.ts';

export interface Shape {
  readonly kind: 'image' | 'index';
  readonly config: unknown;
  readonly parts: readonly unknown[];
  /** The member that the parts stand in. */
  readonly partsName: 'layers' | 'manifests' | 'blobs';
}

const MEMBERS = memberNames([
  'schemaVersion',
  'mediaType',
  'artifactType',
  'config',
  'layers',
  'manifests',
  'subject',
  'annotations',
  'fsLayers',
]);

/**
 * The four types of OCI and Docker must have their own shape. Any other type is read by the shape
 * that it shows: image, index, or the `blobs` of the artifact manifests that ORAS and early
 * versions of image-spec 1.1 had. One that shows none is refused and not taken on trust: blobs
 * that the registry cannot see named would not be kept with it.
 * @throws RegistryError MANIFEST_INVALID
 */
export function shapeOf(json: JsonObject, mediaType: string): Shape {
  refuseOtherCase(json, MEMBERS);
  const isIndex = isSet(json.manifests);
  const isImage = isSet(json.layers) || isSet(json.config);
  if (isIndex && isImage) {
    throw new RegistryError(
      'MANIFEST_INVALID',
      'The manifest has both manifests and layers or a config. It must be an index or an image, not both.',
    );
  }
  switch (mediaType.toLowerCase()) {
    case OCI_MANIFEST:
    case DOCKER_MANIFEST:
      requireVersion2(json);
      return imageShape(json, mediaType);
    case OCI_INDEX:
    case DOCKER_MANIFEST_LIST:
      requireVersion2(json);
      return indexShape(json, mediaType);
  }
  if (isSet(json.schemaVersion)) requireVersion2(json);
  if (isIndex) return indexShape(json, mediaType);
  if (isImage) return imageShape(json, mediaType);
  if (Array.isArray(json.blobs)) {
    return { kind: 'image', config: undefined, parts: json.blobs, partsName: 'blobs' };
  }
  throw new RegistryError(
    'MANIFEST_INVALID',
    `A manifest of type "${mediaType}" does not show which content it is made of. Push the artifact as ${OCI_MANIFEST} with an artifactType.`,
  );
}

function requireVersion2(json: JsonObject): void {
  if (json.schemaVersion === 2) return;
  throw new RegistryError('MANIFEST_INVALID', 'The schemaVersion of the manifest must be 2.', {
    place: 'schemaVersion',
  });
}

function imageShape(json: JsonObject, mediaType: string): Shape {
  if (!isSet(json.config)) {
    throw new RegistryError(
      'MANIFEST_INVALID',
      `A manifest of type "${mediaType}" needs a config. An artifact without one names the empty config.`,
      { place: 'config' },
    );
  }
  const parts = listOf(json, 'layers', mediaType);
  return { kind: 'image', config: json.config, parts, partsName: 'layers' };
}

function indexShape(json: JsonObject, mediaType: string): Shape {
  const parts = listOf(json, 'manifests', mediaType);
  return { kind: 'index', config: undefined, parts, partsName: 'manifests' };
}

/** The list may be empty, and null is how Go writes an empty one; but it must be there. */
function listOf(
  json: JsonObject,
  name: 'layers' | 'manifests',
  mediaType: string,
): readonly unknown[] {
  const value = json[name];
  if (value === null) return [];
  if (Array.isArray(value)) return value;
  throw new RegistryError(
    'MANIFEST_INVALID',
    `A manifest of type "${mediaType}" needs ${name}: a list, which may be empty.`,
    { place: name },
  );
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null;
}
