// One descriptor of a manifest (OCI image spec, descriptor.md): digest, size, media type, and the
// content that it may carry in `data`. Every refusal names the place, like `layers[3].digest`.
import { createHash } from 'node:crypto';
import { type Digest, digestAlgorithm, digestHex, isDigest } from './digest.ts';
import { RegistryError } from './errors.ts';
import { LIMITS } from './limits.ts';
import { isJsonObject, type JsonObject, memberNames, refuseOtherCase } from './manifest-json.ts';

const MEMBERS = memberNames(['mediaType', 'digest', 'size', 'urls', 'data', 'artifactType']);

export interface Descriptor {
  readonly digest: Digest;
  readonly size: number;
  /** Empty when the manifest does not say. */
  readonly mediaType: string;
}

export interface DescriptorPlace {
  /** Where it stands in the manifest, for the sentence of an error. */
  readonly place: string;
  /** The OCI spec demands a media type; Docker's clients never needed one. */
  readonly mediaTypeRequired: boolean;
}

/** @throws RegistryError MANIFEST_INVALID */
export function parseDescriptor(value: unknown, where: DescriptorPlace): Descriptor {
  const { place } = where;
  if (!isJsonObject(value)) {
    throw invalid(
      place,
      `${place} is not a descriptor: it must be an object with digest and size.`,
    );
  }
  refuseOtherCase(value, MEMBERS);
  const { digest, size } = value;
  if (typeof digest !== 'string' || !isDigest(digest)) {
    throw invalid(
      `${place}.digest`,
      `${place}.digest is not a digest: write sha256: and 64, or sha512: and 128, lower-case hex digits.`,
    );
  }
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) {
    throw invalid(`${place}.size`, `${place}.size must be a whole number of bytes, zero or more.`);
  }
  const descriptor = { digest, size, mediaType: parseDescribedType(value, where) };
  checkUrls(value.urls, place);
  checkData(value.data, descriptor, place);
  return descriptor;
}

/**
 * A media type inside a manifest, or its artifactType: what was written, '' for nothing. The form
 * of RFC 6838 is not asked for: ORAS and Helm users write what they like there. It is shown in
 * listings and stored as text, so it must be text of one line.
 */
export function parseTypeText(value: unknown, place: string): string {
  if (value === undefined || value === null) return '';
  if (typeof value !== 'string') throw invalid(place, `${place} must be a string.`);
  if (value.length > LIMITS.mediaTypeLength) {
    throw invalid(
      place,
      `${place} has ${value.length} characters; a media type has at most ${LIMITS.mediaTypeLength}.`,
    );
  }
  if (/[\x00-\x1f\x7f]/.test(value) || !value.isWellFormed()) {
    throw invalid(place, `${place} holds characters that no media type has.`);
  }
  return value;
}

function parseDescribedType(value: JsonObject, where: DescriptorPlace): string {
  const place = `${where.place}.mediaType`;
  if (where.mediaTypeRequired && (value.mediaType === undefined || value.mediaType === null)) {
    throw invalid(place, `${place} is missing: say what kind of content it is.`);
  }
  return parseTypeText(value.mediaType, place);
}

function checkUrls(urls: unknown, place: string): void {
  if (urls === undefined || urls === null) return;
  if (!Array.isArray(urls) || !urls.every((url) => typeof url === 'string')) {
    throw invalid(`${place}.urls`, `${place}.urls must be a list of strings.`);
  }
}

/** Clients use `data` in place of the blob, so it must be the blob. */
function checkData(data: unknown, descriptor: Descriptor, place: string): void {
  if (data === undefined || data === null) return;
  const at = `${place}.data`;
  if (typeof data !== 'string') throw invalid(at, `${at} must be a string in base64.`);
  // The length is compared first: most mismatches then cost neither decoding nor hashing.
  if (data.length !== 4 * Math.ceil(descriptor.size / 3)) {
    throw invalid(
      at,
      `${at} is not base64 of the ${descriptor.size} bytes that ${place}.size says.`,
    );
  }
  const bytes = Buffer.from(data, 'base64');
  if (bytes.toString('base64') !== data) {
    throw invalid(at, `${at} is not valid base64.`);
  }
  if (bytes.length !== descriptor.size) {
    throw invalid(
      at,
      `${at} holds ${bytes.length} bytes, but ${place}.size says ${descriptor.size}.`,
    );
  }
  const hash = createHash(digestAlgorithm(descriptor.digest)).update(bytes).digest('hex');
  if (hash !== digestHex(descriptor.digest)) {
    throw invalid(at, `${at} is not the content that ${place}.digest names.`);
  }
}

function invalid(place: string, message: string): RegistryError {
  return new RegistryError('MANIFEST_INVALID', message, { place });
}
