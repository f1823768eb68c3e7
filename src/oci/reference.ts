// What stands behind `/manifests/`: a tag or a digest.
import { type Digest, parseDigest } from './digest.ts';
import { parseTag, type Tag } from './tag.ts';

export type Reference =
  | { readonly kind: 'tag'; readonly tag: Tag }
  | { readonly kind: 'digest'; readonly digest: Digest };

/** @throws RegistryError DIGEST_INVALID where a colon stands, TAG_INVALID elsewhere. */
export function parseReference(text: string): Reference {
  return text.includes(':')
    ? { kind: 'digest', digest: parseDigest(text) }
    : { kind: 'tag', tag: parseTag(text) };
}
