// Accounts at providers and directories, and the users here that they are.
import type { AccountState } from './access-schema.ts';
import { locked } from './fragments.ts';
import type { Sql, Transaction } from './sql.ts';
import { statement } from './statement.ts';
import type { UserId } from './users.ts';

export interface IdentityKey {
  /** `oidc:NAME`, `ldap`. */
  readonly provider: string;
  /** What the provider knows the account by. */
  readonly subject: string;
}

export interface Identity extends IdentityKey {
  readonly userId: UserId;
  readonly createdAt: number;
  /** Sealed; '' once the provider refused it; null when it gave none. */
  readonly refreshToken: string | null;
  readonly refreshedAt: number;
}

export interface IdentifiedUser {
  readonly id: UserId;
  readonly name: string;
  readonly epoch: number;
  readonly state: AccountState;
}

const userOfIdentity = statement<{ provider: string; subject: string }>()((q, p, engine) =>
  locked(
    engine,
    q
      .selectFrom('user_identities as i')
      .innerJoin('users as u', 'u.id', 'i.user_id')
      .select(['u.id', 'u.name', 'u.epoch', 'u.state'])
      .where('i.provider', '=', p.provider)
      .where('i.subject', '=', p.subject),
  ),
);

const ofUser = statement<{ user: number }>()((q, p) =>
  q
    .selectFrom('user_identities')
    .select([
      'provider',
      'subject',
      'user_id as userId',
      'created_at as createdAt',
      'refresh_token as refreshToken',
      'refreshed_at as refreshedAt',
    ])
    .where('user_id', '=', p.user)
    .orderBy('provider')
    .orderBy('subject'),
);

const insertRow = statement<{
  provider: string;
  subject: string;
  user: number;
  now: number;
}>()((q, p) =>
  q.insertInto('user_identities').values({
    provider: p.provider,
    subject: p.subject,
    user_id: p.user,
    created_at: p.now,
    refresh_token: null,
    refreshed_at: p.now,
  }),
);

const deleteRow = statement<{ provider: string; subject: string }>()((q, p) =>
  q
    .deleteFrom('user_identities')
    .where('provider', '=', p.provider)
    .where('subject', '=', p.subject),
);

const setToken = statement<{
  provider: string;
  subject: string;
  token: string | null;
  now: number;
}>()((q, p) =>
  q
    .updateTable('user_identities')
    .set({ refresh_token: p.token, refreshed_at: p.now })
    .where('provider', '=', p.provider)
    .where('subject', '=', p.subject),
);

const take = statement<{ provider: string; subject: string; before: number; now: number }>()(
  (q, p) =>
    q
      .updateTable('user_identities')
      .set({ refreshed_at: p.now })
      .where('provider', '=', p.provider)
      .where('subject', '=', p.subject)
      .where('refreshed_at', '<=', p.before),
);

/** The user whose account that is, locked until the transaction ends. */
export function lockIdentifiedUser(
  tx: Transaction,
  key: IdentityKey,
): Promise<IdentifiedUser | undefined> {
  return tx.first(userOfIdentity, key);
}

export function identitiesOf(sql: Sql, user: UserId): Promise<Identity[]> {
  return sql.all(ofUser, { user });
}

/** Fails when the account is somebody's already: look first. */
export async function insertIdentity(
  tx: Transaction,
  identity: IdentityKey & { readonly user: UserId },
): Promise<void> {
  await tx.run(insertRow, { ...identity, now: await tx.now() });
}

/** @returns whether it was there. */
export async function deleteIdentity(tx: Transaction, key: IdentityKey): Promise<boolean> {
  return (await tx.run(deleteRow, key)) > 0;
}

/** `token`: sealed; '' = the provider refused it; null = it gave none. */
export async function setRefreshToken(
  tx: Transaction,
  { token, ...key }: IdentityKey & { readonly token: string | null },
): Promise<void> {
  await tx.run(setToken, { ...key, token, now: await tx.now() });
}

/**
 * Whether the caller may ask the provider now: nobody did in the last `restMs`. Providers take the same
 * token twice for a theft.
 */
export async function takeRefresh(
  tx: Transaction,
  { restMs, ...key }: IdentityKey & { readonly restMs: number },
): Promise<boolean> {
  const now = await tx.now();
  return (await tx.run(take, { ...key, before: now - restMs, now })) > 0;
}
