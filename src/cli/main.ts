// The `entrepot` command as a process. A stack trace means a fault of ours.
import { ALL_COMMANDS } from './all-commands.ts';
import { processTerminal } from './process-terminal.ts';
import { runCommandLine } from './run-command-line.ts';

const exitCode = await runCommandLine(process.argv.slice(2), {
  commands: ALL_COMMANDS,
  terminal: processTerminal(),
});
if (exitCode !== undefined) process.exitCode = exitCode;
