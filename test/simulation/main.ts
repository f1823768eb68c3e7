// The simulation by hand: many seeds, or one again.
//   node bin/run.mjs test/simulation/main.ts --seeds 100000 --from 1
//   ENTREPOT_SIMULATION_SEED=7 node bin/run.mjs test/simulation/main.ts
import { parseArgs } from 'node:util';
import { runHistory } from './history.ts';
import { report } from './report.ts';
import { COLLECTING, REAL } from './variation.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    from: { type: 'string' },
    trace: { type: 'boolean' },
    collecting: { type: 'boolean' },
  },
});
const only = process.env.ENTREPOT_SIMULATION_SEED;
const from = Number(only ?? values.from ?? 1);
const count = only === undefined ? Number(values.seeds ?? 1000) : 1;

const began = performance.now();
const failed: number[] = [];
let steps = 0;
let done = 0;
for (let seed = from; seed < from + count; seed += 1) {
  const result = await runHistory(seed, values.collecting === true ? COLLECTING : REAL);
  steps += result.steps;
  done += 1;
  if (result.violation !== undefined) {
    failed.push(seed);
    process.stdout.write(`${report(result, only !== undefined)}\n`);
    if (failed.length >= 10) break;
  } else if (only !== undefined || values.trace === true) {
    process.stdout.write(`${result.trace.join('\n')}\n`);
  }
}
const seconds = (performance.now() - began) / 1000;
process.stdout.write(
  `${done} histories from seed ${from}, ${steps} steps, ${(done / seconds).toFixed(0)} histories a second, ${failed.length} failed${failed.length > 0 ? `: ${failed.join(' ')}` : ''}\n`,
);
process.exitCode = failed.length === 0 ? 0 : 1;
