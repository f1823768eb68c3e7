// Counts of `npm test` must be true: every way in which a test can fail to pass is tried with the real
// `bun test`, because its report leaves some of them out.
import { afterAll, expect, test } from 'bun:test';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runBounded } from './bounded-process.ts';
import { judgeGroup, judgeTool, parseAllowedSkips, type Tally } from './test-result.ts';

const requires = JSON.stringify(join(import.meta.dir, '../test/support/requires.ts'));
const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

interface Options {
  readonly limitSeconds?: number;
  readonly allowed?: string;
}

async function judge(files: Record<string, string>, options: Options = {}): Promise<Tally> {
  const folder = mkdtempSync(join(tmpdir(), 'entrepot-stage-'));
  folders.push(folder);
  mkdirSync(join(folder, 'group'));
  for (const [name, body] of Object.entries(files)) {
    writeFileSync(
      join(folder, 'group', name),
      `import { test, expect, beforeAll } from 'bun:test';\n${body}`,
    );
  }
  const report = join(folder, 'report.xml');
  const skips = join(folder, 'skips');
  writeFileSync(skips, '');
  const limitSeconds = options.limitSeconds ?? 15;
  const result = await runBounded({
    command: [
      process.execPath,
      'test',
      '--reporter=junit',
      `--reporter-outfile=${report}`,
      './group',
    ],
    cwd: folder,
    env: { ...process.env, CI: undefined, ENTREPOT_TEST_SKIPS: skips },
    limitSeconds,
    logFile: join(folder, 'log'),
    signal: new AbortController().signal,
  });
  return judgeGroup({
    result,
    limitSeconds,
    report: existsSync(report) ? readFileSync(report, 'utf8') : undefined,
    files: Object.keys(files).map((name) => `group/${name}`),
    skips: readFileSync(skips, 'utf8').split('\n').filter(Boolean),
    allowedSkips: options.allowed === undefined ? undefined : parseAllowedSkips(options.allowed),
  });
}

test('what passes is counted, in every file', async () => {
  const tally = await judge({
    'a.test.ts': `test('one', () => {}); test.each([1, 2])('two <&"> %p', () => {});`,
    'b.test.ts': `test('three', () => {});`,
  });
  expect(tally).toEqual({ passed: 4, failures: [], skips: [] });
});

test('a failed expectation, a throw, a failed hook and a time limit are failures', async () => {
  const tally = await judge({
    'a.test.ts': `test('good', () => {}); test('wrong', () => expect(1).toBe(2)); test('throws', () => { throw new Error('x'); });`,
    'b.test.ts': `test('hangs', () => new Promise(() => {}), 50);`,
    'c.test.ts': `beforeAll(() => { throw new Error('x'); }); test('never runs', () => {});`,
  });
  expect(tally.passed).toBe(1);
  expect(tally.failures).toHaveLength(4);
  expect(tally.failures).toContain('group/a.test.ts: wrong');
  expect(tally.failures).toContain('group/b.test.ts: hangs');
});

test('a file that cannot be loaded and a file without a test are failures', async () => {
  const tally = await judge({
    'a.test.ts': `test('good', () => {});`,
    'b.test.ts': `import './nothing.ts'; test('never', () => {});`,
    'c.test.ts': `throw new Error('x');`,
    'd.test.ts': `export const nothing = 1;`,
  });
  expect(tally.passed).toBe(1);
  expect(tally.failures.map((failure) => failure.split(':')[0])).toEqual([
    'group/b.test.ts',
    'group/c.test.ts',
    'group/d.test.ts',
  ]);
});

test('a group without a test file is a failure', async () => {
  expect((await judge({})).failures).toContain('the group holds no test file');
});

test('a group that never ends is ended, and a group that ends itself early is a failure', async () => {
  const endless = await judge(
    { 'a.test.ts': `test('spins', () => { for (;;); });` },
    { limitSeconds: 1 },
  );
  expect(endless).toEqual({ passed: 0, failures: ['ended after its limit of 1 s'], skips: [] });
  const early = await judge({ 'a.test.ts': `test('leaves', () => process.exit(0));` });
  expect(early.passed).toBe(0);
  expect(early.failures).not.toEqual([]);
}, 20_000);

test('a skip with a reason is a skip, and one without is a failure', async () => {
  const reasoned = `import { requires } from ${requires}; const t = requires('crane', false, 'not here'); t('a', () => {}); t('b', () => {});`;
  expect(await judge({ 'a.test.ts': reasoned })).toEqual({
    passed: 0,
    failures: [],
    skips: ['crane: not here', 'crane: not here'],
  });
  const bare = await judge({ 'a.test.ts': `test.skip('a', () => {}); test.todo('b');` });
  expect(bare.failures).toEqual([
    '2 of these are skipped without a reason (use requires()): group/a.test.ts: a; group/a.test.ts: b',
  ]);
});

test('with a list of allowed skips, any other is a failure', async () => {
  const files = {
    'a.test.ts': `import { requires } from ${requires}; requires('crane', false, 'not  here')('a', () => {});`,
  };
  expect((await judge(files, { allowed: '# none\ncrane: not here\n' })).failures).toEqual([]);
  expect((await judge(files, { allowed: 'crane: broken\n' })).failures).toEqual([
    'skipped, and not in .ci/allowed-skips.txt: crane: not here',
  ]);
});

test('a report that is cut off is a failure', () => {
  const run = {
    result: { exitCode: 0, timedOut: false },
    limitSeconds: 1,
    files: ['a.test.ts'],
    skips: [],
    allowedSkips: undefined,
  };
  const xml = '<testsuites tests="2"><testcase name="x" file="a.test.ts" />';
  expect(judgeGroup({ ...run, report: xml }).failures).toEqual([
    'the report of bun test is cut off',
  ]);
  expect(judgeGroup({ ...run, report: `${xml}</testsuites>` }).failures).toEqual([
    'the report of bun test speaks of 2 tests and holds 1',
  ]);
});

test('a tool passes by its exit code alone', () => {
  expect(judgeTool({ exitCode: 0, timedOut: false }, 9).passed).toBe(1);
  expect(judgeTool({ exitCode: 2, timedOut: false }, 9).failures).toEqual(['exit code 2']);
  expect(judgeTool({ exitCode: undefined, timedOut: true }, 9).failures).toEqual([
    'ended after its limit of 9 s',
  ]);
});
