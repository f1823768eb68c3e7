// `entrepot admin reset-password`: for whoever is on the machine of the server, and so has its database
// already. The server may run: it sees the change as it sees those of another node.
import { userInfo } from 'node:os';
import type { Seal } from '../../access/seal.ts';
import type { Configuration } from '../../app/configuration.ts';
import type { OpenDatabase } from '../../app/database.ts';
import { RegistryError } from '../../oci/errors.ts';
import { type Command, CommandFailure } from '../command.ts';
import { openExisting } from '../existing-database.ts';
import { configurationOf } from '../load-configuration.ts';
import { PASSWORD_FLAG, passwordFrom } from '../password-input.ts';

const ADMINISTRATOR = 'admin';

export const resetPasswordCommand: Command = {
  name: 'admin reset-password',
  about:
    'Gives a user a new password, on the machine of the server and whether it runs or not. What was signed in with the old one ends; access tokens stay.',
  arguments: [
    { name: 'NAME', about: `The user's name. Without it: ${ADMINISTRATOR}.`, isOptional: true },
  ],
  flags: {
    ...PASSWORD_FLAG,
    'disable-second-factor': {
      about:
        'Take away authenticator app, passkeys and recovery codes, for somebody who lost them.',
    },
  },
  examples: [
    'entrepot admin reset-password',
    'entrepot admin reset-password alice --disable-second-factor --data /var/lib/entrepot',
    'pass show registry | entrepot admin reset-password --password-stdin --config /etc/entrepot.yaml',
  ],
  takesSettings: true,
  async run(given, terminal) {
    const configuration = configurationOf(given, terminal);
    const name = given.optional('NAME') ?? ADMINISTRATOR;
    const password = await passwordFrom(given, { terminal, name });
    const database = await openExisting(configuration);
    try {
      const isSecondFactorGone = given.isOn('disable-second-factor');
      const change = { name, password: password.text, isSecondFactorGone, configuration };
      const state = await reset(database, change);
      if (password.isMade) terminal.print(`${password.text}\n`);
      terminal.printError(
        `${name} has a new password${isSecondFactorGone ? ' and no second factor' : ''}. What was signed in with the old one has ended.\n`,
      );
      if (state === 'disabled') {
        terminal.printError(
          `${name} is disabled and cannot sign in: entrepot user enable ${name}\n`,
        );
      }
      return 0;
    } finally {
      await database.close();
    }
  },
};

/** The key of the server, or its users could not sign in with what is sealed by it. */
async function sealOf(
  { sql, commands }: OpenDatabase,
  configuration: Configuration,
): Promise<Seal> {
  const { readExistingSealKey } = await import('../../app/seal-key.ts');
  const { sealWith } = await import('../../access/seal.ts');
  const { SigningKeys } = await import('../../access/tokens/signing-keys.ts');
  try {
    const seal = sealWith(readExistingSealKey(configuration));
    await new SigningKeys({ sql, commands, seal, now: Date.now }).current();
    return seal;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CommandFailure(
      `${why} Name the data directory or the key-file of the server, with --data, --key-file or --config.`,
    );
  }
}

async function reset(
  database: OpenDatabase,
  change: {
    name: string;
    password: string;
    isSecondFactorGone: boolean;
    configuration: Configuration;
  },
): Promise<string> {
  const { Passwords } = await import('../../access/sign-in/password.ts');
  const { resetPassword } = await import('../../access/sign-in/change-password.ts');
  const { SYSTEM } = await import('../../metadata/audit.ts');
  const { findUser } = await import('../../metadata/users.ts');
  const { sql, commands } = database;
  const { name, password, isSecondFactorGone, configuration } = change;
  const user = await findUser(sql, name);
  if (user === undefined || user.state === 'deleted') {
    throw new CommandFailure(`There is no user "${name}" in this database.`);
  }
  const systemUser = userInfo().username;
  const actor = { ...SYSTEM, client: `entrepot admin reset-password by ${systemUser}` };
  try {
    const passwords = new Passwords(await sealOf(database, configuration));
    const reset = { userId: user.id, password, isSecondFactorGone, systemUser };
    await resetPassword({ sql, commands, passwords }, reset, actor);
  } catch (error) {
    if (error instanceof RegistryError) throw new CommandFailure(error.message);
    throw error;
  }
  return user.state;
}
