// Every command, in the order of the help.
import type { Command } from './command.ts';
import { ACCESS_COMMANDS } from './commands/access.ts';
import { ACCOUNT_COMMANDS } from './commands/account.ts';
import { AUDIT_COMMANDS } from './commands/audit.ts';
import { COLLECT_COMMANDS } from './commands/collect.ts';
import { COMPARE_COMMANDS } from './commands/compare.ts';
import { CONFIG_COMMANDS } from './commands/config.ts';
import { DECLARATION_COMMANDS } from './commands/declaration.ts';
import { DOCTOR_COMMANDS } from './commands/doctor.ts';
import { GRANT_COMMANDS } from './commands/grant.ts';
import { INVITATION_COMMANDS } from './commands/invitation.ts';
import { KEY_COMMANDS } from './commands/key.ts';
import { LEASE_COMMANDS } from './commands/lease.ts';
import { LOGIN_COMMANDS } from './commands/login.ts';
import { NAME_COMMANDS } from './commands/names.ts';
import { ORGANISATION_COMMANDS } from './commands/organisation.ts';
import { PATH_COMMANDS } from './commands/path.ts';
import { PLAN_COMMANDS } from './commands/plan.ts';
import { POLICY_COMMANDS } from './commands/policy.ts';
import { REPOSITORY_COMMANDS } from './commands/repository.ts';
import { resetPasswordCommand } from './commands/reset-password.ts';
import { RETENTION_COMMANDS } from './commands/retention.ts';
import { ROBOT_COMMANDS } from './commands/robot.ts';
import { ROLE_COMMANDS } from './commands/role.ts';
import { ROLLBACK_COMMANDS } from './commands/rollback.ts';
import { SECOND_FACTOR_COMMANDS } from './commands/second-factor.ts';
import { serveCommand } from './commands/serve.ts';
import { SESSION_COMMANDS } from './commands/session.ts';
import { SIZE_COMMANDS } from './commands/size.ts';
import { TAG_COMMANDS } from './commands/tag.ts';
import { TEAM_COMMANDS } from './commands/team.ts';
import { TOKEN_COMMANDS } from './commands/token.ts';
import { TRASH_COMMANDS } from './commands/trash.ts';
import { TRUST_COMMANDS } from './commands/trust.ts';
import { USER_COMMANDS } from './commands/user.ts';
import { helpCommand, versionCommand } from './commands/version.ts';

export const ALL_COMMANDS: readonly Command[] = [
  serveCommand,
  ...CONFIG_COMMANDS,
  resetPasswordCommand,
  ...LOGIN_COMMANDS,
  ...ACCOUNT_COMMANDS,
  ...SECOND_FACTOR_COMMANDS,
  ...SESSION_COMMANDS,
  ...USER_COMMANDS,
  ...INVITATION_COMMANDS,
  ...ORGANISATION_COMMANDS,
  ...TEAM_COMMANDS,
  ...ROBOT_COMMANDS,
  ...TOKEN_COMMANDS,
  ...ROLE_COMMANDS,
  ...GRANT_COMMANDS,
  ...ACCESS_COMMANDS,
  ...PATH_COMMANDS,
  ...REPOSITORY_COMMANDS,
  ...NAME_COMMANDS,
  ...TRASH_COMMANDS,
  ...TAG_COMMANDS,
  ...ROLLBACK_COMMANDS,
  ...PLAN_COMMANDS,
  ...COMPARE_COMMANDS,
  ...SIZE_COMMANDS,
  ...POLICY_COMMANDS,
  ...RETENTION_COMMANDS,
  ...LEASE_COMMANDS,
  ...TRUST_COMMANDS,
  ...DECLARATION_COMMANDS,
  ...AUDIT_COMMANDS,
  ...KEY_COMMANDS,
  ...COLLECT_COMMANDS,
  ...DOCTOR_COMMANDS,
  versionCommand,
  helpCommand,
];
