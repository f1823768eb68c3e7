// Refresh tokens: what an OAuth2 client keeps instead of a password. Their secrets are replaced when the
// client asks for it; one that was replaced and comes again was copied, and ends the whole row.
import { locked } from './fragments.ts';
import type { Sql, Transaction } from './sql.ts';
import { statement } from './statement.ts';

export interface RefreshTokenRow {
  readonly id: number;
  readonly userId: number;
  readonly userEpoch: number;
  readonly accessTokenId: number | null;
  readonly client: string;
  readonly createdAt: number;
  readonly rotatedAt: number;
  readonly expiresAt: number;
  readonly revokedAt: number | null;
}

const COLUMNS = [
  'id',
  'user_id as userId',
  'user_epoch as userEpoch',
  'access_token_id as accessTokenId',
  'client',
  'created_at as createdAt',
  'rotated_at as rotatedAt',
  'expires_at as expiresAt',
  'revoked_at as revokedAt',
] as const;

const byHash = statement<{ hash: Uint8Array }>()((q, p) =>
  q.selectFrom('refresh_tokens').select(COLUMNS).where('hash', '=', p.hash),
);

const byId = statement<{ id: number }>()((q, p) =>
  q.selectFrom('refresh_tokens').select(COLUMNS).where('id', '=', p.id),
);

const byPreviousHash = statement<{ hash: Uint8Array }>()((q, p) =>
  q
    .selectFrom('refresh_tokens')
    .select(COLUMNS)
    .where('previous_hash', '=', p.hash)
    .where('previous_hash', 'is not', null),
);

const lockById = statement<{ id: number }>()((q, p, engine) =>
  locked(
    engine,
    q
      .selectFrom('refresh_tokens')
      .select(['hash', 'previous_hash as previousHash'])
      .where('id', '=', p.id),
  ),
);

const ofUser = statement<{ user: number; now: number }>()((q, p) =>
  q
    .selectFrom('refresh_tokens')
    .select(COLUMNS)
    .where('user_id', '=', p.user)
    .where('revoked_at', 'is', null)
    .where('expires_at', '>', p.now)
    .orderBy('id'),
);

interface NewRow {
  user: number;
  epoch: number;
  accessToken: number | null;
  hash: Uint8Array;
  client: string;
  now: number;
  expiresAt: number;
}

const insert = statement<NewRow>()((q, p) =>
  q.insertInto('refresh_tokens').values({
    user_id: p.user,
    user_epoch: p.epoch,
    access_token_id: p.accessToken,
    hash: p.hash,
    previous_hash: null,
    client: p.client,
    created_at: p.now,
    rotated_at: p.now,
    expires_at: p.expiresAt,
    revoked_at: null,
  }),
);

const replace = statement<{
  id: number;
  hash: Uint8Array;
  previous: Uint8Array;
  now: number;
  expiresAt: number;
}>()((q, p) =>
  q
    .updateTable('refresh_tokens')
    .set({ hash: p.hash, previous_hash: p.previous, rotated_at: p.now, expires_at: p.expiresAt })
    .where('id', '=', p.id)
    .where('revoked_at', 'is', null),
);

const revoke = statement<{ id: number; user: number; now: number }>()((q, p) =>
  q
    .updateTable('refresh_tokens')
    .set({ revoked_at: p.now })
    .where('id', '=', p.id)
    .where('user_id', '=', p.user)
    .where('revoked_at', 'is', null),
);

const removeEnded = statement<{ before: number; limit: number }>()((q, p) =>
  q
    .deleteFrom('refresh_tokens')
    .where('id', 'in', (e) =>
      e.selectFrom('refresh_tokens').select('id').where('expires_at', '<', p.before).limit(p.limit),
    ),
);

/** By the hash of its secret, whether or not it still counts. */
export function findRefreshToken(sql: Sql, hash: Uint8Array): Promise<RefreshTokenRow | undefined> {
  return sql.first(byHash, { hash });
}

export function readRefreshToken(sql: Sql, id: number): Promise<RefreshTokenRow | undefined> {
  return sql.first(byId, { id });
}

/** The row whose secret was this one until it was replaced. */
export function findReplacedToken(
  sql: Sql,
  hash: Uint8Array,
): Promise<RefreshTokenRow | undefined> {
  return sql.first(byPreviousHash, { hash });
}

/** Those of a user that count. */
export function listRefreshTokens(
  sql: Sql,
  of: { user: number; now: number },
): Promise<RefreshTokenRow[]> {
  return sql.all(ofUser, of);
}

export interface NewRefreshToken {
  readonly user: number;
  readonly epoch: number;
  /** The access token that it was asked for with; undefined = a password. */
  readonly accessToken: number | undefined;
  readonly hash: Uint8Array;
  readonly client: string;
  readonly lifetimeMs: number;
}

export async function addRefreshToken(tx: Transaction, token: NewRefreshToken): Promise<void> {
  const { lifetimeMs, accessToken = null, ...rest } = token;
  const now = await tx.now();
  await tx.run(insert, { ...rest, accessToken, now, expiresAt: now + lifetimeMs });
}

/**
 * `from`: the secret that was sent, or the one before it, when the answer that told the new one was lost:
 * then that new one counts no more either. @returns false when it is neither, or it was revoked.
 */
export async function replaceRefreshToken(
  tx: Transaction,
  change: { id: number; from: Uint8Array; to: Uint8Array; lifetimeMs: number },
): Promise<boolean> {
  const { id, from, to, lifetimeMs } = change;
  const row = await tx.first(lockById, { id });
  if (row === undefined) return false;
  const isSent = (hash: Uint8Array | null) =>
    hash !== null && Buffer.from(hash).equals(Buffer.from(from));
  if (!isSent(row.hash) && !isSent(row.previousHash)) return false;
  const now = await tx.now();
  const replacement = { id, hash: to, previous: row.hash, now, expiresAt: now + lifetimeMs };
  return (await tx.run(replace, replacement)) > 0;
}

/** @returns false when that user has none of that id. */
export async function revokeRefreshToken(
  tx: Transaction,
  token: { id: number; user: number },
): Promise<boolean> {
  return (await tx.run(revoke, { ...token, now: await tx.now() })) > 0;
}

/** Forgets up to `limit` that expired before a time. @returns how many that was. */
export function trimRefreshTokens(
  tx: Transaction,
  trim: { before: number; limit: number },
): Promise<number> {
  return tx.run(removeEnded, trim);
}
