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
      const topic = ['entrepot', 'help', ...topicOf(argv, commands)].join(' ');
      terminal.printError(`${error.message} See: ${topic}\n`);
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

/** The words of the command that was meant, as far as they are one or the beginning of some. */
function topicOf(argv: readonly string[], commands: readonly Command[]): readonly string[] {
  const flag = argv.findIndex((word) => word.startsWith('-'));
  const words = flag === -1 ? argv : argv.slice(0, flag);
  for (let length = words.length; length > 0; length -= 1) {
    const topic = words.slice(0, length);
    const name = topic.join(' ');
    if (commands.some((one) => one.name === name || one.name.startsWith(`${name} `))) return topic;
  }
  return [];
}
