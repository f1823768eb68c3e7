// Sessions of people at the page and the API: one row a sign-in, by the hash of its secret. A session of an
// older epoch of its user counts no more.
import { sql as raw } from 'kysely';
import type { AccountState } from './access-schema.ts';
import type { Sql, Transaction } from './sql.ts';
import { statement } from './statement.ts';

/** Times are milliseconds since 1970. */
export interface Session {
  readonly id: number;
  readonly userId: number;
  /** `password`, `password+totp`, `passkey`, `oidc:NAME`, `ldap`. */
  readonly method: string;
  readonly address: string;
  readonly client: string;
  readonly createdAt: number;
  readonly seenAt: number;
  readonly expiresAt: number;
}

export interface FoundSession extends Session {
  readonly userEpoch: number;
  readonly revokedAt: number | null;
  /** Of its user, today. */
  readonly name: string;
  readonly epoch: number;
  readonly state: AccountState;
}

const SESSION = [
  's.id',
  's.user_id as userId',
  's.method',
  's.address',
  's.client',
  's.created_at as createdAt',
  's.seen_at as seenAt',
  's.expires_at as expiresAt',
] as const;

const byHash = statement<{ hash: Uint8Array }>()((q, p) =>
  q
    .selectFrom('sessions as s')
    .innerJoin('users as u', 'u.id', 's.user_id')
    .select([
      ...SESSION,
      's.user_epoch as userEpoch',
      's.revoked_at as revokedAt',
      'u.name',
      'u.epoch',
      'u.state',
    ])
    .where('s.hash', '=', p.hash),
);

/** Those of today's epoch that nobody ended, whether or not their time is over. */
const openOfUser = statement<{ user: number }>()((q, p) =>
  q
    .selectFrom('sessions as s')
    .innerJoin('users as u', 'u.id', 's.user_id')
    .select(SESSION)
    .where('s.user_id', '=', p.user)
    .where('s.revoked_at', 'is', null)
    .whereRef('s.user_epoch', '=', 'u.epoch')
    .orderBy('s.seen_at', 'desc')
    .orderBy('s.id', 'desc'),
);

const insert = statement<{
  user: number;
  epoch: number;
  hash: Uint8Array;
  method: string;
  address: string;
  client: string;
  now: number;
  expiresAt: number;
}>()((q, p) =>
  q.insertInto('sessions').values({
    user_id: p.user,
    user_epoch: p.epoch,
    hash: p.hash,
    method: p.method,
    address: p.address,
    client: p.client,
    created_at: p.now,
    seen_at: p.now,
    expires_at: p.expiresAt,
    revoked_at: null,
  }),
);

const setSeen = statement<{ id: number; at: number; before: number; address: string }>()((q, p) =>
  q
    .updateTable('sessions')
    .set({ seen_at: p.at, address: p.address })
    .where('id', '=', p.id)
    .where('seen_at', '<=', p.before),
);

const setHash = statement<{ id: number; user: number; hash: Uint8Array; epoch: number }>()((q, p) =>
  q
    .updateTable('sessions')
    .set({ hash: p.hash, user_epoch: p.epoch })
    .where('id', '=', p.id)
    .where('user_id', '=', p.user)
    .where('revoked_at', 'is', null),
);

const revoke = statement<{ user: number; id: number; now: number }>()((q, p) =>
  q
    .updateTable('sessions')
    .set({ revoked_at: p.now })
    .where('id', '=', p.id)
    .where('user_id', '=', p.user)
    .where('revoked_at', 'is', null),
);

const revokeAllBut = statement<{ user: number; but: number; now: number }>()((q, p) =>
  q
    .updateTable('sessions')
    .set({ revoked_at: p.now })
    .where('user_id', '=', p.user)
    .where('id', '<>', p.but)
    .where('revoked_at', 'is', null),
);

const revokeByHash = statement<{ user: number; hash: Uint8Array; now: number }>()((q, p) =>
  q
    .updateTable('sessions')
    .set({ revoked_at: p.now })
    .where('hash', '=', p.hash)
    .where('user_id', '=', p.user)
    .where('revoked_at', 'is', null),
);

const deleteExpired = statement<{ before: number; limit: number }>()((q, p) =>
  q
    .deleteFrom('sessions')
    .where('id', 'in', (e) =>
      e
        .selectFrom('sessions')
        .select('id')
        .where('expires_at', '<', p.before)
        .orderBy('expires_at')
        .limit(raw<number>`${p.limit}`),
    ),
);

/** Whatever became of it: the caller looks. */
export function findSession(sql: Sql, hash: Uint8Array): Promise<FoundSession | undefined> {
  return sql.first(byHash, { hash });
}

/** Those that nobody ended, last used first. Their time may be over. */
export function listSessions(sql: Sql, user: number): Promise<Session[]> {
  return sql.all(openOfUser, { user });
}

export interface NewSession {
  readonly user: number;
  readonly epoch: number;
  readonly hash: Uint8Array;
  readonly method: string;
  readonly address: string;
  readonly client: string;
  readonly lifeMs: number;
}

/** Times by the clock of the database's side. @returns the row. */
export async function insertSession(tx: Transaction, session: NewSession): Promise<FoundSession> {
  const now = await tx.now();
  await tx.run(insert, { ...session, now, expiresAt: now + session.lifeMs });
  const made = await findSession(tx, session.hash);
  if (made === undefined) throw new Error('a session that was just made is not there');
  return made;
}

/** @returns false when it was seen after `before`: somebody else has noted it. */
export async function noteSessionSeen(
  tx: Transaction,
  seen: { id: number; at: number; before: number; address: string },
): Promise<boolean> {
  return (await tx.run(setSeen, seen)) === 1;
}

/** The secret before counts no more. @returns false when the session was ended. */
export async function renewSession(
  tx: Transaction,
  renewal: { id: number; user: number; hash: Uint8Array; epoch: number },
): Promise<boolean> {
  return (await tx.run(setHash, renewal)) === 1;
}

/** @returns false when the user has no such session, or it was ended. */
export async function revokeSession(
  tx: Transaction,
  { user, id }: { user: number; id: number },
): Promise<boolean> {
  return (await tx.run(revoke, { user, id, now: await tx.now() })) === 1;
}

/** @returns how many were ended. */
export async function revokeOtherSessions(
  tx: Transaction,
  { user, but }: { user: number; but: number },
): Promise<number> {
  return tx.run(revokeAllBut, { user, but, now: await tx.now() });
}

/** The one that a browser had before it signed in again. */
export async function revokeSessionByHash(
  tx: Transaction,
  { user, hash }: { user: number; hash: Uint8Array },
): Promise<boolean> {
  return (await tx.run(revokeByHash, { user, hash, now: await tx.now() })) === 1;
}

/** Forgets sessions whose time was over before `before`. @returns how many. */
export function trimSessions(
  tx: Transaction,
  trim: { before: number; limit: number },
): Promise<number> {
  return tx.run(deleteExpired, trim);
}
