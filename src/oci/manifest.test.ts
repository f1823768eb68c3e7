// Manifests as real clients push them, and each rule that refuses one.
import { describe, expect, test } from 'bun:test';
import { createHash } from 'node:crypto';
import { type Digest, digestOf } from './digest.ts';
import { LIMITS } from './limits.ts';
import { type Manifest, parseManifest } from './manifest.ts';
import {
  DOCKER_MANIFEST,
  DOCKER_MANIFEST_LIST,
  DOCKER_SCHEMA1,
  DOCKER_SCHEMA1_SIGNED,
  OCI_INDEX,
  OCI_MANIFEST,
} from './media-type.ts';

const CONFIG_TYPE = 'application/vnd.oci.image.config.v1+json';
const LAYER_TYPE = 'application/vnd.oci.image.layer.v1.tar+gzip';
const FOREIGN_TYPE = 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip';

function digestNumber(n: number): Digest {
  return digestOf('sha256', n.toString(16).padStart(64, '0'));
}

function descriptor(n: number, mediaType = LAYER_TYPE) {
  return { mediaType, digest: digestNumber(n), size: n };
}

const IMAGE = {
  schemaVersion: 2,
  mediaType: OCI_MANIFEST,
  config: descriptor(1, CONFIG_TYPE),
  layers: [descriptor(2), descriptor(3)],
};
const INDEX = {
  schemaVersion: 2,
  mediaType: OCI_INDEX,
  manifests: [descriptor(4, OCI_MANIFEST), descriptor(5, OCI_MANIFEST)],
};

function parse(json: unknown, contentType?: string): Manifest {
  return parseManifest(Buffer.from(JSON.stringify(json)), contentType);
}

function expectRefused(act: () => unknown, sentence: string): void {
  expect(act).toThrow(
    expect.objectContaining({
      code: 'MANIFEST_INVALID',
      message: expect.stringContaining(sentence),
    }),
  );
}

function kindsOf(manifest: Manifest): string[] {
  return manifest.references.map(({ kind, size }) => `${kind} ${size}`);
}

describe('accepted', () => {
  test('an OCI image', () => {
    const manifest = parse(IMAGE, OCI_MANIFEST);
    expect(manifest).toMatchObject({
      kind: 'image',
      mediaType: OCI_MANIFEST,
      artifactType: CONFIG_TYPE,
      subject: undefined,
      annotations: undefined,
      configDigest: digestNumber(1),
    });
    expect(kindsOf(manifest)).toEqual(['config 1', 'layer 2', 'layer 3']);
  });

  test('an OCI index', () => {
    const manifest = parse(INDEX, `${OCI_INDEX}; charset=utf-8`);
    expect(manifest).toMatchObject({
      kind: 'index',
      mediaType: OCI_INDEX,
      artifactType: undefined,
    });
    expect(manifest.configDigest).toBeUndefined();
    expect(kindsOf(manifest)).toEqual(['manifest 4', 'manifest 5']);
  });

  test('an artifact that refers to another', () => {
    const manifest = parse({
      ...INDEX,
      artifactType: 'application/vnd.example.sbom',
      subject: descriptor(4, OCI_MANIFEST),
      annotations: { note: 'é', '': '' },
    });
    expect(manifest).toMatchObject({
      artifactType: 'application/vnd.example.sbom',
      subject: digestNumber(4),
      annotations: { note: 'é', '': '' },
    });
    expect(kindsOf(manifest)).toEqual(['manifest 4', 'manifest 5', 'subject 4']);
  });

  test('an empty artifactType, which counts as none', () => {
    expect(parse({ ...IMAGE, artifactType: '' }).artifactType).toBe(CONFIG_TYPE);
    expect(parse({ ...INDEX, artifactType: '' }).artifactType).toBeUndefined();
    const unnamed = { ...IMAGE, config: { ...IMAGE.config, mediaType: '' } };
    expect(parse(unnamed).artifactType).toBeUndefined();
  });

  test('Docker schema 2 and a manifest list, whose descriptors may lack a media type', () => {
    const layer = { digest: digestNumber(2), size: 2 };
    const image = parse({ ...IMAGE, mediaType: DOCKER_MANIFEST, layers: [layer] }, DOCKER_MANIFEST);
    expect(image.references.at(1)?.mediaType).toBe('');
    expect(parse({ ...INDEX, mediaType: DOCKER_MANIFEST_LIST }).kind).toBe('index');
  });

  test('no layers, the same layer twice, unknown members', () => {
    expect(kindsOf(parse({ ...IMAGE, layers: [] }))).toEqual(['config 1']);
    const twice = { ...IMAGE, layers: [descriptor(2), descriptor(3), descriptor(2)], 'org.x': [1] };
    expect(kindsOf(parse(twice))).toEqual(['config 1', 'layer 2', 'layer 3']);
  });

  test('one digest as a config and as a layer, as two references', () => {
    const empty = { ...IMAGE, layers: [descriptor(1, CONFIG_TYPE)] };
    expect(kindsOf(parse(empty))).toEqual(['config 1', 'layer 1']);
  });

  test('null where a client in Go had nothing', () => {
    const none = { annotations: null, subject: null };
    expect(kindsOf(parse({ ...IMAGE, ...none, layers: null, manifests: null }))).toEqual([
      'config 1',
    ]);
    expect(kindsOf(parse({ ...INDEX, ...none, manifests: null, config: null }))).toEqual([]);
  });

  test('the cache of buildx: an index of layers and a config', () => {
    const cache = {
      ...INDEX,
      manifests: [descriptor(2), descriptor(3, 'application/vnd.buildkit.cacheconfig.v0')],
    };
    expect(kindsOf(parse(cache))).toEqual(['manifest 2', 'manifest 3']);
  });

  test('sha512', () => {
    const digest = digestOf('sha512', 'ab'.repeat(64));
    const manifest = parse({ ...IMAGE, config: { ...IMAGE.config, digest } });
    expect(manifest.configDigest).toBe(digest);
  });

  test('four megabytes of annotations, when no list of referrers has to hold them', () => {
    const annotations = Object.fromEntries(
      Array.from({ length: 390 }, (_, i) => [`key-${i}`, 'A'.repeat(10_000)]),
    );
    expect(Object.keys(parse({ ...IMAGE, annotations }).annotations ?? {})).toHaveLength(390);
    expectRefused(
      () => parse({ ...IMAGE, annotations, subject: descriptor(9, OCI_MANIFEST) }),
      'annotations of a manifest with a subject',
    );
  });
});

