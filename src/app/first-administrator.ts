// The first start: an administrator, so that somebody can sign in. With the password that is configured,
// else with one that is made here and shown once.
import { randomInt } from 'node:crypto';
import type { AccessCommands } from '../access/commands.ts';
import type { Passwords } from '../access/sign-in/password.ts';
import { checkNewPassword } from '../access/sign-in/password-rules.ts';
import type { Commands } from '../metadata/command.ts';
import type { Sql } from '../metadata/sql.ts';
import { hasAnyUser } from '../metadata/users.ts';

export const ADMINISTRATOR = 'admin';

export interface FirstAdministratorParts {
  readonly sql: Sql;
  readonly commands: Commands<Pick<AccessCommands, 'ensureAdministrator'>>;
  readonly passwords: Passwords;
}

/**
 * @returns the password, when it was made here: it is nowhere else. @throws Error with a sentence for a
 * configured one that may not be chosen.
 */
export async function ensureFirstAdministrator(
  parts: FirstAdministratorParts,
  configured: string | undefined,
): Promise<string | undefined> {
  // A hash takes 50 ms, which only the first start need wait for.
  if (await hasAnyUser(parts.sql)) return undefined;
  const password = configured === undefined ? newPassword() : checked(configured);
  const passwordHash = await parts.passwords.hash(password);
  const isMade = await parts.commands.run('ensureAdministrator', {
    name: ADMINISTRATOR,
    passwordHash,
  });
  return isMade && configured === undefined ? password : undefined;
}

function checked(password: string): string {
  try {
    checkNewPassword(password, { name: ADMINISTRATOR, email: null });
    return password;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`ENTREPOT_ADMIN_PASSWORD cannot be used. ${why}`, { cause: error });
  }
}

/** Without the letters and digits that are taken for each other. */
const ALPHABET = 'abcdefghijkmnpqrstuvwxyz23456789';

/** Four groups of five: 100 bits, and a person can type it. */
export function newPassword(): string {
  const group = () =>
    Array.from({ length: 5 }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
  return [group(), group(), group(), group()].join('-');
}
