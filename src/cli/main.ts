// The `entrepot` command. Reads arguments, runs one command, sets the exit code: 0 done, 1 failed,
// 2 used or configured wrongly. Errors for people are sentences; a stack trace means a fault of ours.
import { readFileSync } from 'node:fs';
import { checkListening } from '../app/check-listening.ts';
import { type Configuration, ConfigurationError, loadConfiguration } from '../app/configuration.ts';
import { fileSchema } from '../app/settings.ts';
import { showConfiguration } from '../app/show-configuration.ts';
import { programVersion } from '../app/version.ts';
import { type CommandLine, parseCommandLine, UsageError } from './command-line.ts';
import { helpText } from './help-text.ts';
import { serve } from './serve.ts';

function print(text: string): void {
  process.stdout.write(text);
}

function printError(text: string): void {
  process.stderr.write(text);
}

function readFile(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (
      error instanceof Error &&
      'code' in error &&
      (error.code === 'ENOENT' || error.code === 'ENOTDIR')
    ) {
      return undefined;
    }
    throw error;
  }
}

async function startAndServe(configuration: Configuration): Promise<number | undefined> {
  // Only here, so that the other commands need not load the server.
  const { startServer } = await import('../app/start.ts');
  return serve(configuration, {
    version: programVersion(),
    start: (given) =>
      startServer(given, {
        failed(error) {
          printError(`Ending, because nothing can be written any more: ${error.message}\n`);
          process.exit(1);
        },
      }),
    print,
    printError,
    isTerminal: process.stdout.isTTY === true,
    onSignal(handler) {
      process.on('SIGINT', handler);
      process.on('SIGTERM', handler);
      process.on('SIGHUP', handler);
    },
    exit: (code) => process.exit(code),
  });
}

async function run({ command, flags, about }: CommandLine): Promise<number | undefined> {
  if (command === 'help') print(helpText(about));
  else if (command === 'version') print(`${programVersion()}\n`);
  else if (command === 'config schema') print(fileSchema());
  else {
    const configuration = loadConfiguration({ flags, env: process.env, readFile });
    if (command === 'config show') print(showConfiguration(configuration));
    const refusal = checkListening(configuration);
    if (refusal !== undefined) throw new ConfigurationError([refusal]);
    if (command === 'serve') return startAndServe(configuration);
    if (command === 'config check') print('The configuration is right.\n');
  }
  return 0;
}

async function main(): Promise<void> {
  try {
    const exitCode = await run(parseCommandLine(process.argv.slice(2)));
    if (exitCode !== undefined) process.exitCode = exitCode;
  } catch (error) {
    if (error instanceof UsageError) printError(`${error.message} See: entrepot help\n`);
    else if (error instanceof ConfigurationError) printError(`${error.message}\n`);
    else throw error;
    process.exitCode = 2;
  }
}

await main();
