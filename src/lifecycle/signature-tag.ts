// Tags by which tools keep something about an image beside it: `sha256-<hex>` (referrers, where a registry
// has no API for them) and `sha256-<hex>.sig`, `.att`, `.sbom` (cosign, and what it lets people name).
import { type Digest, referrersTag } from '../oci/digest.ts';

// A tag has room for 64 of the 128 digits of sha512, see `referrersTag`.
const SIGNATURE_TAG = /^(sha(?:256|512)-[0-9a-f]{64})(?:\.[A-Za-z0-9][\w.-]*)?$/;

/** Which image something is about: all of a sha256 digest, the first half of a sha512 one. */
export type ImageKey = string;

/** The image that a signature tag names, as `imageKey` spells it; undefined: an ordinary tag. */
export function imageOfSignatureTag(tag: string): ImageKey | undefined {
  return SIGNATURE_TAG.exec(tag)?.[1];
}

export function imageKey(digest: string): ImageKey {
  return referrersTag(digest as Digest);
}

/** For a sentence: as much of the digest as tells it from others. */
export function showImage(key: ImageKey): string {
  return `${key.replace('-', ':').slice(0, 19)}…`;
}
