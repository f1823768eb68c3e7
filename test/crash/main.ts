// Kills by hand, as many as asked for:
//   node bin/run.mjs test/crash/main.ts --kills 200 [--seed 1] [--pushers 6] [--postgres postgres://…]
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { killAgainAndAgain } from './kills.ts';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    pushers: { type: 'string', default: '6' },
    postgres: { type: 'string' },
  },
});
const directory = mkdtempSync(join(tmpdir(), 'entrepot-kills-'));
try {
  const { postgres } = values;
  const result = await killAgainAndAgain({
    data: { directory, ...(postgres !== undefined && { postgres }) },
    seed: Number(values.seed),
    kills: Number(values.kills),
    pushers: Number(values.pushers),
    tell: (line) => void process.stdout.write(`${line}\n`),
  });
  process.stdout.write(`${JSON.stringify({ kills: Number(values.kills), lost: 0, ...result })}\n`);
  process.exitCode = result.leftovers.length === 0 ? 0 : 1;
} finally {
  rmSync(directory, { recursive: true, force: true });
}
