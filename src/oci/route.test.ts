import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { type Digest, digestOf } from './digest.ts';
import type { RepositoryName } from './repository-name.ts';
import { parseRoute, type Route } from './route.ts';
import type { Tag } from './tag.ts';

const DIGEST = digestOf('sha256', 'a'.repeat(64));
const ESCAPED = DIGEST.replace(':', '%3A');

/** Names that look like the paths around them. */
const anyName = fc
  .array(
    fc.constantFrom('a', 'tags', 'list', 'blobs', 'uploads', 'manifests', 'referrers', 'v2', 'x-1'),
    { minLength: 1, maxLength: 5 },
  )
  .map((parts) => parts.join('/') as RepositoryName);
const anyTag = fc.stringMatching(/^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,20}$/).map((text) => text as Tag);
const anyDigest = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((bytes): Digest => digestOf('sha256', Buffer.from(bytes).toString('hex')));
const anyUploadId = fc.stringMatching(/^[a-z0-9-]{1,64}$/);

function pathOf(route: Route): string {
  switch (route.kind) {
    case 'base':
      return '/v2/';
    case 'catalog':
      return '/v2/_catalog';
    case 'tags':
      return `/v2/${route.name}/tags/list`;
    case 'manifest': {
      const { reference } = route;
      const text = reference.kind === 'tag' ? reference.tag : reference.digest;
      return `/v2/${route.name}/manifests/${text}`;
    }
    case 'blob':
      return `/v2/${route.name}/blobs/${route.digest}`;
    case 'uploads':
      return `/v2/${route.name}/blobs/uploads/`;
    case 'upload':
      return `/v2/${route.name}/blobs/uploads/${route.id}`;
    case 'referrers':
      return `/v2/${route.name}/referrers/${route.digest}`;
    case 'unknown':
      return '/';
  }
}

const anyRoute: fc.Arbitrary<Route> = fc.oneof(
  anyName.map((name): Route => ({ kind: 'tags', name })),
  anyName.map((name): Route => ({ kind: 'uploads', name })),
  fc
    .tuple(anyName, anyTag)
    .map(([name, tag]): Route => ({ kind: 'manifest', name, reference: { kind: 'tag', tag } })),
  fc.tuple(anyName, anyDigest).map(
    ([name, digest]): Route => ({
      kind: 'manifest',
      name,
      reference: { kind: 'digest', digest },
    }),
  ),
  fc.tuple(anyName, anyDigest).map(([name, digest]): Route => ({ kind: 'blob', name, digest })),
  fc
    .tuple(anyName, anyDigest)
    .map(([name, digest]): Route => ({ kind: 'referrers', name, digest })),
  fc.tuple(anyName, anyUploadId).map(([name, id]): Route => ({ kind: 'upload', name, id })),
);

test('a path that was built from its parts gives the same parts', () => {
  fc.assert(
    fc.property(anyRoute, (route) => {
      expect(parseRoute(pathOf(route))).toEqual(route);
    }),
    { numRuns: 1000 },
  );
});

test('so does the path with every colon escaped', () => {
  fc.assert(
    fc.property(anyRoute, (route) => {
      expect(parseRoute(pathOf(route).replaceAll(':', '%3A'))).toEqual(route);
      expect(parseRoute(pathOf(route).replaceAll(':', '%3a'))).toEqual(route);
    }),
  );
});

describe('a path of each kind', () => {
  test.each([
    ['/v2', { kind: 'base' }],
    ['/v2/', { kind: 'base' }],
    ['/v2/_catalog', { kind: 'catalog' }],
    ['/v2/x/tags/tags/list', { kind: 'tags', name: 'x/tags' }],
    ['/v2/x/blobs/uploads', { kind: 'uploads', name: 'x' }],
    ['/v2/x/blobs/uploads/', { kind: 'uploads', name: 'x' }],
    ['/v2/x/blobs/uploads/list', { kind: 'upload', name: 'x', id: 'list' }],
    ['/v2/x/blobs/uploads/blobs/uploads/', { kind: 'uploads', name: 'x/blobs/uploads' }],
    ['/v2/x/blobs/uploads/tags/list', { kind: 'tags', name: 'x/blobs/uploads' }],
    [`/v2/x/blobs/blobs/${ESCAPED}`, { kind: 'blob', name: 'x/blobs', digest: DIGEST }],
    ['/v2/%61lpine/tags/list', { kind: 'tags', name: 'alpine' }],
    ['/v2/a/manifests/%76%31', { kind: 'manifest', reference: { kind: 'tag', tag: 'v1' } }],
  ])('%s', (path, route) => {
    expect(parseRoute(path)).toMatchObject(route);
  });
});

