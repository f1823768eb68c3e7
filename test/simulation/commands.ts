// The commands of a history: those of the registry, and of what goes back and what goes for good.
import { collectionCommands } from '../../src/lifecycle/collection/collection.command.ts';
import { moveTagCommands } from '../../src/lifecycle/history/move-tag.command.ts';
import { leaseCommands } from '../../src/lifecycle/leases/lease.command.ts';
import { restoreItemCommand } from '../../src/lifecycle/trash/restore-item.command.ts';
import type { Command } from '../../src/metadata/command.ts';
import { registryCommands } from '../../src/registry/commands.ts';
import { NO_GUARDS } from '../../src/registry/guards.ts';

export function simulationCommands() {
  return {
    ...registryCommands(NO_GUARDS),
    ...collectionCommands(),
    ...moveTagCommands(NO_GUARDS),
    ...leaseCommands(),
    restoreItem: restoreItemCommand(NO_GUARDS),
  } satisfies Record<string, Command<never, unknown>>;
}

export type SimulationCommands = ReturnType<typeof simulationCommands>;
