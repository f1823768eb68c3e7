// The matcher of all patterns, against one that is simple and slow.
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { matchesGlob } from './glob.ts';

const letters = fc.constantFrom('a', '/', '*', '*', '?', '😀');
const pattern = fc.array(letters, { maxLength: 6 }).map((parts) => parts.join(''));
const text = fc
  .array(fc.constantFrom('a', 'b', '/', '-', '😀'), { maxLength: 8 })
  .map((parts) => parts.join(''));

/** Tries every length that a star can have. */
function backtracking(parts: readonly string[], rest: readonly string[], isPath: boolean): boolean {
  const [part, ...others] = parts;
  if (part === undefined) return rest.length === 0;
  const [character, ...more] = rest;
  if (part.startsWith('*')) {
    if (backtracking(others, rest, isPath)) return true;
    const stops = isPath && part === '*' && character === '/';
    return character !== undefined && !stops && backtracking(parts, more, isPath);
  }
  if (character === undefined) return false;
  const fits = part === '?' ? !(isPath && character === '/') : part === character;
  return fits && backtracking(others, more, isPath);
}

function reference(glob: string, subject: string, isPath: boolean): boolean {
  const parts: string[] = [];
  for (const character of glob) {
    const last = parts.at(-1);
    // A run of stars is one part.
    if (character === '*' && last?.startsWith('*')) parts[parts.length - 1] = `${last}*`;
    else parts.push(character);
  }
  return backtracking(parts, [...subject], isPath);
}

test('answers as the simple matcher does', () => {
  let matched = 0;
  fc.assert(
    fc.property(pattern, text, fc.boolean(), (glob, subject, isPath) => {
      const expected = reference(glob, subject, isPath);
      if (expected && /[*?]/.test(glob)) matched += 1;
      expect(matchesGlob(glob, subject, { isPath })).toBe(expected);
    }),
    { numRuns: 10_000 },
  );
  expect(matched).toBeGreaterThan(300);
});

const CASES: readonly [pattern: string, text: string, inPaths: boolean, elsewhere: boolean][] = [
  ['', '', true, true],
  ['', 'a', false, false],
  ['*', '', true, true],
  ['*', 'a/b', false, true],
  ['**', 'a/b', true, true],
  ['a*c', 'abbc', true, true],
  ['a*c', 'a/c', false, true],
  ['a**c', 'a/c', true, true],
  ['a/*/c', 'a//c', true, true],
  ['?', '/', false, true],
  ['?', '', false, false],
  ['?', '😀', true, true],
  ['😀*', '😀a', true, true],
  ['.', 'a', false, false],
  ['a+', 'aa', false, false],
  ['[a]', 'a', false, false],
  ['(a|b)', 'a', false, false],
  ['\\*', '\\anything', true, true],
  ['a*', 'a\nb', true, true],
];

test.each(CASES)('%j and %j', (glob, subject, inPaths, elsewhere) => {
  expect(matchesGlob(glob, subject, { isPath: true })).toBe(inPaths);
  expect(matchesGlob(glob, subject, { isPath: false })).toBe(elsewhere);
});

/** Counts how often the matcher looks at a part of the pattern. */
function stepsOf(glob: string, subject: string): number {
  let steps = 0;
  const parts = new Proxy(glob.match(/\*+|[^*]/gu) ?? [], {
    get(target, key) {
      if (typeof key === 'string' && /^\d+$/.test(key)) steps += 1;
      return Reflect.get(target, key);
    },
  });
  const counted = { match: () => parts } as unknown as string;
  // Where slashes mean nothing, pieces are looked for instead, each at most once from each place of the text.
  matchesGlob(counted, subject, { isPath: true });
  return steps;
}

test.each([
  ['many stars', '*a'.repeat(60), `${'a'.repeat(500)}b`],
  ['stars and questions', '*?'.repeat(60), 'a'.repeat(500)],
  ['nested repetition', `${'*a*'.repeat(40)}b`, 'a'.repeat(500)],
])('no pattern is slow: %s', (_, glob, subject) => {
  const steps = stepsOf(glob, subject);
  expect(steps).toBeGreaterThan(subject.length);
  // Each place of the pattern once, and once more behind a star, for each character.
  expect(steps).toBeLessThanOrEqual(3 * (glob.length + 1) * (subject.length + 1));
});
