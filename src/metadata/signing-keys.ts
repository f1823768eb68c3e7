// The keys that sign bearer tokens: the private half sealed, the public half for whoever verifies.
import type { Sql, Transaction } from './sql.ts';
import { statement } from './statement.ts';

export interface SigningKeyRow {
  readonly kid: string;
  /** Sealed PKCS #8. */
  readonly privateKey: string;
  /** JSON: the public JWK. */
  readonly publicKey: string;
  readonly createdAt: number;
  /** Null = it signs. */
  readonly retiredAt: number | null;
}

const all = statement()((q) =>
  q
    .selectFrom('signing_keys')
    .select([
      'kid',
      'private_key as privateKey',
      'public_key as publicKey',
      'created_at as createdAt',
      'retired_at as retiredAt',
    ])
    .orderBy('id', 'desc'),
);

const insert = statement<{ kid: string; privateKey: string; publicKey: string; now: number }>()(
  (q, p) =>
    q.insertInto('signing_keys').values({
      kid: p.kid,
      private_key: p.privateKey,
      public_key: p.publicKey,
      created_at: p.now,
      retired_at: null,
    }),
);

const retireOthers = statement<{ kid: string; now: number }>()((q, p) =>
  q
    .updateTable('signing_keys')
    .set({ retired_at: p.now })
    .where('kid', '<>', p.kid)
    .where('retired_at', 'is', null),
);

const removeRetired = statement<{ before: number }>()((q, p) =>
  q.deleteFrom('signing_keys').where('retired_at', '<', p.before),
);

const removeAllOthers = statement<{ kid: string }>()((q, p) =>
  q.deleteFrom('signing_keys').where('kid', '<>', p.kid),
);

/** Newest first. */
export function readSigningKeys(sql: Sql): Promise<SigningKeyRow[]> {
  return sql.all(all, {});
}

export interface NewSigningKey {
  readonly kid: string;
  readonly privateKey: string;
  readonly publicKey: string;
}

/** From now on this one signs; those before it only verify. */
export async function addSigningKey(tx: Transaction, key: NewSigningKey): Promise<void> {
  const now = await tx.now();
  await tx.run(insert, { ...key, now });
  await tx.run(retireOthers, { kid: key.kid, now });
}

/** @returns how many were removed. */
export function removeRetiredKeys(tx: Transaction, before: number): Promise<number> {
  return tx.run(removeRetired, { before });
}

/** What all other keys signed counts no more. */
export function removeOtherKeys(tx: Transaction, kid: string): Promise<number> {
  return tx.run(removeAllOthers, { kid });
}
