// What the registry must know of a manifest: its kind, its media type and the content it names.
// The bytes themselves are kept as they came; nothing here changes them or asks whether a part exists.
import { type Descriptor, parseDescriptor, parseTypeText } from './descriptor.ts';
import type { Digest } from './digest.ts';
import { RegistryError } from './errors.ts';
import { LIMITS } from './limits.ts';
import { isJsonObject, type JsonObject, parseManifestJson } from './manifest-json.ts';
import { type Shape, shapeOf } from './manifest-shape.ts';
import { decideMediaType } from './manifest-type.ts';
import { isForeignLayer, OCI_INDEX, OCI_MANIFEST } from './media-type.ts';

export type ReferenceKind = 'config' | 'layer' | 'manifest' | 'subject';

export interface ManifestReference {
  readonly digest: Digest;
  readonly kind: ReferenceKind;
  readonly mediaType: string;
  readonly size: number;
  /** The registry need not hold it. */
  readonly foreign: boolean;
}

export interface Manifest {
  readonly kind: 'image' | 'index';
  readonly mediaType: string;
  /** The manifest's own; for an image without one, the media type of its config. */
  readonly artifactType: string | undefined;
  readonly subject: Digest | undefined;
  /** Each pair of digest and kind once, in the order of the manifest; the subject is last. */
  readonly references: readonly ManifestReference[];
  readonly annotations: Readonly<Record<string, string>> | undefined;
  readonly configDigest?: Digest;
}

/**
 * @param contentType the Content-Type of the request, with or without parameters.
 * @throws RegistryError MANIFEST_INVALID, for every fault: containers/image tries another format
 *   after this code and after no other.
 */
export function parseManifest(bytes: Uint8Array, contentType: string | undefined): Manifest {
  const json = parseManifestJson(bytes);
  const mediaType = decideMediaType(json, contentType);
  const shape = shapeOf(json, mediaType);
  checkReferenceCount(shape, json);

  const mediaTypeRequired = [OCI_MANIFEST, OCI_INDEX].includes(mediaType.toLowerCase());
  const references = new References();
  const read = (value: unknown, place: string, kind: ReferenceKind): Descriptor => {
    const descriptor = parseDescriptor(value, { place, mediaTypeRequired });
    references.add(descriptor, kind);
    return descriptor;
  };
  const config = isPresent(shape.config) ? read(shape.config, 'config', 'config') : undefined;
  for (const [index, part] of shape.parts.entries()) {
    // Whatever its media type, a child of an index is a manifest here: buildx keeps the layers of
    // its cache there, so who looks for a child must look among the blobs too.
    read(part, `${shape.partsName}[${index}]`, shape.kind === 'index' ? 'manifest' : 'layer');
  }
  const subject = isPresent(json.subject) ? read(json.subject, 'subject', 'subject') : undefined;

  const ownType = parseTypeText(json.artifactType, 'artifactType');
  const artifactType = ownType === '' ? config?.mediaType : ownType;
  return {
    kind: shape.kind,
    mediaType,
    artifactType: artifactType === '' ? undefined : artifactType,
    subject: subject?.digest,
    references: references.list(),
    annotations: parseAnnotations(json.annotations, subject !== undefined),
    ...(config === undefined ? {} : { configDigest: config.digest }),
  };
}

/** Go's clients write an absent list or object as null. */
function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function checkReferenceCount(shape: Shape, json: JsonObject): void {
  const others = (isPresent(shape.config) ? 1 : 0) + (isPresent(json.subject) ? 1 : 0);
  const count = shape.parts.length + others;
  if (count > LIMITS.manifestReferences) {
    throw new RegistryError(
      'MANIFEST_INVALID',
      `The manifest names ${count} other contents; at most ${LIMITS.manifestReferences} are allowed.`,
    );
  }
}

/** Collects references without duplicates: an image may well hold the same layer twice. */
class References {
  readonly #byKey = new Map<string, ManifestReference>();

  add(descriptor: Descriptor, kind: ReferenceKind): void {
    const { digest, size, mediaType } = descriptor;
    const key = `${kind} ${digest}`;
    const foreign = (kind === 'layer' || kind === 'manifest') && isForeignLayer(mediaType);
    const earlier = this.#byKey.get(key);
    // Named as foreign in one place and as plain content in another, it is needed after all.
    if (earlier !== undefined && (foreign || !earlier.foreign)) return;
    this.#byKey.set(key, { digest, kind, mediaType, size, foreign });
  }

  list(): readonly ManifestReference[] {
    return [...this.#byKey.values()];
  }
}

function parseAnnotations(
  value: unknown,
  isReferrer: boolean,
): Readonly<Record<string, string>> | undefined {
  if (!isPresent(value)) return undefined;
  if (!isAnnotations(value)) {
    throw new RegistryError(
      'MANIFEST_INVALID',
      'The annotations of the manifest must be an object whose values are strings.',
      { place: 'annotations' },
    );
  }
  if (isReferrer && annotationBytes(value) > LIMITS.manifestAnnotationsBytes) {
    throw new RegistryError(
      'MANIFEST_INVALID',
      `The annotations of a manifest with a subject may have ${LIMITS.manifestAnnotationsBytes} bytes together. Keep long texts in a layer.`,
      { place: 'annotations' },
    );
  }
  return value;
}

function isAnnotations(value: unknown): value is Readonly<Record<string, string>> {
  return isJsonObject(value) && Object.values(value).every((text) => typeof text === 'string');
}

function annotationBytes(annotations: Readonly<Record<string, string>>): number {
  let bytes = 0;
  for (const [key, text] of Object.entries(annotations)) {
    bytes += Buffer.byteLength(key) + Buffer.byteLength(text);
  }
  return bytes;
}
