// Judges one stage: what passed, failed and was skipped, and why. Nothing that did not run counts as
// passed: a file without a test, a report that is cut off and an exit code without a failure are failures.
import type { BoundedResult } from './bounded-process.ts';
import { parseReport } from './junit.ts';

export interface Tally {
  readonly passed: number;
  /** One line each. */
  readonly failures: readonly string[];
  /** Reasons, one for each skipped test. */
  readonly skips: readonly string[];
}

/** Reads `.ci/allowed-skips.txt`: one `requirement: reason` a line, `#` for comments. */
export function parseAllowedSkips(text: string): Set<string> {
  return new Set(
    text
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '' && !line.startsWith('#')),
  );
}

export function judgeTool(result: BoundedResult, limitSeconds: number): Tally {
  if (result.timedOut) {
    return { passed: 0, failures: [`ended after its limit of ${limitSeconds} s`], skips: [] };
  }
  return result.exitCode === 0
    ? { passed: 1, failures: [], skips: [] }
    : {
        passed: 0,
        failures: [`exit code ${result.exitCode ?? 'none (ended by a signal)'}`],
        skips: [],
      };
}

export interface GroupRun {
  readonly result: BoundedResult;
  readonly limitSeconds: number;
  readonly report: string | undefined;
  /** Test files on disk, relative to the checkout, with `/`. */
  readonly files: readonly string[];
  /** Lines that `requires` wrote. */
  readonly skips: readonly string[];
  /** Undefined: every reason will do. */
  readonly allowedSkips: ReadonlySet<string> | undefined;
}

export function judgeGroup(run: GroupRun): Tally {
  const { cases, fault } = parseReport(run.report);
  const failures = cases
    .filter((one) => one.outcome === 'failed')
    .map((one) => `${one.file}: ${one.name}`);
  if (run.files.length === 0) failures.push('the group holds no test file');
  if (run.result.timedOut) failures.push(`ended after its limit of ${run.limitSeconds} s`);
  else if (fault !== undefined) failures.push(fault);
  if (fault === undefined) {
    const seen = new Set(cases.map((one) => one.file));
    const silent = run.files.filter((file) => !seen.has(file));
    failures.push(...silent.map((file) => `${file}: could not be loaded, or holds no test`));
  }
  const skipped = cases.filter((one) => one.outcome === 'skipped').length;
  if (skipped > run.skips.length) {
    const names = cases
      .filter((one) => one.outcome === 'skipped')
      .map((one) => `${one.file}: ${one.name}`);
    failures.push(
      `${skipped - run.skips.length} of these are skipped without a reason (use requires()): ${names.join('; ')}`,
    );
  }
  const { allowedSkips } = run;
  if (allowedSkips !== undefined) {
    const refused = new Set(run.skips.filter((skip) => !allowedSkips.has(skip)));
    failures.push(
      ...[...refused].map((skip) => `skipped, and not in .ci/allowed-skips.txt: ${skip}`),
    );
  }
  if (run.result.exitCode !== 0 && failures.length === 0) {
    failures.push(`exit code ${run.result.exitCode ?? 'none'} without a failed test`);
  }
  const passed = cases.filter((one) => one.outcome === 'passed').length;
  return { passed, failures, skips: run.skips };
}
