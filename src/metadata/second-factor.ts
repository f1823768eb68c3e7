// The second factor of a user: the secret of an authenticator app (sealed), and recovery codes as hashes.
import type { AccountState } from './access-schema.ts';
import { locked } from './fragments.ts';
import type { Sql, Transaction } from './sql.ts';
import { statement } from './statement.ts';

/** Of a user, locked until the transaction ends, so that two changes at once follow each other. */
export interface LockedUser {
  readonly name: string;
  readonly state: AccountState;
  readonly epoch: number;
  /** Sealed. */
  readonly totpSecret: string | null;
  readonly totpConfirmed: number;
}

const lockedUser = statement<{ id: number }>()((q, p, engine) =>
  locked(
    engine,
    q
      .selectFrom('users')
      .select([
        'name',
        'state',
        'epoch',
        'totp_secret as totpSecret',
        'totp_confirmed as totpConfirmed',
      ])
      .where('id', '=', p.id),
  ),
);

const setSecret = statement<{ id: number; secret: string }>()((q, p) =>
  q
    .updateTable('users')
    .set({ totp_secret: p.secret, totp_step: 0 })
    .where('id', '=', p.id)
    .where('totp_confirmed', '=', 0),
);

const confirm = statement<{ id: number; step: number }>()((q, p) =>
  q.updateTable('users').set({ totp_confirmed: 1, totp_step: p.step }).where('id', '=', p.id),
);

const takeStep = statement<{ id: number; step: number }>()((q, p) =>
  q
    .updateTable('users')
    .set({ totp_step: p.step })
    .where('id', '=', p.id)
    .where('totp_confirmed', '=', 1)
    .where('totp_step', '<', p.step),
);

const clearSecret = statement<{ id: number }>()((q, p) =>
  q
    .updateTable('users')
    .set({ totp_secret: null, totp_confirmed: 0, totp_step: 0 })
    .where('id', '=', p.id),
);

const insertCode = statement<{ id: number; hash: Uint8Array }>()((q, p) =>
  q.insertInto('recovery_codes').values({ user_id: p.id, hash: p.hash, used_at: null }),
);

const takeCode = statement<{ id: number; hash: Uint8Array; now: number }>()((q, p) =>
  q
    .updateTable('recovery_codes')
    .set({ used_at: p.now })
    .where('user_id', '=', p.id)
    .where('hash', '=', p.hash)
    .where('used_at', 'is', null),
);

const deleteCodes = statement<{ id: number }>()((q, p) =>
  q.deleteFrom('recovery_codes').where('user_id', '=', p.id),
);

const unusedCodes = statement<{ id: number }>()((q, p) =>
  q
    .selectFrom('recovery_codes')
    .select((e) => e.fn.countAll<number>().as('count'))
    .where('user_id', '=', p.id)
    .where('used_at', 'is', null),
);

export function lockUser(tx: Transaction, id: number): Promise<LockedUser | undefined> {
  return tx.first(lockedUser, { id });
}

/** Does nothing while an app is confirmed: it must be taken away first. @returns whether it did. */
export async function beginTotp(
  tx: Transaction,
  { user, secret }: { user: number; secret: string },
): Promise<boolean> {
  return (await tx.run(setSecret, { id: user, secret })) === 1;
}

/** The step of the first code counts as used. */
export async function confirmTotp(
  tx: Transaction,
  { user, step }: { user: number; step: number },
): Promise<void> {
  await tx.run(confirm, { id: user, step });
}

/** @returns false when that step, or one after it, was used. */
export async function useTotpStep(
  tx: Transaction,
  { user, step }: { user: number; step: number },
): Promise<boolean> {
  return (await tx.run(takeStep, { id: user, step })) === 1;
}

export async function removeTotp(tx: Transaction, user: number): Promise<void> {
  await tx.run(clearSecret, { id: user });
}

/** Those before count no more, used or not. */
export async function replaceRecoveryCodes(
  tx: Transaction,
  { user, hashes }: { user: number; hashes: readonly Uint8Array[] },
): Promise<void> {
  await tx.run(deleteCodes, { id: user });
  for (const hash of hashes) await tx.run(insertCode, { id: user, hash });
}

/** @returns false when there is no such code, or it was used. */
export async function useRecoveryCode(
  tx: Transaction,
  { user, hash }: { user: number; hash: Uint8Array },
): Promise<boolean> {
  return (await tx.run(takeCode, { id: user, hash, now: await tx.now() })) === 1;
}

/** How many are left. */
export async function countRecoveryCodes(sql: Sql, user: number): Promise<number> {
  return (await sql.first(unusedCodes, { id: user }))?.count ?? 0;
}
