// Manifests that nobody wrote: arbitrary JSON, and valid manifests with something changed.
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { isDigest } from './digest.ts';
import { RegistryError } from './errors.ts';
import { type Manifest, parseManifest } from './manifest.ts';
import {
  DOCKER_MANIFEST,
  DOCKER_MANIFEST_LIST,
  isMediaType,
  OCI_INDEX,
  OCI_MANIFEST,
} from './media-type.ts';

const digest = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((bytes) => `sha256:${Buffer.from(bytes).toString('hex')}`);
const descriptor = fc.record({
  mediaType: fc.constantFrom('application/x', 'application/vnd.oci.image.layer.v1.tar+gzip', ''),
  digest,
  size: fc.maxSafeNat(),
});
const common = {
  schemaVersion: fc.constant(2),
  artifactType: fc.constantFrom('', 'application/a'),
  annotations: fc.dictionary(fc.string(), fc.string()),
  subject: descriptor,
};
const image = fc.record(
  {
    ...common,
    mediaType: fc.constantFrom(OCI_MANIFEST, DOCKER_MANIFEST),
    config: descriptor,
    layers: fc.array(descriptor),
  },
  { requiredKeys: ['schemaVersion', 'mediaType', 'config', 'layers'] },
);
const index = fc.record(
  {
    ...common,
    mediaType: fc.constantFrom(OCI_INDEX, DOCKER_MANIFEST_LIST),
    manifests: fc.array(descriptor),
  },
  { requiredKeys: ['schemaVersion', 'mediaType', 'manifests'] },
);
const valid = fc.oneof(image, index);

/** The manifest, or undefined when it was refused as it should be. */
function parseOrRefuse(bytes: Uint8Array, contentType?: string): Manifest | undefined {
  try {
    return parseManifest(bytes, contentType);
  } catch (error) {
    if (error instanceof RegistryError && error.code === 'MANIFEST_INVALID') return undefined;
    throw error;
  }
}

/** What everyone may rely on who has a Manifest in hand. */
function checkPromises(manifest: Manifest): void {
  expect(isMediaType(manifest.mediaType)).toBeTrue();
  expect(manifest.mediaType.toLowerCase()).toStartWith('application/');
  expect(manifest.artifactType).not.toBe('');
  const keys = manifest.references.map((reference) => `${reference.kind} ${reference.digest}`);
  expect(new Set(keys).size).toBe(keys.length);
  for (const reference of manifest.references) {
    expect(isDigest(reference.digest)).toBeTrue();
    expect(Number.isSafeInteger(reference.size) && reference.size >= 0).toBeTrue();
  }
  const kinds = new Set(manifest.references.map((reference) => reference.kind));
  expect(kinds.has('subject')).toBe(manifest.subject !== undefined);
  expect(kinds.has('config')).toBe(manifest.configDigest !== undefined);
  if (manifest.subject !== undefined) {
    expect(manifest.references.at(-1)).toMatchObject({ kind: 'subject', digest: manifest.subject });
  }
}

test('a valid manifest names everything that it was built from', () => {
  fc.assert(
    fc.property(valid, (json) => {
      const manifest = parseManifest(Buffer.from(JSON.stringify(json)), json.mediaType);
      checkPromises(manifest);
      expect(manifest.kind).toBe('layers' in json ? 'image' : 'index');
      const parts = 'layers' in json ? [json.config, ...json.layers] : json.manifests;
      const named = json.subject === undefined ? parts : [...parts, json.subject];
      const found = manifest.references.map((reference) => reference.digest as string);
      expect(new Set(found)).toEqual(new Set(named.map((part) => part.digest)));
    }),
  );
});

test('arbitrary JSON is refused or keeps every promise', () => {
  fc.assert(
    fc.property(fc.json(), fc.constantFrom(undefined, OCI_MANIFEST, OCI_INDEX), (text, type) => {
      const manifest = parseOrRefuse(Buffer.from(text), type);
      if (manifest !== undefined) checkPromises(manifest);
    }),
    { numRuns: 1000 },
  );
});

test('arbitrary bytes are refused', () => {
  fc.assert(fc.property(fc.uint8Array(), (bytes) => parseOrRefuse(bytes) === undefined));
});

test('a valid manifest with one value replaced is refused or keeps every promise', () => {
  let accepted = 0;
  let refused = 0;
  fc.assert(
    fc.property(valid, fc.nat(), fc.jsonValue(), (json, where, value) => {
      const copy: unknown = JSON.parse(JSON.stringify(json));
      replaceValue(copy, where, value);
      const manifest = parseOrRefuse(Buffer.from(JSON.stringify(copy)));
      if (manifest !== undefined) checkPromises(manifest);
      manifest === undefined ? refused++ : accepted++;
    }),
    { numRuns: 1000 },
  );
  // Else the replacement would miss, or hit so hard that only the parser of JSON is tried.
  expect(accepted).toBeGreaterThan(0);
  expect(refused).toBeGreaterThan(0);
});

test('a valid manifest with bytes changed or cut off is refused or keeps every promise', () => {
  fc.assert(
    fc.property(valid, fc.nat(), fc.nat(255), fc.boolean(), (json, where, byte, cut) => {
      const bytes = Buffer.from(JSON.stringify(json));
      bytes[where % bytes.length] = byte;
      const changed = cut ? bytes.subarray(0, where % bytes.length) : bytes;
      const manifest = parseOrRefuse(changed);
      if (cut) expect(manifest).toBeUndefined();
      else if (manifest !== undefined) checkPromises(manifest);
    }),
    { numRuns: 1000 },
  );
});

/** Replaces the value at the n-th place of the tree, counted over all objects and arrays. */
function replaceValue(root: unknown, n: number, value: unknown): void {
  const places: [Record<string, unknown>, string][] = [];
  const visit = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    const record = node as Record<string, unknown>;
    for (const key of Object.keys(record)) {
      places.push([record, key]);
      visit(record[key]);
    }
  };
  visit(root);
  const place = places[n % places.length];
  if (place !== undefined) place[0][place[1]] = value;
}
