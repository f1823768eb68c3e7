// Access tokens of users and robots: made, rotated, revoked, and what their use leaves behind. Secrets are
// made where they are shown; only their hashes come here.
import { changeAccess, lockAccess } from '../../metadata/access-facts.ts';
import {
  type AccessToken,
  type AccessTokenId,
  countLiveTokens,
  findSuccessor,
  insertAccessToken,
  noteTokenUses,
  readAccessToken,
  revokeAccessToken,
  revokeTokensOf,
  setTokenExpiry,
  type TokenOwner,
  type TokenUse,
  trimAccessTokens,
} from '../../metadata/access-tokens.ts';
import { type Actor, recordAct } from '../../metadata/audit.ts';
import { relaxed, synced } from '../../metadata/command.ts';
import type { Transaction } from '../../metadata/sql.ts';
import { type Condition, storedCondition } from '../condition.ts';
import type { Scope } from '../decide.ts';
import { ACCESS_LIMITS } from '../people/limits.ts';
import { checkText, conflict, invalid, notFound } from '../people/names.ts';
import { activeOwnerTitle, ownerTitle } from './owner.ts';

export function accessTokenCommands() {
  return {
    createAccessToken: synced(createToken),
    rotateAccessToken: synced(rotateToken),
    revokeAccessToken: synced(revokeToken),
    revokeAccessTokensOf: synced(revokeAll),
    noteTokenUses: relaxed((tx: Transaction, uses: readonly TokenUse[]) => noteTokenUses(tx, uses)),
    trimAccessTokens: relaxed((tx: Transaction, trim: { before: number; limit: number }) =>
      trimAccessTokens(tx, trim),
    ),
  };
}

interface NewToken {
  readonly owner: TokenOwner & { readonly kind: 'user' | 'robot' };
  readonly name: string;
  readonly hash: Uint8Array;
  readonly hint: string;
  /** Absent: everything that its owner may. */
  readonly scopes?: readonly Scope[];
  readonly condition?: Condition;
  /** Milliseconds since 1970; null = never. */
  readonly expiresAt: number | null;
  readonly actor: Actor;
}

async function createToken(tx: Transaction, token: NewToken): Promise<AccessTokenId> {
  const { owner, name, hash, hint, expiresAt, actor } = token;
  checkText('The name of a token', name, ACCESS_LIMITS.displayNameLength);
  if (name.trim() === '') throw invalid('A token needs a name, to tell it from others later.');
  const { scopes } = token;
  const condition = storedCondition(token.condition);
  const now = await tx.now();
  if (expiresAt !== null && expiresAt <= now) {
    throw invalid('The time at which the token expires has passed already.');
  }
  const title = await activeOwnerTitle(tx, owner);
  if ((await countLiveTokens(tx, { owner, now })) >= ACCESS_LIMITS.liveTokens) {
    throw conflict(
      `${title} has ${ACCESS_LIMITS.liveTokens} tokens that work. Revoke some, or let tokens expire.`,
    );
  }
  const id = await insertAccessToken(tx, {
    owner,
    ownerEpoch: null,
    name,
    hash,
    hint,
    scopes: scopes === undefined ? null : JSON.stringify(scopes),
    condition,
    claims: null,
    expiresAt,
    replacesId: null,
  });
  if (id === undefined) throw conflict('A token of that secret is there already.');
  const target = `token ${id} of ${title}`;
  const detail = { name, scopes, condition: token.condition, expiresAt };
  await recordAct(tx, { actor, action: 'token.create', target, detail });
  return id;
}

interface TokenChange {
  readonly id: AccessTokenId;
  /** Whose it must be; absent: anybody's. */
  readonly owner?: TokenOwner;
  readonly actor: Actor;
}

interface Rotation extends TokenChange {
  readonly hash: Uint8Array;
  readonly hint: string;
  /** How long the old one works on, in milliseconds. */
  readonly overlapMs: number;
  /** Of the new one; absent: it lives as long as the old one did from its making. */
  readonly expiresAt?: number | null;
}

/** A new secret with the same rights. @returns the new token's id. */
async function rotateToken(tx: Transaction, rotation: Rotation): Promise<AccessTokenId> {
  await lockAccess(tx);
  const old = await known(tx, rotation);
  const now = await tx.now();
  if (old.revokedAt !== null || (old.expiresAt !== null && old.expiresAt <= now)) {
    throw conflict('This token has ended and cannot be rotated. Make a new one.');
  }
  if (old.ownerKind === 'workload') {
    throw conflict('A token from an exchange cannot be rotated. Exchange another one.');
  }
  if ((await findSuccessor(tx, old)) !== undefined) {
    throw conflict('This token was rotated already. Rotate the one that took its place.');
  }
  const owner: TokenOwner = { kind: old.ownerKind, id: old.ownerId };
  const title = await activeOwnerTitle(tx, owner);
  const { hash, hint, overlapMs, actor } = rotation;
  const expiresAt = expiryAfter(old, rotation, now);
  if (expiresAt !== null && expiresAt <= now) {
    throw invalid('The time at which the token expires has passed already.');
  }
  const { name, scopes, condition } = old;
  const made = { owner, ownerEpoch: null, name, hash, hint, scopes, condition, claims: null };
  const id = await insertAccessToken(tx, { ...made, expiresAt, replacesId: old.id });
  if (id === undefined) throw conflict('A token of that secret is there already.');
  const until = Math.min(old.expiresAt ?? Number.MAX_SAFE_INTEGER, now + Math.max(0, overlapMs));
  await setTokenExpiry(tx, { id: old.id, expiresAt: until });
  await changeAccess(tx);
  const target = `token ${old.id} of ${title}`;
  const detail = { name, newToken: id, oldUntil: until, expiresAt };
  await recordAct(tx, { actor, action: 'token.rotate', target, detail });
  return id;
}

function expiryAfter(old: AccessToken, rotation: Rotation, now: number): number | null {
  if (rotation.expiresAt !== undefined) return rotation.expiresAt;
  return old.expiresAt === null ? null : now + (old.expiresAt - old.createdAt);
}

/** @returns false when it was revoked before. */
async function revokeToken(tx: Transaction, change: TokenChange): Promise<boolean> {
  const token = await known(tx, change);
  if (!(await revokeAccessToken(tx, token.id))) return false;
  await changeAccess(tx);
  const title = await ownerTitle(tx, { kind: token.ownerKind, id: token.ownerId });
  await recordAct(tx, {
    actor: change.actor,
    action: 'token.revoke',
    target: `token ${token.id} of ${title}`,
    detail: { name: token.name },
  });
  return true;
}

/** @returns how many that was. */
async function revokeAll(
  tx: Transaction,
  { owner, actor }: { owner: TokenOwner; actor: Actor },
): Promise<number> {
  const count = await revokeTokensOf(tx, owner);
  if (count === 0) return 0;
  await changeAccess(tx);
  const target = `tokens of ${await ownerTitle(tx, owner)}`;
  await recordAct(tx, { actor, action: 'token.revoke-all', target, detail: { count } });
  return count;
}

async function known(tx: Transaction, { id, owner }: TokenChange): Promise<AccessToken> {
  const token = await readAccessToken(tx, id);
  const isTheirs =
    owner === undefined || (token?.ownerKind === owner.kind && token.ownerId === owner.id);
  if (token === undefined || !isTheirs) throw notFound('There is no such access token.');
  return token;
}
