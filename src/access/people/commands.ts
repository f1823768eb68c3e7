// All writes of people, of what they belong to and of what is granted, by name.
import type { Command } from '../../metadata/command.ts';
import { grantCommands } from './grant.command.ts';
import { invitationCommands } from './invitation.command.ts';
import { organisationCommands } from './organisation.command.ts';
import { pathSettingCommands } from './path-setting.command.ts';
import { robotCommands } from './robot.command.ts';
import { roleCommands } from './role.command.ts';
import { seenCommands } from './seen.command.ts';
import { teamCommands } from './team.command.ts';
import { trustPolicyCommands } from './trust-policy.command.ts';
import { userCommands } from './user.command.ts';

export function peopleCommands() {
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
  } satisfies Record<string, Command<never, unknown>>;
}
