// What a refresh token is worth: the identity that it was given to, as long as that counts.

import type { Actor } from '../../metadata/audit.ts';
import type { Commands } from '../../metadata/command.ts';
import {
  findRefreshToken,
  findReplacedToken,
  type RefreshTokenRow,
} from '../../metadata/refresh-tokens.ts';
import type { Sql } from '../../metadata/sql.ts';
import { readUserSecrets } from '../../metadata/users.ts';
import { RegistryError } from '../../oci/errors.ts';
import type { Identity } from '../standing.ts';
import type { RefreshTokenCommands } from './refresh-token.command.ts';
import { hashSecret, newSecret, secretKind } from './secret.ts';

export interface RefreshParts {
  readonly sql: Sql;
  readonly commands: Commands<RefreshTokenCommands>;
  now(): number;
  /** Asks the providers that a user signs in by for their groups, and whether they still stand by them. */
  stillStands(of: { user: number; method: string; actor: Actor }): Promise<boolean>;
  /** How those sign in who have no password here: `ldap`; undefined = not at all. */
  readonly passwordsElsewhere: string | undefined;
}

/** Thirty days from its last replacement. */
const LIFETIME_MS = 30 * 24 * 60 * 60 * 1000;
/** A client whose answer was lost comes with the secret of before: for so long that is no theft. */
const LOST_ANSWER_MS = 30_000;

/** @returns undefined for who gets none: robots and pipelines have their own tokens. */
export async function giveRefreshToken(
  parts: RefreshParts,
  to: { identity: Identity; client: string; actor: Actor },
): Promise<string | undefined> {
  const { identity, client, actor } = to;
  const { principal, credential } = identity;
  const isFirstHand = credential.kind === 'password' || credential.kind === 'access-token';
  if (principal.kind !== 'user' || !isFirstHand) return undefined;
  const secret = newSecret('epr');
  const accessToken = credential.kind === 'access-token' ? credential.id : undefined;
  const token = {
    user: principal.id,
    epoch: identity.epoch,
    accessToken,
    hash: hashSecret(secret),
    // PostgreSQL takes no NUL in a text.
    client: client.slice(0, 200).replaceAll('\0', ''),
    lifetimeMs: LIFETIME_MS,
  };
  await parts.commands.run('addRefreshToken', { token, actor });
  return secret;
}

export interface Refreshed {
  readonly identity: Identity;
  /** A new secret, when one was asked for; the one that was sent is then over. */
  readonly secret: string | undefined;
}

/** @throws RegistryError UNAUTHORIZED */
export async function useRefreshToken(
  parts: RefreshParts,
  use: { secret: string; isToBeReplaced: boolean; actor: Actor },
): Promise<Refreshed> {
  const { secret, actor } = use;
  const hash = hashSecret(secret);
  const row = secretKind(secret) === 'epr' ? await find(parts, hash, actor) : undefined;
  if (row === undefined || row.revokedAt !== null || row.expiresAt <= parts.now()) {
    throw refused();
  }
  const identity = identityOf(row);
  const method = await methodOf(parts, row);
  if (!(await parts.stillStands({ user: row.userId, method, actor }))) throw refused();
  if (!use.isToBeReplaced) return { identity, secret: undefined };
  const next = newSecret('epr');
  const change = { id: row.id, from: hash, to: hashSecret(next), lifetimeMs: LIFETIME_MS };
  if (!(await parts.commands.run('replaceRefreshToken', change))) throw refused();
  return { identity, secret: next };
}

/** How it was signed in when it was asked for; '' when no provider can end that. */
async function methodOf(
  { sql, passwordsElsewhere = '' }: RefreshParts,
  { userId, accessTokenId }: RefreshTokenRow,
): Promise<string> {
  if (passwordsElsewhere === '' || accessTokenId !== null) return '';
  const user = await readUserSecrets(sql, userId);
  return user?.passwordHash === null ? passwordsElsewhere : '';
}

function refused(): RegistryError {
  return new RegistryError(
    'UNAUTHORIZED',
    'This refresh token does not count (any more). Sign in again.',
  );
}

async function find(
  parts: RefreshParts,
  hash: Uint8Array,
  actor: Actor,
): Promise<RefreshTokenRow | undefined> {
  const row = await findRefreshToken(parts.sql, hash);
  if (row !== undefined) return row;
  const replaced = await findReplacedToken(parts.sql, hash);
  if (replaced === undefined || replaced.revokedAt !== null) return undefined;
  if (parts.now() - replaced.rotatedAt < LOST_ANSWER_MS) return replaced;
  const why = 'it was used again after it had been replaced';
  const { id, userId: user } = replaced;
  await parts.commands.run('revokeRefreshToken', { id, user, actor, why });
  return undefined;
}

function identityOf({ id, userId, userEpoch }: RefreshTokenRow): Identity {
  return {
    principal: { kind: 'user', id: userId, name: '' },
    credential: { kind: 'refresh-token', id },
    epoch: userEpoch,
  };
}
