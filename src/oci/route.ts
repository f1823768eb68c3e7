// The paths under `/v2/` (distribution spec, "Endpoints"), read from the right: a repository may be
// called `x/tags` or `x/blobs/uploads`, so only the last parts tell what is asked for.
// Runs for every request: a path without `%` costs a few searches and slices.
import { type Digest, parseDigest } from './digest.ts';
import { type ErrorCode, RegistryError } from './errors.ts';
import { parseReference, type Reference } from './reference.ts';
import { parseRepositoryName, type RepositoryName } from './repository-name.ts';

export type Route =
  | { readonly kind: 'base' }
  | { readonly kind: 'catalog' }
  | { readonly kind: 'tags'; readonly name: RepositoryName }
  | { readonly kind: 'manifest'; readonly name: RepositoryName; readonly reference: Reference }
  | { readonly kind: 'blob'; readonly name: RepositoryName; readonly digest: Digest }
  | { readonly kind: 'uploads'; readonly name: RepositoryName }
  | { readonly kind: 'upload'; readonly name: RepositoryName; readonly id: string }
  | { readonly kind: 'referrers'; readonly name: RepositoryName; readonly digest: Digest }
  | { readonly kind: 'unknown' };

const BASE: Route = { kind: 'base' };
const CATALOG: Route = { kind: 'catalog' };
const UNKNOWN: Route = { kind: 'unknown' };
const UPLOAD_ID = /^[a-z0-9-]{1,64}$/;
/** Where the name starts: after `/v2/`. */
const NAME_START = 4;

/**
 * Reads the path as it came, still percent-encoded and without its query.
 * @throws RegistryError NAME_INVALID, TAG_INVALID, DIGEST_INVALID or BLOB_UPLOAD_UNKNOWN when the
 *   path is one of ours and a part of it is not valid.
 */
export function parseRoute(pathname: string): Route {
  if (pathname === '/v2/' || pathname === '/v2') return BASE;
  if (!pathname.startsWith('/v2/')) return UNKNOWN;
  if (pathname === '/v2/_catalog') return CATALOG;

  const lastSlash = pathname.lastIndexOf('/');
  const verbSlash = pathname.lastIndexOf('/', lastSlash - 1);
  if (verbSlash < NAME_START) return UNKNOWN;
  const last = pathname.slice(lastSlash + 1);
  switch (pathname.slice(verbSlash + 1, lastSlash)) {
    case 'manifests': {
      const name = nameBefore(pathname, verbSlash);
      return { kind: 'manifest', name, reference: parseReference(decode(last, 'TAG_INVALID')) };
    }
    case 'blobs': {
      const name = nameBefore(pathname, verbSlash);
      if (last === 'uploads') return { kind: 'uploads', name };
      return { kind: 'blob', name, digest: parseDigest(decode(last, 'DIGEST_INVALID')) };
    }
    case 'uploads':
      return uploadRoute(pathname, verbSlash, last);
    case 'referrers': {
      const name = nameBefore(pathname, verbSlash);
      return { kind: 'referrers', name, digest: parseDigest(decode(last, 'DIGEST_INVALID')) };
    }
    case 'tags':
      if (last !== 'list') return UNKNOWN;
      return { kind: 'tags', name: nameBefore(pathname, verbSlash) };
    default:
      return UNKNOWN;
  }
}

/** `/v2/<name>/blobs/uploads/` and `/v2/<name>/blobs/uploads/<id>`. */
function uploadRoute(pathname: string, uploadsSlash: number, last: string): Route {
  const blobsSlash = pathname.lastIndexOf('/', uploadsSlash - 1);
  if (blobsSlash < NAME_START) return UNKNOWN;
  if (pathname.slice(blobsSlash + 1, uploadsSlash) !== 'blobs') return UNKNOWN;
  const name = nameBefore(pathname, blobsSlash);
  if (last === '') return { kind: 'uploads', name };
  // An id that we cannot have given is an upload that we do not know: clients start a new one.
  const id = decode(last, 'BLOB_UPLOAD_UNKNOWN');
  if (!UPLOAD_ID.test(id)) throw new RegistryError('BLOB_UPLOAD_UNKNOWN');
  return { kind: 'upload', name, id };
}

/** The repository name between `/v2/` and a slash. */
function nameBefore(pathname: string, slash: number): RepositoryName {
  const raw = pathname.slice(NAME_START, slash);
  if (!raw.includes('%')) return parseRepositoryName(raw);
  // Decoding `%2F` would turn one part into two, and a proxy in front may have seen only one.
  if (/%2f/i.test(raw)) {
    throw new RegistryError(
      'NAME_INVALID',
      'Write the slashes of a repository name as /, not %2F.',
    );
  }
  return parseRepositoryName(decode(raw, 'NAME_INVALID'));
}

/** Clients may write the colon of a digest as `%3A`. What is decoded is still checked by its grammar. */
function decode(part: string, code: ErrorCode): string {
  if (!part.includes('%')) return part;
  try {
    return decodeURIComponent(part);
  } catch (cause) {
    throw new RegistryError(
      code,
      'The address holds a % that does not begin a valid escape of UTF-8.',
      undefined,
      { cause },
    );
  }
}
