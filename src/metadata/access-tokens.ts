// Access tokens: what is known of the long-lived secrets of users, robots and workloads. The secret itself
// is never here, only its SHA-256.
import { sql as raw } from 'kysely';
import type { TokenOwnerKind } from './access-schema.ts';
import { wantedIds } from './fragments.ts';
import type { Sql, Transaction } from './sql.ts';
import { statement } from './statement.ts';

export type AccessTokenId = number;

export interface TokenOwner {
  readonly kind: TokenOwnerKind;
  readonly id: number;
}

export interface AccessToken {
  readonly id: AccessTokenId;
  readonly ownerKind: TokenOwnerKind;
  readonly ownerId: number;
  /** As in the schema. */
  readonly ownerEpoch: number | null;
  readonly name: string;
  readonly hint: string;
  /** JSON, as in the schema. */
  readonly scopes: string | null;
  readonly condition: string | null;
  readonly claims: string | null;
  readonly createdAt: number;
  readonly expiresAt: number | null;
  readonly revokedAt: number | null;
  readonly replacesId: AccessTokenId | null;
  readonly lastUsedAt: number | null;
  readonly lastUsedFrom: string | null;
  readonly lastUsedBy: string | null;
  readonly uses: number;
}

/** A token to be made. */
export interface NewAccessToken {
  readonly owner: TokenOwner;
  /** Of a workload: its policy's epoch now; else null. */
  readonly ownerEpoch: number | null;
  readonly name: string;
  readonly hash: Uint8Array;
  readonly hint: string;
  readonly scopes: string | null;
  readonly condition: string | null;
  readonly claims: string | null;
  readonly expiresAt: number | null;
  readonly replacesId: AccessTokenId | null;
}

const TOKEN = [
  'id',
  'owner_kind as ownerKind',
  'owner_id as ownerId',
  'owner_epoch as ownerEpoch',
  'name',
  'hint',
  'scopes',
  'condition',
  'claims',
  'created_at as createdAt',
  'expires_at as expiresAt',
  'revoked_at as revokedAt',
  'replaces_id as replacesId',
  'last_used_at as lastUsedAt',
  'last_used_from as lastUsedFrom',
  'last_used_by as lastUsedBy',
  'uses',
] as const;

const byId = statement<{ id: number }>()((q, p) =>
  q.selectFrom('access_tokens').select(TOKEN).where('id', '=', p.id),
);

const idByHash = statement<{ hash: Uint8Array }>()((q, p) =>
  q.selectFrom('access_tokens').select('id').where('hash', '=', p.hash),
);

const ofOwner = statement<{ kind: string; owner: number; before: number; limit: number }>()(
  (q, p) =>
    q
      .selectFrom('access_tokens')
      .select(TOKEN)
      .where('owner_kind', '=', p.kind as TokenOwnerKind)
      .where('owner_id', '=', p.owner)
      .where('id', '<', p.before)
      .orderBy('id', 'desc')
      .limit(p.limit),
);

const live = statement<{ kind: string; owner: number; now: number }>()((q, p) =>
  q
    .selectFrom('access_tokens')
    .select((e) => e.fn.countAll<number>().as('count'))
    .where('owner_kind', '=', p.kind as TokenOwnerKind)
    .where('owner_id', '=', p.owner)
    .where('revoked_at', 'is', null)
    .where((e) => e.or([e('expires_at', 'is', null), e('expires_at', '>', p.now)])),
);

const successor = statement<{ kind: string; owner: number; id: number }>()((q, p) =>
  q
    .selectFrom('access_tokens')
    .select('id')
    .where('owner_kind', '=', p.kind as TokenOwnerKind)
    .where('owner_id', '=', p.owner)
    .where('replaces_id', '=', p.id)
    .limit(1),
);

interface TokenParameters {
  kind: string;
  owner: number;
  ownerEpoch: number | null;
  name: string;
  hash: Uint8Array;
  hint: string;
  scopes: string | null;
  condition: string | null;
  claims: string | null;
  expiresAt: number | null;
  replacesId: number | null;
  now: number;
}

const insertRow = statement<TokenParameters>()((q, p) =>
  q
    .insertInto('access_tokens')
    .values({
      owner_kind: p.kind as TokenOwnerKind,
      owner_id: p.owner,
      owner_epoch: p.ownerEpoch,
      name: p.name,
      hash: p.hash,
      hint: p.hint,
      scopes: p.scopes,
      condition: p.condition,
      claims: p.claims,
      created_at: p.now,
      expires_at: p.expiresAt,
      revoked_at: null,
      replaces_id: p.replacesId,
      last_used_at: null,
      last_used_from: null,
      last_used_by: null,
      uses: 0,
    })
    .onConflict((c) => c.column('hash').doNothing()),
);

const revokeOne = statement<{ id: number; now: number }>()((q, p) =>
  q
    .updateTable('access_tokens')
    .set({ revoked_at: p.now })
    .where('id', '=', p.id)
    .where('revoked_at', 'is', null),
);

const revokeAll = statement<{ kind: string; owner: number; now: number }>()((q, p) =>
  q
    .updateTable('access_tokens')
    .set({ revoked_at: p.now })
    .where('owner_kind', '=', p.kind as TokenOwnerKind)
    .where('owner_id', '=', p.owner)
    .where('revoked_at', 'is', null),
);

const setExpiry = statement<{ id: number; expiresAt: number }>()((q, p) =>
  q.updateTable('access_tokens').set({ expires_at: p.expiresAt }).where('id', '=', p.id),
);

