import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { LIMITS } from './limits.ts';
import { isRepositoryName, namespaceOf, parseRepositoryName } from './repository-name.ts';

const word = fc.stringMatching(/^[a-z0-9]{1,6}$/);
const separator = fc.constantFrom('.', '_', '__', '-', '---');
const part = fc
  .tuple(word, fc.array(fc.tuple(separator, word), { maxLength: 3 }))
  .map(([first, rest]) => first + rest.map(([between, next]) => between + next).join(''));
const anyRepositoryName = fc
  .array(part, { minLength: 1, maxLength: 6 })
  .map((parts) => parts.join('/'))
  .filter((name) => name.length <= LIMITS.repositoryNameLength);

test('a name made by the grammar is accepted', () => {
  fc.assert(fc.property(anyRepositoryName, isRepositoryName));
});

test('what is accepted is what the expression of the spec accepts', () => {
  const spec = /^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$/;
  const nearly = fc
    .array(fc.constantFrom('a', '7', '.', '_', '-', '/', 'A', ' ', 'é', '\n'), { maxLength: 12 })
    .map((letters) => letters.join(''));
  fc.assert(
    fc.property(nearly, (text) => expect(isRepositoryName(text)).toBe(spec.test(text))),
    { numRuns: 5_000 },
  );
});

test('the namespace is what stands before the last part', () => {
  expect(namespaceOf(parseRepositoryName('team/backend/api'))).toBe('team/backend');
  expect(namespaceOf(parseRepositoryName('alpine'))).toBe('');
});

describe('accepted', () => {
  test.each(['a', '0', 'a/b/c', 'a__b', 'a--b', 'x/tags', 'x/blobs/uploads', 'a'.repeat(255)])(
    '%s',
    (name) => expect(isRepositoryName(name)).toBeTrue(),
  );
});

describe('refused', () => {
  test.each([
    ['', 'lower-case'],
    ['A', 'Use lower case'],
    ['a//b', 'parts'],
    ['/a', 'parts'],
    ['a/', 'parts'],
    ['a/../b', 'parts'],
    ['.a', 'parts'],
    ['a.', 'parts'],
    ['a___b', 'parts'],
    ['a._b', 'parts'],
    ['a b', 'parts'],
    ['a\0', 'parts'],
    ['a\n', 'parts'],
    ['é', 'parts'],
    ['a'.repeat(256), 'at most 255'],
    ['a/'.repeat(5000), 'at most 255'],
  ])('%j', (name, sentence) => {
    expect(() => parseRepositoryName(name)).toThrow(
      expect.objectContaining({ code: 'NAME_INVALID', message: expect.stringContaining(sentence) }),
    );
  });
});