describe('foreign layers', () => {
  test('are marked, with and without urls', () => {
    const layers = [
      { ...descriptor(2, FOREIGN_TYPE), urls: ['https://example.com/x'] },
      descriptor(3),
    ];
    const foreign = parse({ ...IMAGE, layers }).references.map((reference) => reference.foreign);
    expect(foreign).toEqual([false, true, false]);
  });

  test('are needed after all when the same digest stands elsewhere as a plain layer', () => {
    for (const layers of [
      [descriptor(2, FOREIGN_TYPE), descriptor(2)],
      [descriptor(2), descriptor(2, FOREIGN_TYPE)],
    ]) {
      expect(parse({ ...IMAGE, layers }).references.at(1)).toMatchObject({
        size: 2,
        foreign: false,
      });
    }
  });

  test('are not what a config or a subject can be', () => {
    const odd = {
      ...IMAGE,
      config: descriptor(1, FOREIGN_TYPE),
      subject: descriptor(9, FOREIGN_TYPE),
    };
    expect(parse(odd).references.some((reference) => reference.foreign)).toBeFalse();
  });
});

describe('the media type', () => {
  const { mediaType: _, ...untypedImage } = IMAGE;
  const { mediaType: __, ...untypedIndex } = INDEX;

  test('is the Content-Type where the manifest names none', () => {
    expect(parse(untypedImage, DOCKER_MANIFEST).mediaType).toBe(DOCKER_MANIFEST);
    expect(parse({ ...untypedImage, mediaType: '' }, OCI_MANIFEST).mediaType).toBe(OCI_MANIFEST);
  });

  test.each([undefined, '', 'application/octet-stream', 'application/json', 'garbage'])(
    'is found by the shape where the Content-Type is %j',
    (contentType) => {
      expect(parse(untypedImage, contentType).mediaType).toBe(OCI_MANIFEST);
      expect(parse(untypedIndex, contentType).mediaType).toBe(OCI_INDEX);
      expect(parse(IMAGE, contentType).mediaType).toBe(OCI_MANIFEST);
      expectRefused(() => parse({ schemaVersion: 2 }, contentType), 'has no mediaType');
    },
  );

  test('of manifest and request must be equal, and both are named', () => {
    expectRefused(() => parse(IMAGE, DOCKER_MANIFEST), OCI_MANIFEST);
    expectRefused(() => parse(IMAGE, DOCKER_MANIFEST), DOCKER_MANIFEST);
    expect(parse(IMAGE, OCI_MANIFEST.toUpperCase()).mediaType).toBe(OCI_MANIFEST);
  });

  test('is never one that a browser runs', () => {
    expectRefused(() => parse(untypedImage, 'text/html'), 'must begin with application/');
    expectRefused(
      () => parse({ ...IMAGE, mediaType: 'text/html' }),
      'must begin with application/',
    );
  });

  test.each([
    1,
    {},
    'x',
    'application/x y',
    'application/x\r\nx: y',
    `application/${'x'.repeat(250)}`,
  ])('is refused when it is %j', (mediaType) =>
    expectRefused(() => parse({ ...IMAGE, mediaType }), 'must be a string like'),
  );

  test('may be unknown when the shape is not', () => {
    const mediaType = 'application/vnd.example.manifest.v1+json';
    expect(parse({ ...IMAGE, mediaType })).toMatchObject({ kind: 'image', mediaType });
    expect(parse({ ...INDEX, mediaType })).toMatchObject({ kind: 'index', mediaType });
    const artifact = parse({ mediaType, artifactType: 'application/x', blobs: [descriptor(7)] });
    expect(kindsOf(artifact)).toEqual(['layer 7']);
    expectRefused(() => parse({ schemaVersion: 2, mediaType }), 'does not show which content');
    expectRefused(() => parse({ ...IMAGE, schemaVersion: 3, mediaType }), 'must be 2');
  });
});

