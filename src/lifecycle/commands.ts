// All writes of what stays and what goes, by name: the table that the writer runs.
import type { Command } from '../metadata/command.ts';
import { leaseCommands } from './leases/lease.command.ts';
import { policyCommands } from './policy.command.ts';
import { scrubCommands } from './scrub/scrub.command.ts';
import { usageCommands } from './usage/usage.command.ts';

export function lifecycleCommands() {
  return {
    ...leaseCommands(),
    ...policyCommands(),
    ...scrubCommands(),
    ...usageCommands(),
  } satisfies Record<string, Command<never, unknown>>;
}

export type LifecycleCommands = ReturnType<typeof lifecycleCommands>;
