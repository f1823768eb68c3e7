// Every write that the program knows: the one table, for the writer thread and for PostgreSQL.
import { accessCommands } from '../access/commands.ts';
import { jobCommands } from '../jobs/job.command.ts';
import { registryCommands } from '../registry/commands.ts';
import { NO_GUARDS } from '../registry/guards.ts';

/** What a table of the same commands needs is given here, so that both sides of the thread agree. */
export function allCommands() {
  return { ...registryCommands(NO_GUARDS), ...accessCommands(), ...jobCommands() };
}

export type AllCommands = ReturnType<typeof allCommands>;
