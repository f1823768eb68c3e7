// The registry keeps its promises through thousands of histories. A seed that ever failed stays here.
import { expect, test } from 'bun:test';
import { runHistory } from './history.ts';
import { report } from './report.ts';
import { COLLECTING, REAL } from './variation.ts';

/** Bounded by their number, not by time: every run does the same. About a minute of one core. */
const SEEDS = 5_000;
/**
 * Seeds at which an earlier version broke a promise. They stand for their bugs only as long as the
 * simulation draws the same histories; a new one is added with what it found.
 */
const KEPT: readonly [seed: number, found: string][] = [
  [399, 'a request reclaimed bytes that another was committing: stored, and absent'],
  [676, 'the same at another moment'],
  [6, 'an upload on its way from the database to a file was said to hold nothing'],
  [78, 'a chunk whose write failed stayed in the digest so far'],
  [3, 'an upload could not be taken over when a kill came before its file was made'],
  [957, 'the copy of an upload that a kill left stood in the way of the next one'],
];

/** The same with the collector: they are longer, see `COLLECTING`. About half a minute. */
const COLLECTING_SEEDS = 1_000;

/** As KEPT, with the collector. */
const KEPT_COLLECTING: readonly [seed: number, found: string][] = [
  [21_219, 'the check at the end did not wait for bytes that are removed a minute later'],
  [52_376, 'what a status counted while another request wrote was taken for a promise'],
  [
    56_773,
    'a request whose file another process was just closing failed as by a fault of the disk',
  ],
];

/** Histories that run at once would share nothing, but gain nothing: one thread runs them all. */
const SEEDS_PER_TEST = 1_000;

async function survives(seed: number, variation = REAL): Promise<void> {
  const result = await runHistory(seed, variation);
  if (result.violation !== undefined) throw new Error(report(result, false));
}

for (let from = 1; from <= SEEDS; from += SEEDS_PER_TEST) {
  const last = from + SEEDS_PER_TEST - 1;
  test(`every promise is kept in the histories ${from} to ${last}`, async () => {
    for (let seed = from; seed <= last; seed += 1) await survives(seed);
  }, 200_000);
}

test(`nothing that is kept is collected, and nothing else stays, in ${COLLECTING_SEEDS} histories`, async () => {
  for (let seed = 1; seed <= COLLECTING_SEEDS; seed += 1) await survives(seed, COLLECTING);
}, 200_000);

test.each(KEPT)('seed %d: %s', (seed) => survives(seed), 20_000);

test.each(KEPT_COLLECTING)(
  'seed %d with the collector: %s',
  (seed) => survives(seed, COLLECTING),
  20_000,
);

test('one seed gives one history, step for step', async () => {
  for (const seed of [3, 72, 174]) {
    const first = await runHistory(seed, REAL);
    const again = await runHistory(seed, REAL);
    expect(again.trace).toEqual(first.trace);
  }
}, 60_000);

test('a report names the seed, what broke, what happened, and how to see it again', () => {
  const trace = Array.from({ length: 200 }, (_, step) => `step ${step}`);
  const text = report({ seed: 41, violation: 'the blob is lost', trace, steps: 200 }, false);
  expect(text).toStartWith('seed 41: the blob is lost\n');
  expect(text).toContain('step 199');
  expect(text).not.toContain('step 100\n');
  expect(text).toContain('ENTREPOT_SIMULATION_SEED=41 node bin/run.mjs test/simulation/main.ts');
});
