// The entry of SQLite's writer thread.
import { readlinkSync } from 'node:fs';
import { setPriority } from 'node:os';
import { serveCommands } from '../metadata/writer-thread.ts';
import { allCommands } from './commands.ts';

/**
 * Where cores are short, pulls go before writes, which then come in larger groups: on one core the 99th
 * percentile of pulls during pushes fell by half, and pushes took an eighth less time of the processor.
 */
const NICE = 15;

try {
  // On Linux a priority is a thread's own.
  setPriority(Number(readlinkSync('/proc/thread-self').split('/').at(-1)), NICE);
} catch {
  // Elsewhere both are equal.
}
serveCommands(allCommands());
