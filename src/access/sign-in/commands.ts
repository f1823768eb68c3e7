// All writes of signing in, by name.
import type { Command } from '../../metadata/command.ts';
import { signInCommandsOfUsers } from './sign-in.command.ts';

export function signInCommands() {
  return { ...signInCommandsOfUsers() } satisfies Record<string, Command<never, unknown>>;
}

export type SignInCommands = ReturnType<typeof signInCommands>;
