// Every write that the program knows: the one table, for the writer thread and for PostgreSQL.
import { accessCommands } from '../access/commands.ts';
import { jobCommands } from '../jobs/job.command.ts';
import { nodeCommands } from '../jobs/node.command.ts';
import { lifecycleCommands } from '../lifecycle/commands.ts';
import { lifecycleGuards } from '../lifecycle/guards.ts';
import { registryCommands } from '../registry/commands.ts';

/** What a table of the same commands needs is given here, so that both sides of the thread agree. */
export function allCommands() {
  return {
    ...registryCommands(lifecycleGuards()),
    ...accessCommands(),
    ...lifecycleCommands(),
    ...jobCommands(),
    ...nodeCommands(),
  };
}

export type AllCommands = ReturnType<typeof allCommands>;
