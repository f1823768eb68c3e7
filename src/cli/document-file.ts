// Files that a command sends to the server: YAML or JSON, from a file or standard input.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parse } from 'yaml';
import type { Json } from './api-client.ts';
import { CommandFailure } from './command.ts';
import type { Terminal } from './terminal.ts';

/** `-` is standard input. @throws CommandFailure */
export async function readDocument(file: string, terminal: Terminal): Promise<Json> {
  const text = await textOf(file, terminal);
  try {
    // Nothing in such a file needs an anchor; a few of them can grow to any size.
    return parse(text, { uniqueKeys: true, maxAliasCount: 0 }) as Json;
  } catch (error) {
    const [why] = (error instanceof Error ? error.message : String(error)).split('\n');
    throw new CommandFailure(`${file} is no YAML that can be read here: ${why}`);
  }
}

async function textOf(file: string, terminal: Terminal): Promise<string> {
  if (file === '-') return terminal.readInput();
  const path = resolve(terminal.directory, file);
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new CommandFailure(`${path} cannot be read: ${(error as Error).message}.`);
  }
}
