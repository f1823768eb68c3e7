// The configuration of the server on this machine, for the commands that take its flags.
import { readFileSync } from 'node:fs';
import { type Configuration, loadConfiguration } from '../app/configuration.ts';
import type { Given } from './command.ts';
import type { Terminal } from './terminal.ts';

/** @throws ConfigurationError */
export function configurationOf({ settings }: Given, terminal: Terminal): Configuration {
  const { env, directory } = terminal;
  return loadConfiguration({ flags: settings, env, directory, readFile });
}

function readFile(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}
