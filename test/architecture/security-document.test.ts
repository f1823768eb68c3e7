// docs/security.md says of each line of a standard which test shows it. A test that was renamed, moved or
// removed must not leave a promise behind that nothing holds.
import { describe, expect, test } from 'bun:test';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dir, '../..');
const document = readFileSync(join(root, 'docs/security.md'), 'utf8');

/** OWASP ASVS 4.0.3: of each section of chapters 2, 3, 4 and 7 the lines of levels 1 and 2. */
const LINES: Readonly<Record<string, readonly number[]>> = {
  '2.1': [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
  '2.2': [1, 2, 3],
  '2.3': [1, 2, 3],
  '2.4': [1, 2, 3, 4, 5],
  '2.5': [1, 2, 3, 4, 5, 6, 7],
  '2.6': [1, 2, 3],
  '2.7': [1, 2, 3, 4, 5, 6],
  '2.8': [1, 2, 3, 4, 5, 6, 7],
  '2.9': [1, 2, 3],
  '2.10': [1, 2, 3, 4],
  '3.1': [1],
  '3.2': [1, 2, 3, 4],
  '3.3': [1, 2, 3, 4],
  '3.4': [1, 2, 3, 4, 5],
  '3.5': [1, 2, 3],
  '3.7': [1],
  '4.1': [1, 2, 3, 5],
  '4.2': [1, 2],
  '4.3': [1, 2, 3],
  '7.1': [1, 2, 3, 4],
  '7.2': [1, 2],
  '7.3': [1, 3, 4],
  '7.4': [1, 2, 3],
};

const VERDICTS = ['met', 'partly', 'not met', 'none here'] as const;
type Verdict = (typeof VERDICTS)[number];

interface Row {
  readonly line: string;
  readonly verdict: Verdict | undefined;
  readonly tests: readonly { readonly file: string; readonly titles: readonly string[] }[];
}

const ROWS: Row[] = document
  .split('\n')
  .filter((text) => /^\| \d+\.\d+\.\d+ \|/.test(text))
  .map((text) => {
    const [, line = '', , here = '', shown = ''] = text.split('|').map((cell) => cell.trim());
    const word = /^\*\*([^*]+)\*\*/.exec(here)?.[1];
    const tests = [...shown.matchAll(/`([^`]+)`([^`]*)/g)].map(([, file = '', rest = '']) => ({
      file,
      titles: [...rest.matchAll(/"([^"]+)"/g)].map(([, title = '']) => title),
    }));
    return { line, verdict: VERDICTS.find((one) => one === word), tests };
  });

test('every line of levels 1 and 2 is there once, in order, with a verdict', () => {
  const wanted = Object.entries(LINES).flatMap(([section, lines]) =>
    lines.map((line) => `${section}.${line}`),
  );
  expect(ROWS.map(({ line }) => line)).toEqual(wanted);
  for (const { line, verdict } of ROWS) expect([line, verdict !== undefined]).toEqual([line, true]);
});

test('what is met, wholly or in part, names a test', () => {
  for (const { line, verdict, tests } of ROWS) {
    const isShown = verdict === 'met' || verdict === 'partly';
    expect([line, tests.length > 0]).toEqual([line, isShown]);
  }
});

test('the counts are those of the tables', () => {
  const count = (verdict: Verdict) => ROWS.filter((row) => row.verdict === verdict).length;
  const told = /^Met are .*$/m.exec(document)?.[0];
  expect(told).toBe(
    `Met are ${count('met')} lines, partly ${count('partly')}, not met ${count('not met')}; ${count('none here')} are about what there is none of.`,
  );
});

describe('a test that is named', () => {
  const named = ROWS.flatMap(({ line, tests }) => tests.map((one) => ({ line, ...one })));

  test.each(named)('for $line is there: $file', ({ file, titles }) => {
    expect(file).toMatch(/\.(test|suite)\.ts$/);
    expect(existsSync(join(root, file))).toBe(true);
    const source = readFileSync(join(root, file), 'utf8');
    for (const title of titles) {
      // As a text of the program, in whichever quotes; cases of a table may stand in a list.
      const isThere = ["'", '`'].some((quote) => source.includes(quote + title + quote));
      expect([title, isThere]).toEqual([title, true]);
    }
  });

  test('other files that the document names are there too', () => {
    const links = [...document.matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)].map(([, to = '']) => to);
    expect(links.length).toBeGreaterThan(3);
    for (const to of links) expect([to, existsSync(join(root, 'docs', to))]).toEqual([to, true]);
  });
});
