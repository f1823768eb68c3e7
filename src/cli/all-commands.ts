// Every command, in the order of the help.
import type { Command } from './command.ts';
import { CONFIG_COMMANDS } from './commands/config.ts';
import { LOGIN_COMMANDS } from './commands/login.ts';
import { resetPasswordCommand } from './commands/reset-password.ts';
import { serveCommand } from './commands/serve.ts';
import { helpCommand, versionCommand } from './commands/version.ts';

export const ALL_COMMANDS: readonly Command[] = [
  serveCommand,
  ...CONFIG_COMMANDS,
  resetPasswordCommand,
  ...LOGIN_COMMANDS,
  versionCommand,
  helpCommand,
];
