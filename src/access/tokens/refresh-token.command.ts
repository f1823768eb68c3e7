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

    revokeRefreshToken: synced(revokeOne),

    trimRefreshTokens: relaxed((tx: Transaction, trim: { before: number; limit: number }) =>
      trimRefreshTokens(tx, trim),
    ),
  };
}

interface Revocation {
  readonly id: number;
  readonly user: number;
  readonly actor: Actor;
  /** For the audit log. */
  readonly why: string;
}

/** @throws RegistryError NOT_FOUND */
async function revokeOne(tx: Transaction, { id, user, actor, why }: Revocation): Promise<void> {
  if (!(await revokeRefreshToken(tx, { id, user }))) {
    throw new RegistryError('NOT_FOUND', `There is no refresh token ${id}.`);
  }
  await changeAccess(tx);
  const target = `refresh token ${id}`;
  await recordAct(tx, { actor, action: 'refresh-token.revoke', target, detail: { why } });
}

/** All of a user. */
export async function revokeRefreshTokensOf(
  tx: Transaction,
  revocation: Omit<Revocation, 'id'>,
): Promise<void> {
  const live = await listRefreshTokens(tx, { user: revocation.user, now: await tx.now() });
  for (const { id } of live) await revokeOne(tx, { ...revocation, id });
}

/** Where there are too many the oldest end. */
async function makeRoom(tx: Transaction, user: number): Promise<void> {
  const live = await listRefreshTokens(tx, { user, now: await tx.now() });
  const surplus = live.slice(0, Math.max(0, live.length - ACCESS_LIMITS.refreshTokens + 1));
  for (const { id } of surplus) await revokeRefreshToken(tx, { id, user });
  if (surplus.length > 0) await changeAccess(tx);
}

export type RefreshTokenCommands = ReturnType<typeof refreshTokenCommands>;
