// All writes of the trash, by name.
import type { Guards } from '../../registry/guards.ts';
import { deletePlaceCommands } from './delete-place.command.ts';
import { purgeCommands } from './purge.command.ts';
import { restoreItemCommand } from './restore-item.command.ts';
import { restorePlaceCommand } from './restore-place.command.ts';

export function trashCommands(guards: Guards) {
  return {
    ...deletePlaceCommands(),
    restorePlace: restorePlaceCommand(guards),
    restoreItem: restoreItemCommand(guards),
    ...purgeCommands(),
  };
}
