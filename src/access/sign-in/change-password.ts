// New passwords: one that its user changes, one that an administrator sets.
import type { Actor } from '../../metadata/audit.ts';
import type { Commands } from '../../metadata/command.ts';
import { readUserSecrets } from '../../metadata/users.ts';
import { RegistryError } from '../../oci/errors.ts';
import type { userCommands } from '../people/user.command.ts';
import { checkNewPassword } from './password-rules.ts';
import type { SignInParts } from './prove-password.ts';
import { newSecretFor } from './session.ts';

export interface OwnPasswordChange {
  readonly userId: number;
  readonly oldPassword: string;
  readonly newPassword: string;
  /** The session in which it is done: it goes on, all others end. */
  readonly sessionId: number | undefined;
}

/**
 * @returns the new secret of that session. @throws RegistryError REQUEST_INVALID with the rule that the
 * new one breaks, DENIED for a wrong old one, CONFLICT, TOOMANYREQUESTS.
 */
export async function changeOwnPassword(
  parts: SignInParts,
  change: OwnPasswordChange,
  actor: Actor,
): Promise<string | undefined> {
  const { userId, oldPassword, newPassword, sessionId } = change;
  const user = await readUserSecrets(parts.sql, userId);
  if (user?.state !== 'active' || user.passwordHash === null) {
    throw new RegistryError('CONFLICT', 'This account has no password here that could be changed.');
  }
  checkNewPassword(newPassword, user);
  if (newPassword === oldPassword) {
    throw new RegistryError('REQUEST_INVALID', 'The new password is the old one.');
  }
  const attempt = { account: user.name, address: actor.address };
  parts.throttle.check(attempt);
  const isRight = await parts.passwords.verify({
    password: oldPassword,
    hash: user.passwordHash,
    onTurn() {
      parts.throttle.check(attempt);
      return false;
    },
  });
  if (!isRight) {
    // Somebody may be at a screen that its owner left.
    parts.throttle.failed(attempt);
    parts.recordRefusal({
      actor,
      action: 'user.change-password',
      target: `user ${user.name}`,
      outcome: 'refused',
      detail: { why: 'wrong old password' },
    });
    throw new RegistryError('DENIED', 'The old password is wrong.');
  }
  parts.throttle.succeeded(attempt);
  const hash = await parts.passwords.hash(newPassword);
  const renewed = sessionId === undefined ? undefined : newSecretFor(sessionId);
  const { epoch } = user;
  const session = renewed?.kept;
  await parts.commands.run('changeOwnPassword', { userId, epoch, hash, session, actor });
  return renewed?.secret;
}

export interface ResetParts extends Pick<SignInParts, 'sql' | 'passwords'> {
  readonly commands: Commands<Pick<ReturnType<typeof userCommands>, 'setUserPassword'>>;
}

export interface Reset {
  readonly userId: number;
  readonly password: string;
  /** Takes the second factor away as well. */
  readonly isSecondFactorGone?: boolean;
  /** Whose command it was, on the machine of the server. */
  readonly systemUser?: string;
}

/** By an administrator. Ends all that the user had signed in. @throws RegistryError REQUEST_INVALID, NOT_FOUND. */
export async function resetPassword(
  parts: ResetParts,
  { userId, password, ...more }: Reset,
  actor: Actor,
): Promise<void> {
  const user = await readUserSecrets(parts.sql, userId);
  if (user === undefined || user.state === 'deleted') {
    throw new RegistryError('NOT_FOUND', 'There is no such user.');
  }
  checkNewPassword(password, user);
  const passwordHash = await parts.passwords.hash(password);
  await parts.commands.run('setUserPassword', { id: userId, passwordHash, ...more, actor });
}
