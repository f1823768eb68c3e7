// All writes of access control, by name: the table that the writer runs.
import type { Command } from '../metadata/command.ts';
import { auditCommands } from './audit/audit.command.ts';
import { workloadCommands } from './keyless/workload.command.ts';
import { grantCommands } from './people/grant.command.ts';
import { invitationCommands } from './people/invitation.command.ts';
import { organisationCommands } from './people/organisation.command.ts';
import { pathSettingCommands } from './people/path-setting.command.ts';
import { robotCommands } from './people/robot.command.ts';
import { roleCommands } from './people/role.command.ts';
import { seenCommands } from './people/seen.command.ts';
import { teamCommands } from './people/team.command.ts';
import { trustPolicyCommands } from './people/trust-policy.command.ts';
import { userCommands } from './people/user.command.ts';
import { signInCommands } from './sign-in/commands.ts';
import { externalAccountCommands } from './sign-in/external-account.command.ts';
import { accessTokenCommands } from './tokens/access-token.command.ts';
import { refreshTokenCommands } from './tokens/refresh-token.command.ts';
import { signingKeyCommands } from './tokens/signing-key.command.ts';

export function accessCommands() {
  return {
    ...userCommands(),
    ...organisationCommands(),
    ...teamCommands(),
    ...robotCommands(),
    ...roleCommands(),
    ...grantCommands(),
    ...pathSettingCommands(),
    ...invitationCommands(),
    ...trustPolicyCommands(),
    ...seenCommands(),
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
