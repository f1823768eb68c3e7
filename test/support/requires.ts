// Tests that need something a machine may lack: they run where it is there, and are skipped with a
// reason where it is not. A skip is written to the file that ENTREPOT_TEST_SKIPS names, so that the
// runner can show every reason; a skip that is not written there fails the run.
import { test } from 'bun:test';
import { appendFileSync } from 'node:fs';

type TestBody = Parameters<typeof test>[1];
/** Called like `test`; either runs the test or skips it with the reason given to `requires`. */
export type ConditionalTest = (name: string, body: TestBody, timeoutMs?: number) => void;

/** One skip as the runner and `.ci/allowed-skips.txt` spell it, on one line. */
export function skipLine(requirement: string, reason: string): string {
  return `${requirement}: ${reason}`.replaceAll(/\s+/g, ' ').trim();
}

/**
 * ```ts
 * const crane = findClient('crane');
 * const testCrane = requires('crane', crane !== undefined, 'not installed; run .ci/install-clients');
 * testCrane('pushes an image', async () => { … });
 * ```
 */
export function requires(requirement: string, held: boolean, reason: string): ConditionalTest {
  if (held) return (name, body, timeoutMs) => test(name, body, timeoutMs);
  return (name, body) => {
    const file = process.env.ENTREPOT_TEST_SKIPS;
    if (file !== undefined) appendFileSync(file, `${skipLine(requirement, reason)}\n`);
    test.skip(name, body);
  };
}
