import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { LIMITS } from './limits.ts';
import { nextLink, parsePageSize } from './page.ts';

describe('a page size', () => {
  test.each([
    [null, undefined],
    [undefined, undefined],
    ['0', 0],
    ['1', 1],
    ['007', 7],
    ['100', 100],
    [String(LIMITS.pageSize), LIMITS.pageSize],
    [String(LIMITS.pageSize + 1), LIMITS.pageSize],
    ['9007199254740993', LIMITS.pageSize],
    ['9'.repeat(1000), LIMITS.pageSize],
  ])('%p is %p', (text, size) => {
    expect(parsePageSize(text)).toBe(size);
  });

  test.each(['', ' ', '-1', '+1', '1.5', '1e3', '0x10', 'abc', '1 ', '١', 'Infinity', 'NaN'])(
    '%j is refused',
    (text) => {
      expect(() => parsePageSize(text)).toThrow(
        expect.objectContaining({ code: 'PAGINATION_NUMBER_INVALID' }),
      );
    },
  );

  test('never lies outside the limit', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n }), (n) => {
        const size = parsePageSize(n.toString());
        expect(size).toBe(n > LIMITS.pageSize ? LIMITS.pageSize : Number(n));
      }),
    );
  });
});

describe('a link to the next page', () => {
  test('is relative, with its target first', () => {
    expect(nextLink('/v2/x/tags/list', { n: 2, last: '1.0' })).toBe(
      '</v2/x/tags/list?n=2&last=1.0>; rel="next"',
    );
  });

  test('leaves out what is absent and repeats what is a list', () => {
    expect(nextLink('/p', { n: undefined, artifactType: ['a/b', 'c+d'] })).toBe(
      '</p?artifactType=a%2Fb&artifactType=c%2Bd>; rel="next"',
    );
    expect(nextLink('/p', {})).toBe('</p>; rel="next"');
  });

  test('gives back any value to whoever parses it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.nat(), (last, n) => {
        const link = nextLink('/v2/x/tags/list', { n, last });
        const target = /^<([^<>;, "]*)>; rel="next"$/.exec(link)?.[1];
        const url = new URL(target ?? '', 'http://registry.example');
        expect(url.searchParams.get('last')).toBe(last);
        expect(url.searchParams.get('n')).toBe(String(n));
      }),
    );
  });
});
