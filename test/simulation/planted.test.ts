// The simulation itself under test: it has to find each bug that was planted on purpose, and the
// registry without the bug has to come through the very same histories.
import { expect, test } from 'bun:test';
import { runHistory } from './history.ts';
import { PLANTED } from './planted.ts';
import { PLANTED_IN_COLLECTION } from './planted-collection.ts';
import { report } from './report.ts';
import { REAL, type Variation } from './variation.ts';

/** Histories in which a bug has to show. The shyest one needs about 150. */
const MOST_SEEDS = 1_500;

async function firstFailure(variation: Variation): Promise<number | undefined> {
  for (let seed = 1; seed <= MOST_SEEDS; seed += 1) {
    const { violation } = await runHistory(seed, variation);
    if (violation !== undefined) return seed;
  }
  return undefined;
}

for (const planted of [...PLANTED, ...PLANTED_IN_COLLECTION]) {
  test(`finds: ${planted.name}`, async () => {
    const found = await firstFailure(planted);
    expect(found).toBeDefined();
    const real: Variation = { ...REAL, ...(planted.focus && { focus: planted.focus }) };
    for (let seed = 1; seed <= (found ?? 0); seed += 1) {
      const result = await runHistory(seed, real);
      if (result.violation !== undefined) throw new Error(report(result, false));
    }
  }, 120_000);
}
