// A user changes their own password. What an administrator sets: people/user.command.ts.
import { changeAccess, lockAccess } from '../../metadata/access-facts.ts';
import { type Actor, recordAct } from '../../metadata/audit.ts';
import { synced } from '../../metadata/command.ts';
import { lockUser } from '../../metadata/second-factor.ts';
import type { Transaction } from '../../metadata/sql.ts';
import { setPasswordHash } from '../../metadata/users.ts';
import { RegistryError } from '../../oci/errors.ts';
import { type KeptSession, keepSession } from './session.command.ts';

export interface PasswordChange {
  readonly userId: number;
  /** When the old password was compared. */
  readonly epoch: number;
  readonly hash: string;
  readonly session: KeptSession | undefined;
  readonly actor: Actor;
}

export function passwordCommands() {
  return { changeOwnPassword: synced(changeOwnPassword) };
}

async function changeOwnPassword(tx: Transaction, change: PasswordChange): Promise<void> {
  const { userId, epoch, hash, session, actor } = change;
  await lockAccess(tx);
  const user = await lockUser(tx, userId);
  if (user?.state !== 'active' || user.epoch !== epoch) {
    throw new RegistryError('CONFLICT', 'The account has changed meanwhile. Try again.');
  }
  await setPasswordHash(tx, { id: userId, hash });
  await keepSession(tx, { userId, session });
  await changeAccess(tx);
  const target = `user ${user.name}`;
  await recordAct(tx, { actor, action: 'user.change-password', target });
}
