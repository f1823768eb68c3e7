// Versions as a person writes them, as docker does: `team/api:v1`, `team/api@sha256:…`. A repository may also
// be given by its id: `id:12:v1`.
import { isDigest } from '../oci/digest.ts';
import { isTag } from '../oci/tag.ts';
import { type Json, part } from './api-client.ts';
import { UsageError } from './command.ts';
import { cell } from './show.ts';

export interface ImageText {
  readonly repository: string;
  /** A tag or digest. */
  readonly reference: string;
  readonly isTag: boolean;
}

/** @throws UsageError */
export function imageOf(text: string): ImageText {
  const at = text.indexOf('@');
  if (at > 0 && isDigest(text.slice(at + 1))) {
    return { repository: text.slice(0, at), reference: text.slice(at + 1), isTag: false };
  }
  const colon = text.lastIndexOf(':');
  const [repository, reference] = [text.slice(0, colon), text.slice(colon + 1)];
  // `id:12` is a repository without a tag.
  if (colon > 0 && at < 0 && repository !== 'id' && isTag(reference)) {
    return { repository, reference, isTag: true };
  }
  throw new UsageError(`Write a version as REPO:TAG or REPO@DIGEST, not "${text}".`);
}

/** @throws UsageError for a digest. */
export function tagOf(text: string): ImageText {
  const image = imageOf(text);
  if (image.isTag) return image;
  throw new UsageError(`A digest has no tag: write REPO:TAG, not "${text}".`);
}

/** Where the API has a repository. */
export function atRepository(repository: string): string {
  return `/repositories/${part(repository)}`;
}

/** Of the hash of a digest: enough to tell two apart. */
const SHOWN_DIGITS = 12;

export function shortDigest(value: Json | undefined): string | undefined {
  if (typeof value !== 'string') return undefined;
  return cell(value.slice(0, value.indexOf(':') + 1 + SHOWN_DIGITS));
}