const addUses = statement<{ id: number; count: number }>()((q, p) =>
  q
    .updateTable('access_tokens')
    .set((e) => ({ uses: e('uses', '+', p.count) }))
    .where('id', '=', p.id),
);

const setLastUse = statement<{ id: number; at: number; from: string; by: string }>()((q, p) =>
  q
    .updateTable('access_tokens')
    .set({ last_used_at: p.at, last_used_from: p.from, last_used_by: p.by })
    .where('id', '=', p.id)
    .where((e) => e.or([e('last_used_at', 'is', null), e('last_used_at', '<', p.at)])),
);

const expiredBefore = statement<{ before: number; limit: number }>()((q, p) =>
  q
    .selectFrom('access_tokens')
    .select('id')
    // Written out, so that the partial index is seen to fit.
    .where(raw<boolean>`expires_at is not null`)
    .where('expires_at', '<', p.before)
    .orderBy('expires_at')
    .limit(p.limit),
);

const revokedBefore = statement<{ before: number; limit: number }>()((q, p) =>
  q
    .selectFrom('access_tokens')
    .select('id')
    .where(raw<boolean>`revoked_at is not null`)
    .where('revoked_at', '<', p.before)
    .orderBy('revoked_at')
    .limit(p.limit),
);

const deleteRefresh = statement<{ ids: string }>()((q, p, engine) =>
  q
    .deleteFrom('refresh_tokens')
    .where('access_token_id', 'in', (e) =>
      e.selectFrom(wantedIds(engine, p.ids)).select('wanted.id'),
    ),
);

const deleteRows = statement<{ ids: string }>()((q, p, engine) =>
  q
    .deleteFrom('access_tokens')
    .where('id', 'in', (e) => e.selectFrom(wantedIds(engine, p.ids)).select('wanted.id')),
);

export function readAccessToken(sql: Sql, id: AccessTokenId): Promise<AccessToken | undefined> {
  return sql.first(byId, { id });
}

/** Up to `limit` tokens of an owner, newest first, older than `before`; those that ended too. */
export function listAccessTokens(
  sql: Sql,
  list: { owner: TokenOwner; before?: AccessTokenId; limit: number },
): Promise<AccessToken[]> {
  const { owner, before = Number.MAX_SAFE_INTEGER, limit } = list;
  return sql.all(ofOwner, { kind: owner.kind, owner: owner.id, before, limit });
}

/** How many work now. */
export async function countLiveTokens(
  sql: Sql,
  { owner, now }: { owner: TokenOwner; now: number },
): Promise<number> {
  const row = await sql.first(live, { kind: owner.kind, owner: owner.id, now });
  return Number(row?.count ?? 0);
}

/** The token that took the place of another; undefined when none did. */
export async function findSuccessor(
  sql: Sql,
  { id, ownerKind, ownerId }: Pick<AccessToken, 'id' | 'ownerKind' | 'ownerId'>,
): Promise<AccessTokenId | undefined> {
  return (await sql.first(successor, { kind: ownerKind, owner: ownerId, id }))?.id;
}

/** @returns undefined when one of that secret is there. */
export async function insertAccessToken(
  tx: Transaction,
  { owner, ...token }: NewAccessToken,
): Promise<AccessTokenId | undefined> {
  const row = { ...token, kind: owner.kind, owner: owner.id, now: await tx.now() };
  if ((await tx.run(insertRow, row)) === 0) return undefined;
  return (await tx.first(idByHash, { hash: token.hash }))?.id;
}

/** @returns false when it was revoked before. */
export async function revokeAccessToken(tx: Transaction, id: AccessTokenId): Promise<boolean> {
  return (await tx.run(revokeOne, { id, now: await tx.now() })) > 0;
}

/** @returns how many that was. */
export async function revokeTokensOf(tx: Transaction, owner: TokenOwner): Promise<number> {
  return tx.run(revokeAll, { kind: owner.kind, owner: owner.id, now: await tx.now() });
}

export async function setTokenExpiry(
  tx: Transaction,
  change: { id: AccessTokenId; expiresAt: number },
): Promise<void> {
  await tx.run(setExpiry, change);
}

/** Uses of one token since they were last written. */
export interface TokenUse {
  readonly id: AccessTokenId;
  readonly count: number;
  /** When, from which address and with which client the last of them was. */
  readonly at: number;
  readonly from: string;
  readonly by: string;
}

export async function noteTokenUses(tx: Transaction, uses: readonly TokenUse[]): Promise<void> {
  // In one order, so that two nodes that write at once never wait for each other in a circle.
  for (const { id, count, at, from, by } of [...uses].sort((a, b) => a.id - b.id)) {
    await tx.run(addUses, { id, count });
    await tx.run(setLastUse, { id, at, from, by });
  }
}

/** Forgets up to `limit` tokens that ended before a time. @returns how many that was. */
export async function trimAccessTokens(
  tx: Transaction,
  trim: { before: number; limit: number },
): Promise<number> {
  const expired = await tx.all(expiredBefore, trim);
  const revoked = await tx.all(revokedBefore, trim);
  const ids = new Set([...expired, ...revoked].map(({ id }) => id));
  if (ids.size === 0) return 0;
  const list = JSON.stringify([...ids].sort((a, b) => a - b));
  // Those were made from a token that has not worked for long, and cannot work any more either.
  await tx.run(deleteRefresh, { ids: list });
  return tx.run(deleteRows, { ids: list });
}
