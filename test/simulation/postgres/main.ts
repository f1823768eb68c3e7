// The interleavings by hand: node bin/run.mjs test/simulation/postgres/main.ts --seeds 3000 --from 1
import { parseArgs } from 'node:util';
import { openHistories } from './connection.ts';
import { interleave } from './interleave.ts';

const { values } = parseArgs({
  options: { seeds: { type: 'string' }, from: { type: 'string' }, trace: { type: 'boolean' } },
});
const from = Number(values.from ?? 1);
const count = Number(values.seeds ?? 100);
const connection = await openHistories();
const began = performance.now();
let failed = 0;
let again = 0;
for (let seed = from; seed < from + count; seed += 1) {
  const result = await interleave(connection, { seed });
  again += result.again;
  if (result.broken !== undefined) failed += 1;
  if (result.broken !== undefined || values.trace === true) {
    process.stdout.write(`seed ${seed}: ${result.broken}\n`);
    if (values.trace === true) process.stdout.write(`${result.trace.join('\n')}\n`);
  }
}
const seconds = (performance.now() - began) / 1000;
process.stdout.write(
  `${count} interleavings from seed ${from}, ${(count / seconds).toFixed(1)} a second, ${again} transactions came again, ${failed} failed\n`,
);
await connection.end();
process.exit(failed === 0 ? 0 : 1);
