// All writes of access control, by name: the table that the writer runs.
import type { Command } from '../metadata/command.ts';
import { externalAccountCommands } from './sign-in/external-account.command.ts';
import { signingKeyCommands } from './tokens/signing-key.command.ts';

export function accessCommands() {
  return { ...signingKeyCommands(), ...externalAccountCommands() } satisfies Record<
    string,
    Command<never, unknown>
  >;
}

export type AccessCommands = ReturnType<typeof accessCommands>;
