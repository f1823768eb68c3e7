import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { isForeignLayer, OCI_MANIFEST, parseContentType } from './media-type.ts';

describe('a Content-Type', () => {
  test.each([
    [OCI_MANIFEST, OCI_MANIFEST],
    [`${OCI_MANIFEST}; charset=utf-8`, OCI_MANIFEST],
    [`${OCI_MANIFEST};`, OCI_MANIFEST],
    [` ${OCI_MANIFEST} `, OCI_MANIFEST],
    ['Application/JSON;Charset="utf-8"', 'application/json'],
    ['text/html', 'text/html'],
  ])('%j is %s', (header, mediaType) => {
    expect(parseContentType(header)).toBe(mediaType);
  });

  test.each([
    null,
    undefined,
    '',
    ';',
    'application',
    'application/',
    '/json',
    'a/b/c',
    'a b/c',
    'application/json, application/json',
    '*/*',
    `application/${'x'.repeat(255)}`,
    'application/x\r\nset-cookie: a',
  ])('%j is none', (header) => {
    expect(parseContentType(header)).toBeUndefined();
  });

  test('read once more gives the same', () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[a-z0-9]{1,9}\/[A-Za-z0-9.+-]{1,20}(; ?[a-z=]*)?$/),
        (text) => {
          const once = parseContentType(text);
          expect(parseContentType(once)).toBe(once);
        },
      ),
    );
  });
});

test('foreign layers are told by their media type alone', () => {
  const oci = 'application/vnd.oci.image.layer.nondistributable.v1.tar';
  const docker = 'application/vnd.docker.image.rootfs.foreign.diff.tar';
  for (const type of [oci, `${oci}+gzip`, `${oci}+zstd`, docker, `${docker}.gzip`]) {
    expect(isForeignLayer(type)).toBeTrue();
  }
  expect(isForeignLayer('application/vnd.oci.image.layer.v1.tar+gzip')).toBeFalse();
  expect(isForeignLayer('application/vnd.docker.image.rootfs.diff.tar.gzip')).toBeFalse();
  expect(isForeignLayer('')).toBeFalse();
});
