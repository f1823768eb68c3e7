// What a person needs of a history that failed: what broke, what led to it, how to see it again.
import type { HistoryResult } from './history.ts';

/** Lines of the end of a history that are shown; all of them when it is run again by its seed. */
const LINES = 60;

export function report(result: HistoryResult, isWhole: boolean): string {
  const { seed, violation, trace } = result;
  const lines = isWhole ? trace : trace.slice(-LINES);
  return [
    `seed ${seed}: ${violation}`,
    ...lines,
    `again: ENTREPOT_SIMULATION_SEED=${seed} node bin/run.mjs test/simulation/main.ts${result.isCollecting ? ' --collecting' : ''}`,
  ].join('\n');
}
