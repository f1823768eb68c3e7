// Counters that were too much for the transaction of a move, a batch at a time. A batch that is lost is made
// again: none counts anything twice.
import { relaxed } from '../../metadata/command.ts';
import type { Transaction } from '../../metadata/sql.ts';
import { addMoved, sweepScope } from '../../metadata/usage-moves.ts';

export function movedUsageCommands() {
  return {
    sweepScope: relaxed((tx: Transaction, sweep: Parameters<typeof sweepScope>[1]) =>
      sweepScope(tx, sweep),
    ),
    addMoved: relaxed((tx: Transaction, add: Parameters<typeof addMoved>[1]) => addMoved(tx, add)),
  };
}