describe('a path that is not ours', () => {
  test.each([
    '',
    '/',
    '/v2x',
    '/v1/',
    '/V2/',
    '//v2/',
    '/v2/x',
    '/v2/x/y/z',
    '/v2/_catalog/',
    '/v2/tags/list',
    '/v2/manifests/latest',
    '/v2/blobs/uploads/',
    '/v2/x/uploads/1',
    '/v2/x/y/uploads/1',
    '/v2/x/y/uploads/',
    '/v2/x/tags/list/',
    '/v2/x/tags/',
    '/v2/x/Manifests/a',
  ])('%j', (path) => {
    expect(parseRoute(path)).toEqual({ kind: 'unknown' });
  });
});

describe('a path of ours with a part that is not valid', () => {
  test.each([
    ['/v2//manifests/a', 'NAME_INVALID'],
    ['/v2/a//b/manifests/a', 'NAME_INVALID'],
    ['/v2/a/../b/manifests/a', 'NAME_INVALID'],
    ['/v2/a/%2e%2e/b/manifests/a', 'NAME_INVALID'],
    ['/v2/a%2Fb/manifests/a', 'NAME_INVALID'],
    ['/v2/a%2fb/tags/list', 'NAME_INVALID'],
    ['/v2/a%00/tags/list', 'NAME_INVALID'],
    ['/v2/a%ff/tags/list', 'NAME_INVALID'],
    ['/v2/a%/tags/list', 'NAME_INVALID'],
    ['/v2/A/blobs/uploads/', 'NAME_INVALID'],
    [`/v2/${'a/'.repeat(5000)}manifests/a`, 'NAME_INVALID'],
    ['/v2/a/manifests/', 'TAG_INVALID'],
    ['/v2/a/manifests/.a', 'TAG_INVALID'],
    ['/v2/a/manifests/..', 'TAG_INVALID'],
    ['/v2/a/manifests/a%2Fb', 'TAG_INVALID'],
    ['/v2/a/manifests/a%00', 'TAG_INVALID'],
    ['/v2/a/manifests/%c3', 'TAG_INVALID'],
    ['/v2/a/manifests/%zz', 'TAG_INVALID'],
    ['/v2/a/manifests/a%253Ab', 'TAG_INVALID'],
    ['/v2/a/manifests/a:b', 'DIGEST_INVALID'],
    ['/v2/a/manifests/sha256%3Ax', 'DIGEST_INVALID'],
    ['/v2/a/blobs/', 'DIGEST_INVALID'],
    ['/v2/a/blobs/x', 'DIGEST_INVALID'],
    ['/v2/a/blobs/sha256:%2e%2e%2f', 'DIGEST_INVALID'],
    ['/v2/a/blobs/%e0%80', 'DIGEST_INVALID'],
    ['/v2/a/referrers/latest', 'DIGEST_INVALID'],
    ['/v2/a/blobs/uploads/A', 'BLOB_UPLOAD_UNKNOWN'],
    ['/v2/a/blobs/uploads/..', 'BLOB_UPLOAD_UNKNOWN'],
    ['/v2/a/blobs/uploads/%2e%2e%2fx', 'BLOB_UPLOAD_UNKNOWN'],
    ['/v2/a/blobs/uploads/%', 'BLOB_UPLOAD_UNKNOWN'],
    [`/v2/a/blobs/uploads/${'a'.repeat(65)}`, 'BLOB_UPLOAD_UNKNOWN'],
  ])('%.60s: %s', (path, code) => {
    expect(() => parseRoute(path)).toThrow(expect.objectContaining({ code }));
  });
});
