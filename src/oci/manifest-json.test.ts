// The bytes of a manifest, before anyone asks what they mean.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { LIMITS } from './limits.ts';
import { parseManifestJson } from './manifest-json.ts';

function nested(depth: number, inside = ''): string {
  return `${'{"a":'.repeat(depth - 1)}{${inside}}${'}'.repeat(depth - 1)}`;
}

function expectRefused(bytes: Uint8Array, sentence: string): void {
  expect(() => parseManifestJson(bytes)).toThrow(
    expect.objectContaining({
      code: 'MANIFEST_INVALID',
      message: expect.stringContaining(sentence),
    }),
  );
}

describe('refused', () => {
  test.each([
    ['', 'empty'],
    ['null', 'not a JSON object'],
    ['[]', 'not a JSON object'],
    ['7', 'not a JSON object'],
    ['"x"', 'not a JSON object'],
    ['{', 'not valid JSON'],
    ['{"a":1', 'not valid JSON'],
    ['{"a":"', 'not valid JSON'],
    ['{"a":"\\', 'not valid JSON'],
    ['{} {}', 'not valid JSON'],
    ['{a:1}', 'not valid JSON'],
    ['\uFEFF{}', 'byte order mark'],
    [nested(LIMITS.manifestJsonDepth + 1), 'nested deeper'],
    ['['.repeat(1_000_000), 'nested deeper'],
    ['{"a":['.repeat(1_000_000), 'nested deeper'],
  ])('%.20j', (text, sentence) => {
    expectRefused(Buffer.from(text), sentence);
  });

  test.each([[[0xff]], [[0xc0, 0x80]], [[0xed, 0xa0, 0x80]], [[0xe2, 0x82]]])(
    'a string with the bytes %j',
    (bytes) => {
      const text = Buffer.concat([Buffer.from('{"a":"'), Buffer.from(bytes), Buffer.from('"}')]);
      expectRefused(text, 'UTF-8');
    },
  );

  test('UTF-16', () => expectRefused(Buffer.from('{"a":1}', 'utf16le'), 'not valid JSON'));
});

describe('accepted', () => {
  test('as deep as the limit', () => {
    expect(parseManifestJson(Buffer.from(nested(LIMITS.manifestJsonDepth)))).toBeObject();
  });

  test('brackets in a string, whatever is escaped before its end', () => {
    const brackets = '[{'.repeat(LIMITS.manifestJsonDepth);
    for (const text of [brackets, `"${brackets}`, `\\${brackets}\\`, `\\"${brackets}"\\\\`]) {
      const json = { [text]: text, after: {} };
      expect(parseManifestJson(Buffer.from(JSON.stringify(json)))).toEqual(json);
    }
  });

  test('a quote after an even number of backslashes ends the string', () => {
    const json = `{"a":"\\\\","b":${'['.repeat(LIMITS.manifestJsonDepth)}`;
    expectRefused(Buffer.from(json), 'nested deeper');
  });

  test('any JSON object', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()), (json) => {
        const text = JSON.stringify(json);
        expect(parseManifestJson(Buffer.from(text))).toEqual(JSON.parse(text));
      }),
    );
  });
});
