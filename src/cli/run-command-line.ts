// From arguments to exit code: 0 done, 1 could not be done, 2 used or configured wrongly. Errors for people
// are sentences; what is thrown on from here is a fault of ours.
import { ConfigurationError } from '../app/configuration.ts';
import { type Command, CommandFailure, UsageError } from './command.ts';
import { parseCommandLine } from './command-line.ts';
import { helpText } from './help-text.ts';
import type { Terminal } from './terminal.ts';

/** @returns undefined while it goes on (a server). */
export async function runCommandLine(
  argv: readonly string[],
  { commands, terminal }: { commands: readonly Command[]; terminal: Terminal },
): Promise<number | undefined> {
  try {
    const line = parseCommandLine(argv, commands);
    if (line.kind === 'help') {
      terminal.print(helpText(line.about, commands));
      return 0;
    }
    return await line.command.run(line.given, terminal);
  } catch (error) {
    if (error instanceof UsageError) {
      terminal.printError(`${error.message} See: entrepot help\n`);
      return 2;
    }
    if (error instanceof ConfigurationError) {
      terminal.printError(`${error.message}\n`);
      return 2;
    }
    if (error instanceof CommandFailure) {
      terminal.printError(`${error.message}\n`);
      return 1;
    }
    throw error;
  }
}
