// The end of a sign-in, in one transaction: the code is used up, nothing changed since the password was
// compared, and it is on record.
import { type Actor, recordAct } from '../../metadata/audit.ts';
import { synced } from '../../metadata/command.ts';
import { lockUser } from '../../metadata/second-factor.ts';
import type { Transaction } from '../../metadata/sql.ts';
import type { UsedFactor } from './second-factor-code.ts';
import { useFactor } from './use-factor.ts';

export interface FinishedSignIn {
  readonly userId: number;
  /** When the password was compared. */
  readonly epoch: number;
  readonly factor: UsedFactor | undefined;
  /** Such as `password+totp`. */
  readonly method: string;
  readonly actor: Actor;
}

export function signInCommandsOfUsers() {
  return {
    /** @returns false when the code was used before, or the account has changed since. */
    finishSignIn: synced(async (tx: Transaction, end: FinishedSignIn): Promise<boolean> => {
      const { userId, epoch, factor, method, actor } = end;
      const user = await lockUser(tx, userId);
      if (user?.state !== 'active' || user.epoch !== epoch) return false;
      if (factor !== undefined && !(await useFactor(tx, { user: userId, factor }))) return false;
      await recordAct(tx, {
        actor,
        action: 'sign-in',
        target: `user ${user.name}`,
        detail: { method },
      });
      return true;
    }),
  };
}