describe('schema 1 is refused with advice', () => {
  const schema1 = { schemaVersion: 1, name: 'x', tag: 'y', fsLayers: [], history: [] };
  test.each([
    ['plain', schema1, undefined],
    ['by its version alone', { schemaVersion: 1 }, DOCKER_MANIFEST],
    ['by fsLayers', { ...IMAGE, fsLayers: [] }, undefined],
    ['by its type', { ...IMAGE, mediaType: DOCKER_SCHEMA1 }, undefined],
    ['signed, by the Content-Type', { schemaVersion: 2 }, DOCKER_SCHEMA1_SIGNED],
  ])('%s', (_what, json, contentType) => {
    expectRefused(() => parse(json, contentType), 'skopeo copy --format v2s2');
  });
});

describe('a manifest that could be read in two ways is refused', () => {
  test.each([
    ['layers and manifests', { ...IMAGE, manifests: [] }, 'not both'],
    ['an index with a config', { ...INDEX, config: descriptor(1) }, 'not both'],
    ['an index type with layers', { ...IMAGE, mediaType: OCI_INDEX }, 'needs manifests'],
    ['an image type with manifests', { ...INDEX, mediaType: OCI_MANIFEST }, 'needs a config'],
    ['Layers', { ...IMAGE, Layers: [] }, '"Layers"'],
    ['the long s', { ...IMAGE, 'layer\u017f': [] }, 'Write it as "layers"'],
    ['Digest', { ...IMAGE, config: { ...IMAGE.config, Digest: digestNumber(8) } }, '"Digest"'],
  ])('%s', (_what, json, sentence) => {
    expectRefused(() => parse(json), sentence);
  });
});

