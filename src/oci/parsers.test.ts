// What holds for every parser of this folder: whatever text comes, the answer is a value or a
// RegistryError, whose sentence has a bounded length. Anything else would become a 500.
import { describe, test } from 'bun:test';
import fc from 'fast-check';
import { ifMatchHolds, ifNoneMatchHolds, ifRangeHolds, parseEntityTags } from './condition.ts';
import { parseDigest, parseDigestAlgorithm } from './digest.ts';
import { RegistryError } from './errors.ts';
import { parseManifest } from './manifest.ts';
import { parseContentType } from './media-type.ts';
import { nextLink, parsePageSize } from './page.ts';
import { parseContentRange, parseRange } from './range.ts';
import { parseReference } from './reference.ts';
import { parseRepositoryName } from './repository-name.ts';
import { parseRoute } from './route.ts';
import { parseTag } from './tag.ts';

const PARSERS: Readonly<Record<string, (text: string) => unknown>> = {
  parseDigest,
  parseDigestAlgorithm,
  parseRepositoryName,
  parseTag,
  parseReference,
  parseContentType,
  parseContentRange,
  parseRange: (text) => parseRange(text, 1000),
  'parseRange of nothing': (text) => parseRange(text, 0),
  parseEntityTags,
  ifMatchHolds: (text) => ifMatchHolds(text, '"a"'),
  ifNoneMatchHolds: (text) => ifNoneMatchHolds(text, '"a"'),
  ifRangeHolds: (text) => ifRangeHolds(text, '"a"'),
  parsePageSize,
  nextLink: (text) => nextLink('/v2/a/tags/list', { [text]: text }),
  parseRoute,
  'parseRoute below /v2/': (text) => parseRoute(`/v2/${text}`),
  'parseRoute of a reference': (text) => parseRoute(`/v2/a/manifests/${text}`),
  'parseRoute of an upload': (text) => parseRoute(`/v2/a/blobs/uploads/${text}`),
  'parseManifest of text': (text) => parseManifest(Buffer.from(text), undefined),
  'parseManifest with a content type': (text) => parseManifest(Buffer.from('{}'), text),
};

/** Any text, and text made of the pieces that the grammars are made of. */
const pieces = fc.constantFrom(
  ...['/', '%', '%2F', '%00', '%c3', '..', ':', '-', ',', '"', 'W/', '*', 'bytes', '=', ' ', '\t'],
  ...['v2', '_catalog', 'manifests', 'blobs', 'uploads', 'tags', 'list', 'referrers', 'sha256'],
  ...['0', '1', '99999999999999999999', 'a', 'A', '\0', '\ud800', 'é', '{', '[', '"layers"'],
);
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
  fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
  fc.array(pieces, { maxLength: 30 }).map((parts) => parts.join('')),
);

describe('a parser throws nothing but a RegistryError', () => {
  for (const [name, parse] of Object.entries(PARSERS)) {
    test(name, () => {
      fc.assert(
        fc.property(text, (input) => isValueOrRefusal(() => parse(input))),
        { numRuns: 1000 },
      );
    });
  }
});

describe('a long input is answered in a short sentence', () => {
  for (const [name, parse] of Object.entries(PARSERS)) {
    test.each(['a', ' ', '\t', '-', '/', '"', ',', '_', '%41', 'a/', '0-1,', '"a",', 'sha256:'])(
      `${name} of many %j`,
      (piece) => {
        const input = piece.repeat(20_000);
        if (!isValueOrRefusal(() => parse(input))) throw new Error('not a RegistryError');
      },
    );
  }
});

function isValueOrRefusal(act: () => unknown): boolean {
  try {
    act();
    return true;
  } catch (error) {
    return error instanceof RegistryError && error.message.length < 1000;
  }
}
