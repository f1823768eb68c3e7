// Turns the results of a run into the matrix of docs/clients.md: which version of which client
// passed which check. Pure: knows JUnit's form and Markdown's, and runs nothing.

export type CheckResult = Readonly<{
  group: string;
  title: string;
  outcome: 'passed' | 'failed' | 'skipped';
}>;

export type ClientRow = Readonly<{
  name: string;
  /** For a reader: `28.2.2 (daemon 20.10.24)`. */
  version: string;
}>;

const CASE = /<testcase ([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g;
const SIGN = { passed: 'passed', failed: '**failed**', skipped: 'not checked' } as const;
/** Short: a column for each client. */
const SHARED_SIGN = { passed: 'yes', failed: '**no**', skipped: '?' } as const;
/** Clients that must have a check before it is shown side by side. */
const SHARED_BY = 3;
const START = '<!-- matrix: start -->';
const END = '<!-- matrix: end -->';

export function readResults(junit: string): readonly CheckResult[] {
  return [...junit.matchAll(CASE)].map(([, attributes = '', body = '']) => ({
    group: attributeOf(attributes, 'classname'),
    title: attributeOf(attributes, 'name'),
    outcome: outcomeOf(body),
  }));
}

export function renderMatrix(
  clients: readonly ClientRow[],
  results: readonly CheckResult[],
): string {
  const of = (name: string) => results.filter((result) => result.group === name);
  const count = (name: string, outcome: CheckResult['outcome']) =>
    of(name).filter((result) => result.outcome === outcome).length;
  const summary = clients.map(({ name, version }) =>
    row([name, version, ...(['passed', 'failed', 'skipped'] as const).map((o) => count(name, o))]),
  );
  const sections = clients.map(({ name, version }) =>
    [
      `### ${name} ${version}`.trimEnd(),
      '',
      row(['check', 'result']),
      row(['---', '---']),
      ...of(name).map((result) => row([result.title, SIGN[result.outcome]])),
    ].join('\n'),
  );
  const head = row(['client', 'version', 'passed', 'failed', 'not checked']);
  const table = [head, row(['---', '---', '---', '---', '---']), ...summary].join('\n');
  return [table, ...sharedChecks(clients, results), ...sections].join('\n\n');
}

/** The checks that several clients have by the same title, side by side. */
function sharedChecks(
  clients: readonly ClientRow[],
  results: readonly CheckResult[],
): readonly string[] {
  const titles = [...new Set(results.map((result) => result.title))];
  const outcome = (title: string, name: string) => {
    const found = results.find((result) => result.title === title && result.group === name);
    return found === undefined ? '' : SHARED_SIGN[found.outcome];
  };
  const rows = titles
    .map((title) => [title, ...clients.map(({ name }) => outcome(title, name))])
    .filter((cells) => cells.slice(1).filter((cell) => cell !== '').length >= SHARED_BY);
  if (rows.length === 0) return [];
  // A client that shares no check has no column.
  const isUsed = (column: number) => column === 0 || rows.some((cells) => cells[column] !== '');
  const used = (cells: readonly string[]) => cells.filter((_, column) => isUsed(column));
  const head = ['check', ...clients.map(({ name }) => name)];
  const lines = [head, head.map(() => '---'), ...rows].map((cells) => row(used(cells)));
  return [['### What several clients are checked for', '', ...lines].join('\n')];
}

/** The document with the part between its two marks replaced. @throws when a mark is missing. */
export function replaceMatrix(document: string, matrix: string): string {
  const start = document.indexOf(START);
  const end = document.indexOf(END);
  if (start < 0 || end < start) throw new Error(`the document lacks ${START} or ${END}`);
  const before = document.slice(0, start + START.length);
  return `${before}\n${matrix}\n${document.slice(end)}`;
}

function outcomeOf(body: string): CheckResult['outcome'] {
  if (/<(failure|error)\b/.test(body)) return 'failed';
  return body.includes('<skipped') ? 'skipped' : 'passed';
}

function attributeOf(attributes: string, name: string): string {
  const value = attributes.match(new RegExp(`(?:^|\\s)${name}="([^"]*)"`))?.[1] ?? '';
  const entities: Readonly<Record<string, string>> = {
    lt: '<',
    gt: '>',
    quot: '"',
    apos: "'",
    amp: '&',
  };
  return value.replace(/&(\w+);/g, (whole, entity: string) => entities[entity] ?? whole);
}

function row(cells: readonly (string | number)[]): string {
  return `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`;
}
