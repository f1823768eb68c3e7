// All writes of signing in, by name.
import type { Command } from '../../metadata/command.ts';
import { passwordCommands } from './password.command.ts';
import { secondFactorCommands } from './second-factor.command.ts';
import { sessionCommands } from './session.command.ts';
import { signInCommandsOfUsers } from './sign-in.command.ts';

export function signInCommands() {
  return {
    ...signInCommandsOfUsers(),
    ...passwordCommands(),
    ...secondFactorCommands(),
    ...sessionCommands(),
  } satisfies Record<string, Command<never, unknown>>;
}

export type SignInCommands = ReturnType<typeof signInCommands>;
