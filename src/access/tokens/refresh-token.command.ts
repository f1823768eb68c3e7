// Refresh tokens: given, replaced, revoked.
import { changeAccess } from '../../metadata/access-facts.ts';
import { type Actor, recordAct } from '../../metadata/audit.ts';
import { relaxed, synced } from '../../metadata/command.ts';
import {
  addRefreshToken,
  listRefreshTokens,
  type NewRefreshToken,
  replaceRefreshToken,
  revokeRefreshToken,
  trimRefreshTokens,
} from '../../metadata/refresh-tokens.ts';
import type { Transaction } from '../../metadata/sql.ts';
import { RegistryError } from '../../oci/errors.ts';
import { ACCESS_LIMITS } from '../people/limits.ts';

export function refreshTokenCommands() {
  return {
    addRefreshToken: synced(
      async (tx: Transaction, { token, actor }: { token: NewRefreshToken; actor: Actor }) => {
        await makeRoom(tx, token.user);
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

/** Where there are too many the oldest end. */
async function makeRoom(tx: Transaction, user: number): Promise<void> {
  const live = await listRefreshTokens(tx, { user, now: await tx.now() });
  const surplus = live.slice(0, Math.max(0, live.length - ACCESS_LIMITS.refreshTokens + 1));
  for (const { id } of surplus) await revokeRefreshToken(tx, { id, user });
  if (surplus.length > 0) await changeAccess(tx);
}

export type RefreshTokenCommands = ReturnType<typeof refreshTokenCommands>;
