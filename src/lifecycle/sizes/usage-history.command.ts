// Writing down what paths use, once a day. Relaxed: it can be worked out again.
import { type Command, relaxed } from '../../metadata/command.ts';
import type { Transaction } from '../../metadata/sql.ts';
import { forgetUsage, type PathUsage, recordUsage } from '../../metadata/usage-history.ts';

export function usageHistoryCommands() {
  return {
    recordUsage: relaxed((tx: Transaction, rows: readonly PathUsage[]) => recordUsage(tx, rows)),
    forgetUsage: relaxed((tx: Transaction, paths: readonly string[]) => forgetUsage(tx, paths)),
  } satisfies Record<string, Command<never, unknown>>;
}
