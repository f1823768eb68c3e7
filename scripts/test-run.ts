// `npm test`: runs the stages one after the other, goes on after a failed one, shows failures in full
// at the end, and closes with one plain line: N passed, N failed, N skipped.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { Glob } from 'bun';
import { binariesMissing, startServer } from '../test/support/postgres-server.ts';
import { type BoundedResult, runBounded } from './bounded-process.ts';
import { judgeGroup, judgeTool, parseAllowedSkips, type Tally } from './test-result.ts';
import { chooseStages, type Stage, stagesOf, type TestGroup } from './test-stages.ts';

/** Beyond this the log file is named instead. */
const SHOWN_LINES = 400;
/** What a stage was doing when its time was up. */
const LAST_LINES = 40;

const root = resolve(import.meta.dir, '..');
const logs = join(root, '.cache/test');
const interrupted = new AbortController();

interface StageRun {
  readonly stage: Stage;
  readonly tally: Tally;
  readonly log: string;
  readonly timedOut: boolean;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function readIfThere(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

function allowedSkips(): Set<string> | undefined {
  if (process.env.CI !== 'true') return undefined;
  return parseAllowedSkips(readIfThere(join(root, '.ci/allowed-skips.txt')) ?? '');
}

function testFiles(group: TestGroup): string[] {
  return group.paths.flatMap((path) => {
    if (path.endsWith('.ts')) return [relative(root, resolve(root, path))];
    return [...new Glob('**/*.test.ts').scanSync({ cwd: join(root, path) })].map((file) =>
      join(path, file),
    );
  });
}

function execute(
  stage: Stage,
  command: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<BoundedResult> {
  return runBounded({
    command: [process.execPath, ...command],
    cwd: root,
    env: { ...process.env, ...env },
    limitSeconds: stage.limitSeconds,
    logFile: join(logs, `${stage.name}.log`),
    signal: interrupted.signal,
  });
}

async function runGroup(
  group: TestGroup,
  postgresUrl: string | undefined,
): Promise<[Tally, boolean]> {
  const report = join(logs, `${group.name}.xml`);
  const skips = join(logs, `${group.name}.skips`);
  rmSync(report, { force: true });
  writeFileSync(skips, '');
  const command = [
    'test',
    `--timeout=${group.testLimitSeconds * 1000}`,
    '--reporter=junit',
    `--reporter-outfile=${report}`,
    ...group.paths.map((path) => (/^[./]/.test(path) ? path : `./${path}`)),
  ];
  const env: NodeJS.ProcessEnv = { ENTREPOT_TEST_SKIPS: skips };
  if (postgresUrl !== undefined) env.ENTREPOT_TEST_POSTGRES = postgresUrl;
  const result = await execute(group, command, env);
  const tally = judgeGroup({
    result,
    limitSeconds: group.limitSeconds,
    report: readIfThere(report),
    files: testFiles(group),
    skips: readFileSync(skips, 'utf8').split('\n').filter(Boolean),
    allowedSkips: allowedSkips(),
  });
  return [tally, result.timedOut];
}

async function runStage(stage: Stage, postgresUrl: string | undefined): Promise<StageRun> {
  say(`\n== ${stage.name}: ${stage.about}`);
  const started = performance.now();
  const log = join(logs, `${stage.name}.log`);
  let tally: Tally;
  let timedOut = false;
  if (stage.kind === 'tool') {
    const [script = '', ...args] = stage.command;
    const result = await execute(stage, [join(root, 'node_modules', script), ...args], {});
    tally = judgeTool(result, stage.limitSeconds);
    timedOut = result.timedOut;
  } else {
    [tally, timedOut] = await runGroup(stage, postgresUrl);
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  say(
    `   ${tally.passed} passed, ${tally.failures.length} failed, ${tally.skips.length} skipped in ${seconds} s (limit ${stage.limitSeconds} s)`,
  );
  return { stage, tally, log, timedOut };
}

/** Leaves out what passed, and the names of files of which nothing else is left. */
function withoutPassed(lines: readonly string[]): string[] {
  const kept = lines.filter((line) => !/^\((pass|skip)\) /.test(line) && line.trim() !== '');
  const isHeading = (line: string | undefined): boolean => /^\S+\.test\.ts:$/.test(line ?? '');
  return kept.filter(
    (line, index) =>
      !isHeading(line) || !(isHeading(kept[index + 1]) || kept[index + 1] === undefined),
  );
}

function showFailure({ stage, tally, log, timedOut }: StageRun): void {
  say(`\n-- ${stage.name} failed (all it said: ${relative(root, log)})`);
  const lines = (readIfThere(log) ?? '').split('\n');
  const shown = withoutPassed(lines);
  say((timedOut ? lines.slice(-LAST_LINES) : shown.slice(0, SHOWN_LINES)).join('\n'));
  if (!timedOut && shown.length > SHOWN_LINES)
    say(`… and ${shown.length - SHOWN_LINES} lines more`);
  for (const failure of tally.failures) say(`FAILED ${stage.name}: ${failure}`);
}

function showSkips(runs: readonly StageRun[]): void {
  const counts = new Map<string, number>();
  for (const skip of runs.flatMap((run) => run.tally.skips)) {
    counts.set(skip, (counts.get(skip) ?? 0) + 1);
  }
  if (counts.size > 0) say('\nSkipped:');
  for (const [skip, count] of counts) say(`  ${count} × ${skip}`);
}

async function main(): Promise<void> {
  const args = process.argv.slice(2);
  const stages = stagesOf(root);
  if (args.includes('--list')) {
    for (const stage of stages)
      say(`${stage.name.padEnd(14)}${stage.about} (at most ${stage.limitSeconds} s)`);
    return;
  }
  const chosen = chooseStages(stages, args);
  if (typeof chosen === 'string') {
    say(chosen);
    process.exitCode = 2;
    return;
  }
  mkdirSync(logs, { recursive: true });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => interrupted.abort());
  }
  const needsPostgres =
    chosen.some((stage) => stage.kind === 'tests') && binariesMissing() === undefined;
  const server = needsPostgres ? await startServer() : undefined;
  const runs: StageRun[] = [];
  try {
    for (const stage of chosen) {
      if (!interrupted.signal.aborted) runs.push(await runStage(stage, server?.url));
    }
  } finally {
    await server?.stop();
  }
  for (const run of runs.filter((one) => one.tally.failures.length > 0)) showFailure(run);
  showSkips(runs);
  const total = (count: (tally: Tally) => number): number =>
    runs.reduce((sum, run) => sum + count(run.tally), 0);
  const failed = total((tally) => tally.failures.length) + (interrupted.signal.aborted ? 1 : 0);
  if (interrupted.signal.aborted) say('\nInterrupted: the stages that follow did not run.');
  say(
    `\n${total((tally) => tally.passed)} passed, ${failed} failed, ${total((tally) => tally.skips.length)} skipped`,
  );
  process.exitCode = failed === 0 ? 0 : 1;
}

await main();
