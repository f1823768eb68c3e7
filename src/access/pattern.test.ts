// Patterns of names and tags, as they stand in grants and tokens.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { isAtOrBelow, literalPrefix, matchesPath, matchesTag } from './pattern.ts';
import { arbitraryPath, arbitraryPathPattern } from './suite-arbitraries.ts';

const PATHS: Readonly<Record<string, { fits: readonly string[]; not: readonly string[] }>> = {
  '**': { fits: ['', 'team', 'team/app', 'a/b/c/d'], not: [] },
  '': { fits: [''], not: ['team'] },
  team: { fits: ['team'], not: ['', 'team/app', 'team-b', 'tea'] },
  'team/**': { fits: ['team', 'team/app', 'team/a/b'], not: ['', 'team-b', 'team-b/app', 'tea'] },
  'team/*': { fits: ['team/app'], not: ['team', 'team/a/b', 'team-b/app'] },
  '*': { fits: ['team'], not: ['', 'team/app'] },
  '***': { fits: ['team', 'team/app'], not: [''] },
  '/**': { fits: [], not: ['', 'team', 'team/app'] },
  '*/app': { fits: ['team/app'], not: ['app', 'a/b/app', 'team/app/x'] },
  '**/app': { fits: ['team/app', 'a/b/app'], not: ['app', 'team/app/x', 'team/my-app'] },
  '*/app/**': { fits: ['team/app', 'team/app/x/y'], not: ['app', 'team', 'team/app-b'] },
  'team*': { fits: ['team', 'team-b'], not: ['team/app', 'my-team'] },
  'team-?': { fits: ['team-b'], not: ['team', 'team-bc', 'team-', 'team-b/app'] },
  'team-?/**': { fits: ['team-b', 'team-b/app'], not: ['team', 'team-bc/app'] },
};

describe.each(Object.entries(PATHS))('the path pattern "%s"', (pattern, { fits, not }) => {
  test('means what it says', () => {
    expect(fits.filter((path) => !matchesPath(pattern, path))).toEqual([]);
    expect(not.filter((path) => matchesPath(pattern, path))).toEqual([]);
  });
});

test('a pattern matches nothing outside its literal prefix', () => {
  let matched = 0;
  fc.assert(
    fc.property(arbitraryPathPattern, arbitraryPath, (pattern, path) => {
      if (!matchesPath(pattern, path)) return;
      matched += 1;
      expect(path.startsWith(literalPrefix(pattern))).toBe(true);
    }),
    { numRuns: 5_000 },
  );
  expect(matched).toBeGreaterThan(500);
});

test('a literal prefix bounds a listing as closely as it can', () => {
  expect(
    ['team/**', 'team/*', 'te*', 'team/app', '**', '*/app', 'team-?', 't**'].map(literalPrefix),
  ).toEqual(['team', 'team/', 'te', 'team/app', '', '', 'team-', 't']);
});

test('what lies below a path begins with it and a slash', () => {
  fc.assert(
    fc.property(arbitraryPath, arbitraryPath, (path, top) => {
      const parts = top === '' ? [] : top.split('/');
      const begins = path === '' ? [] : path.split('/').slice(0, parts.length);
      expect(isAtOrBelow(path, top)).toBe(begins.join('/') === top);
    }),
    { numRuns: 2_000 },
  );
  expect(isAtOrBelow('team-b', 'team')).toBe(false);
  expect(isAtOrBelow('team', 'team-b')).toBe(false);
  expect(isAtOrBelow('', 'team')).toBe(false);
});

const TAGS: readonly [patterns: string[], tag: string, isMatched: boolean][] = [
  [['prod-*'], 'prod-1', true],
  [['prod-*'], 'preprod-1', false],
  [['v?'], 'v1', true],
  [['v?'], 'v12', false],
  [['!prod-*'], 'v1', true],
  [['!prod-*'], 'prod-1', false],
  [['!prod-*', 'prod-1'], 'prod-1', true],
  [['!prod-*', 'prod-1'], 'v1', false],
  [['*', '!prod-*'], 'prod-1', false],
  [['*', '!prod-*', 'prod-1'], 'prod-1', true],
  [['!*'], 'v1', false],
  [[], 'v1', false],
];

test.each(TAGS)('the tag patterns %j and the tag %s: %p', (patterns, tag, isMatched) => {
  expect(matchesTag(patterns, tag)).toBe(isMatched);
});
