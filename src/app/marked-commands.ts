// Commands of access control, and those that move names, after which this node must look again at what it remembers of verdicts: done
// here for all of them, so that no caller can forget it. Knows no command by name.
import { accessCommands } from '../access/commands.ts';
import { NAME_CHANGES } from '../lifecycle/names/commands.ts';
import type { Commands } from '../metadata/command.ts';
import type { AllCommands } from './commands.ts';

/** Those that are relaxed note that somebody was there; no verdict depends on them. */
const CHANGES: ReadonlySet<string> = new Set([
  ...Object.entries(accessCommands())
    .filter(([, { durability }]) => durability === 'synced')
    .map(([name]) => name),
  ...NAME_CHANGES,
]);

export function withChangesMarked(
  commands: Commands<AllCommands>,
  changed: () => void,
): Commands<AllCommands> {
  return {
    run(name, args) {
      const answer = commands.run(name, args);
      // One that failed may have been committed all the same.
      return CHANGES.has(name) ? answer.finally(changed) : answer;
    },
  };
}
