// `entrepot version` and what `entrepot help` says of itself.
import { programVersion } from '../../app/version.ts';
import type { Command } from '../command.ts';

export const versionCommand: Command = {
  name: 'version',
  about: 'Prints the version.',
  examples: ['entrepot version'],
  async run(_given, terminal) {
    terminal.print(`${programVersion()}\n`);
    return 0;
  },
};

/** The parser answers it, because every command has --help too. */
export const helpCommand: Command = {
  name: 'help',
  about: 'Explains a command, or a group of them.',
  examples: ['entrepot help', 'entrepot help serve', 'entrepot config show --help'],
  async run() {
    throw new Error('help is answered by the parser');
  },
};
