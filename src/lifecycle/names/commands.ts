// All writes of names, by name.
import type { Guards } from '../../registry/guards.ts';
import { copyBatchCommand } from './copy.command.ts';
import { movedUsageCommands } from './moved-usage.command.ts';
import { aliasCommands, renameCommand } from './rename.command.ts';

export function nameCommands(guards: Guards) {
  return {
    renamePlace: renameCommand(guards),
    copyBatch: copyBatchCommand(guards),
    ...aliasCommands(),
    ...movedUsageCommands(),
  };
}

export type NameCommands = ReturnType<typeof nameCommands>;

/** Commands after which what is remembered of rights and of old names is another. */
export const NAME_CHANGES = [
  'deletePlace',
  'restorePlace',
  'renamePlace',
  'endAlias',
  'trimAliases',
] as const;
