// All writes of access control, by name: the table that the writer runs.
import type { Command } from '../metadata/command.ts';
import { auditCommands } from './audit/audit.command.ts';
import { workloadCommands } from './keyless/workload.command.ts';
import { peopleCommands } from './people/commands.ts';
import { signInCommands } from './sign-in/commands.ts';
import { externalAccountCommands } from './sign-in/external-account.command.ts';
import { accessTokenCommands } from './tokens/access-token.command.ts';
import { refreshTokenCommands } from './tokens/refresh-token.command.ts';
import { signingKeyCommands } from './tokens/signing-key.command.ts';

export function accessCommands() {
  return {
    ...peopleCommands(),
    ...accessTokenCommands(),
    ...signInCommands(),
    ...externalAccountCommands(),
    ...workloadCommands(),
    ...refreshTokenCommands(),
    ...signingKeyCommands(),
    ...auditCommands(),
  } satisfies Record<string, Command<never, unknown>>;
}

export type AccessCommands = ReturnType<typeof accessCommands>;
