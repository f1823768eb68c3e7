// Passkeys: public keys that a user's devices sign challenges with (WebAuthn).
import { locked } from './fragments.ts';
import type { Sql, Transaction } from './sql.ts';
import { statement } from './statement.ts';

export interface Passkey {
  readonly id: number;
  readonly userId: number;
  readonly credentialId: Uint8Array;
  /** COSE. */
  readonly publicKey: Uint8Array;
  /** Signatures made so far, as the device counts; 0 for those that do not count. */
  readonly counter: number;
  /** JSON array, as the browser named them. */
  readonly transports: string;
  readonly name: string;
  readonly createdAt: number;
  /** When the last challenge that it signed was made. */
  readonly lastUsedAt: number | null;
}

const PASSKEY = [
  'id',
  'user_id as userId',
  'credential_id as credentialId',
  'public_key as publicKey',
  'counter',
  'transports',
  'name',
  'created_at as createdAt',
  'last_used_at as lastUsedAt',
] as const;

const ofUser = statement<{ user: number }>()((q, p) =>
  q.selectFrom('passkeys').select(PASSKEY).where('user_id', '=', p.user).orderBy('id'),
);

const byCredential = statement<{ credentialId: Uint8Array }>()((q, p) =>
  q.selectFrom('passkeys').select(PASSKEY).where('credential_id', '=', p.credentialId),
);

const lockedById = statement<{ id: number }>()((q, p, engine) =>
  locked(engine, q.selectFrom('passkeys').select(PASSKEY).where('id', '=', p.id)),
);

const count = statement<{ user: number }>()((q, p) =>
  q
    .selectFrom('passkeys')
    .select((e) => e.fn.countAll<number>().as('count'))
    .where('user_id', '=', p.user),
);

const insert = statement<{
  user: number;
  credentialId: Uint8Array;
  publicKey: Uint8Array;
  counter: number;
  transports: string;
  name: string;
  now: number;
}>()((q, p) =>
  q
    .insertInto('passkeys')
    .values({
      user_id: p.user,
      credential_id: p.credentialId,
      public_key: p.publicKey,
      counter: p.counter,
      transports: p.transports,
      name: p.name,
      created_at: p.now,
      last_used_at: null,
    })
    .onConflict((c) => c.column('credential_id').doNothing()),
);

const setUsed = statement<{ id: number; counter: number; at: number }>()((q, p) =>
  q.updateTable('passkeys').set({ counter: p.counter, last_used_at: p.at }).where('id', '=', p.id),
);

const remove = statement<{ user: number; id: number }>()((q, p) =>
  q.deleteFrom('passkeys').where('user_id', '=', p.user).where('id', '=', p.id),
);

const removeAll = statement<{ user: number }>()((q, p) =>
  q.deleteFrom('passkeys').where('user_id', '=', p.user),
);

/** Oldest first. */
export function listPasskeys(sql: Sql, user: number): Promise<Passkey[]> {
  return sql.all(ofUser, { user });
}

export function findPasskey(sql: Sql, credentialId: Uint8Array): Promise<Passkey | undefined> {
  return sql.first(byCredential, { credentialId });
}

export async function countPasskeys(sql: Sql, user: number): Promise<number> {
  return (await sql.first(count, { user }))?.count ?? 0;
}

export interface NewPasskey {
  readonly user: number;
  readonly credentialId: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly counter: number;
  readonly transports: string;
  readonly name: string;
}

/** @returns false when the device is known, to this user or another. */
export async function insertPasskey(tx: Transaction, passkey: NewPasskey): Promise<boolean> {
  return (await tx.run(insert, { ...passkey, now: await tx.now() })) === 1;
}

export interface PasskeyUse {
  readonly id: number;
  readonly user: number;
  readonly counter: number;
  /** When the challenge was made that was signed. */
  readonly challengedAt: number;
}

/**
 * Notes a signature. A device that counts never counts back: if it does, there are two of them. And a
 * challenge counts once: none is taken that is not younger than the last one.
 * @returns false then, or when the user has no such passkey.
 */
export async function usePasskey(tx: Transaction, use: PasskeyUse): Promise<boolean> {
  const { id, user, counter, challengedAt } = use;
  const known = await tx.first(lockedById, { id });
  if (known?.userId !== user) return false;
  const counts = counter > 0 || known.counter > 0;
  if (counts && counter <= known.counter) return false;
  if (known.lastUsedAt !== null && challengedAt <= known.lastUsedAt) return false;
  await tx.run(setUsed, { id, counter, at: challengedAt });
  return true;
}

/** @returns whether the user had it. */
export async function removePasskey(
  tx: Transaction,
  key: { user: number; id: number },
): Promise<boolean> {
  return (await tx.run(remove, key)) === 1;
}

export async function removeAllPasskeys(tx: Transaction, user: number): Promise<void> {
  await tx.run(removeAll, { user });
}
