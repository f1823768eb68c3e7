// Counters of namespaces in the background: what there was before a counter, and changes to fold.
import { type Command, relaxed } from '../../metadata/command.ts';
import type { Transaction } from '../../metadata/sql.ts';
import { countScope, foldUsage } from '../../metadata/usage-scopes.ts';

export function usageCommands() {
  return {
    countScope: relaxed((tx: Transaction, count: Parameters<typeof countScope>[1]) =>
      countScope(tx, count),
    ),
    foldUsage: relaxed((tx: Transaction, fold: Parameters<typeof foldUsage>[1]) =>
      foldUsage(tx, fold),
    ),
  } satisfies Record<string, Command<never, unknown>>;
}
