// Refresh tokens: given, replaced, revoked.
import { changeAccess } from '../../metadata/access-facts.ts';
import { type Actor, recordAct } from '../../metadata/audit.ts';
import { relaxed, synced } from '../../metadata/command.ts';
import {
  addRefreshToken,
  type NewRefreshToken,
  replaceRefreshToken,
  revokeRefreshToken,
  trimRefreshTokens,
} from '../../metadata/refresh-tokens.ts';
import type { Transaction } from '../../metadata/sql.ts';
import { RegistryError } from '../../oci/errors.ts';

export function refreshTokenCommands() {
  return {
    addRefreshToken: synced(
      async (tx: Transaction, { token, actor }: { token: NewRefreshToken; actor: Actor }) => {
        await addRefreshToken(tx, token);
        const target = `user ${actor.name}`;
        await recordAct(tx, { actor, action: 'refresh-token.create', target });
      },
    ),

    /** @returns false when it was replaced or revoked in between. */
    replaceRefreshToken: synced(
      (tx: Transaction, change: Parameters<typeof replaceRefreshToken>[1]): Promise<boolean> =>
        replaceRefreshToken(tx, change),
    ),

    /** `why`: for the audit log. @throws RegistryError NOT_FOUND */
    revokeRefreshToken: synced(
      async (
        tx: Transaction,
        { id, user, actor, why }: { id: number; user: number; actor: Actor; why: string },
      ): Promise<void> => {
        if (!(await revokeRefreshToken(tx, { id, user }))) {
          throw new RegistryError('NOT_FOUND', `There is no refresh token ${id}.`);
        }
        await changeAccess(tx);
        const target = `refresh token ${id}`;
        await recordAct(tx, { actor, action: 'refresh-token.revoke', target, detail: { why } });
      },
    ),

    trimRefreshTokens: relaxed((tx: Transaction, trim: { before: number; limit: number }) =>
      trimRefreshTokens(tx, trim),
    ),
  };
}

export type RefreshTokenCommands = ReturnType<typeof refreshTokenCommands>;
