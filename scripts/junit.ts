// Reads the JUnit report of `bun test`. The report leaves out files that could not be loaded and files
// without a test: the caller compares the files named here with those on disk.

export type Outcome = 'passed' | 'failed' | 'skipped';

export interface TestCase {
  readonly file: string;
  readonly name: string;
  readonly outcome: Outcome;
}

export interface Report {
  readonly cases: readonly TestCase[];
  /** Why the report cannot be trusted, or undefined. */
  readonly fault: string | undefined;
}

const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
};

function unescapeXml(text: string): string {
  return text.replace(/&(?:#(\d+)|(\w+));/g, (whole, code: string | undefined, name: string) =>
    code === undefined ? (ENTITIES[name] ?? whole) : String.fromCodePoint(Number(code)),
  );
}

function attribute(attributes: string, name: string): string {
  return unescapeXml(new RegExp(`(?:^|\\s)${name}="([^"]*)"`).exec(attributes)?.[1] ?? '');
}

function outcomeOf(body: string): Outcome {
  if (/<(failure|error)\b/.test(body)) return 'failed';
  return /<skipped\b/.test(body) ? 'skipped' : 'passed';
}

/** A case is failed when it threw, timed out or did not run for a failed hook; `todo` counts as skipped. */
export function parseReport(xml: string | undefined): Report {
  if (xml === undefined)
    return { cases: [], fault: 'bun test wrote no report: it was ended or crashed' };
  const total = /<testsuites\b([^>]*)>/.exec(xml)?.[1];
  if (total === undefined || !xml.trimEnd().endsWith('</testsuites>')) {
    return { cases: [], fault: 'the report of bun test is cut off' };
  }
  const cases = [...xml.matchAll(/<testcase\b([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g)].map(
    ([, attributes = '', body = '']): TestCase => ({
      file: attribute(attributes, 'file'),
      name: [attribute(attributes, 'classname'), attribute(attributes, 'name')]
        .filter((part) => part !== '')
        .join(' > '),
      outcome: outcomeOf(body),
    }),
  );
  const expected = Number(attribute(total, 'tests'));
  const fault =
    cases.length === expected
      ? undefined
      : `the report of bun test speaks of ${expected} tests and holds ${cases.length}`;
  return { cases, fault };
}