describe('refused, with the place', () => {
  const layer = (change: object) => ({
    ...IMAGE,
    layers: [descriptor(2), { ...descriptor(3), ...change }],
  });
  test.each([
    [{ ...IMAGE, schemaVersion: undefined }, 'schemaVersion'],
    [{ ...IMAGE, schemaVersion: '2' }, 'schemaVersion'],
    [{ ...IMAGE, config: undefined }, 'needs a config'],
    [{ ...IMAGE, config: [] }, 'config is not a descriptor'],
    [{ ...IMAGE, layers: undefined }, 'needs layers'],
    [{ ...IMAGE, layers: {} }, 'needs layers'],
    [{ ...INDEX, manifests: 'x' }, 'needs manifests'],
    [{ ...INDEX, manifests: [null] }, 'manifests[0] is not a descriptor'],
    [{ ...IMAGE, subject: 'x' }, 'subject is not a descriptor'],
    [{ ...IMAGE, subject: {} }, 'subject.digest'],
    [layer({ digest: 'sha256:../../x' }), 'layers[1].digest'],
    [layer({ digest: undefined }), 'layers[1].digest'],
    [layer({ digest: ['x'] }), 'layers[1].digest'],
    [layer({ size: -1 }), 'layers[1].size'],
    [layer({ size: 1.5 }), 'layers[1].size'],
    [layer({ size: 2 ** 53 }), 'layers[1].size'],
    [layer({ size: '3' }), 'layers[1].size'],
    [layer({ size: undefined }), 'layers[1].size'],
    [layer({ mediaType: 3 }), 'layers[1].mediaType'],
    [layer({ mediaType: undefined }), 'layers[1].mediaType is missing'],
    [layer({ mediaType: 'x'.repeat(256) }), 'layers[1].mediaType has 256'],
    [layer({ mediaType: 'x\0' }), 'layers[1].mediaType holds'],
    [layer({ urls: 'x' }), 'layers[1].urls'],
    [layer({ urls: [1] }), 'layers[1].urls'],
    [{ ...IMAGE, artifactType: 1 }, 'artifactType'],
    [{ ...IMAGE, artifactType: 'x'.repeat(256) }, 'artifactType'],
    [{ ...IMAGE, artifactType: 'a\ud800' }, 'artifactType'],
    [{ ...IMAGE, annotations: [] }, 'annotations'],
    [{ ...IMAGE, annotations: { a: 1 } }, 'annotations'],
    [{ ...IMAGE, annotations: { a: null } }, 'annotations'],
  ])('%#: %.0j%s', (json, sentence) => {
    expectRefused(() => parse(json), sentence);
  });

  test('more references than the limit', () => {
    const many = (count: number) => ({
      ...INDEX,
      manifests: Array.from({ length: count }, (_, i) => descriptor(i)),
    });
    expect(parse(many(LIMITS.manifestReferences)).references).toHaveLength(
      LIMITS.manifestReferences,
    );
    expectRefused(() => parse(many(LIMITS.manifestReferences + 1)), 'at most');
    const withSubject = { ...many(LIMITS.manifestReferences), subject: descriptor(1) };
    expectRefused(() => parse(withSubject), 'at most');
  });
});

describe('the content that a descriptor carries', () => {
  const content = Buffer.from('{"carried":true}');
  const hash = createHash('sha256').update(content).digest('hex');
  const config = {
    mediaType: CONFIG_TYPE,
    digest: digestOf('sha256', hash),
    size: content.length,
    data: content.toString('base64'),
  };
  const withConfig = (change: object) => ({ ...IMAGE, config: { ...config, ...change } });

  test('is accepted when it is the content', () => {
    expect(parse(withConfig({})).configDigest).toBe(config.digest);
    const digest = digestOf('sha512', createHash('sha512').update(content).digest('hex'));
    expect(parse(withConfig({ digest })).configDigest).toBe(digest);
    const empty = digestOf('sha256', createHash('sha256').digest('hex'));
    expect(parse(withConfig({ data: '', size: 0, digest: empty })).configDigest).toBe(empty);
    expect(parse(withConfig({ data: null })).configDigest).toBe(config.digest);
  });

  test('is refused in any other spelling of base64', () => {
    const bytes = Buffer.from([0xfb, 0xff]);
    const digest = digestOf('sha256', createHash('sha256').update(bytes).digest('hex'));
    const spelled = (data: string) => parse(withConfig({ digest, size: 2, data }));
    expect(spelled('+/8=').configDigest).toBe(digest);
    for (const data of ['-_8=', '+/9=', '+/8 ']) {
      expectRefused(() => spelled(data), 'config.data is not valid base64');
    }
  });

  test.each([
    ['another digest', { digest: digestNumber(1) }, 'config.digest'],
    ['another size', { size: content.length + 5 }, 'config.size'],
    ['a size that only rounds to it', { size: content.length + 1 }, 'config.size'],
    ['not a string', { data: 7 }, 'config.data'],
    ['not base64', { data: '*'.repeat(config.data.length) }, 'config.data'],
    ['base64 for URLs', { data: config.data.replace('e', '_') }, 'config.data'],
    ['base64 without its padding', { data: config.data.replaceAll('=', '') }, 'config.data'],
    ['nothing', { data: '' }, 'config.data'],
  ])('is refused: %s', (_what, change, sentence) => {
    expectRefused(() => parse(withConfig(change)), sentence);
  });
});
