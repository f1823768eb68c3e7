// All writes of what stays and what goes, by name: the table that the writer runs.
import type { Command } from '../metadata/command.ts';
import { collectionCommands } from './collection/collection.command.ts';
import { lifecycleGuards } from './guards.ts';
import { moveTagCommands } from './history/move-tag.command.ts';
import { oldEventCommands } from './history/old-events.command.ts';
import { leaseCommands } from './leases/lease.command.ts';
import { nameCommands } from './names/commands.ts';
import { planCommands } from './plans/plan.command.ts';
import { policyCommands } from './policy.command.ts';
import { scrubCommands } from './scrub/scrub.command.ts';
import { usageHistoryCommands } from './sizes/usage-history.command.ts';
import { trashCommands } from './trash/commands.ts';
import { usageCommands } from './usage/usage.command.ts';

export function lifecycleCommands() {
  const guards = lifecycleGuards();
  return {
    ...moveTagCommands(guards),
    ...oldEventCommands(),
    ...planCommands(guards),
    ...collectionCommands(),
    ...leaseCommands(),
    ...nameCommands(guards),
    ...policyCommands(),
    ...scrubCommands(),
    ...trashCommands(guards),
    ...usageCommands(),
    ...usageHistoryCommands(),
  } satisfies Record<string, Command<never, unknown>>;
}

export type LifecycleCommands = ReturnType<typeof lifecycleCommands>;
