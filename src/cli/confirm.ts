// The question before what cannot be undone.
import { CommandFailure, type Given, UsageError } from './command.ts';
import type { Terminal } from './terminal.ts';

export const YES_FLAG = { yes: { about: 'Do not ask.' } } as const;

/** `what`: a sentence that says what will happen. @throws UsageError, CommandFailure unless it is wanted. */
export async function confirm(given: Given, terminal: Terminal, what: string): Promise<void> {
  if (given.isOn('yes')) return;
  if (!terminal.canAsk) throw new UsageError(`${what} Nobody is here to be asked: use --yes.`);
  const answer = await terminal.ask(`${what} Type yes to go on: `);
  if (answer.trim().toLowerCase() !== 'yes') throw new CommandFailure('Nothing was changed.');
}
