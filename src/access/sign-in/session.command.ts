// Sessions: made at a sign-in, given a new secret, ended.
import { changeAccess } from '../../metadata/access-facts.ts';
import { type Actor, recordAct } from '../../metadata/audit.ts';
import { relaxed, synced } from '../../metadata/command.ts';
import { lockUser } from '../../metadata/second-factor.ts';
import {
  type FoundSession,
  insertSession,
  listSessions,
  noteSessionSeen,
  renewSession,
  revokeOtherSessions,
  revokeSession,
  revokeSessionByHash,
  trimSessions,
} from '../../metadata/sessions.ts';
import type { Transaction } from '../../metadata/sql.ts';
import { RegistryError } from '../../oci/errors.ts';
import { revokeRefreshTokensOf } from '../tokens/refresh-token.command.ts';

/** Open at once, of one user: a person with many devices has a dozen. The one not used longest goes. */
const MOST_SESSIONS = 100;

export interface SessionStart {
  readonly userId: number;
  /** As the sign-in found it. */
  readonly epoch: number;
  readonly hash: Uint8Array;
  readonly method: string;
  readonly lifeMs: number;
  /** Hash of the secret that the browser had before: that session ends. */
  readonly replaces: Uint8Array | undefined;
  readonly actor: Actor;
}

/** A session that goes on after what ends all others. */
export interface KeptSession {
  readonly id: number;
  /** Of its new secret. */
  readonly hash: Uint8Array;
}

export function sessionCommands() {
  return {
    createSession: synced(createSession),

    /** Of `userId`, and of nobody else. @throws RegistryError NOT_FOUND */
    endSession: synced(
      async (tx: Transaction, end: { userId: number; id: number; actor: Actor }): Promise<void> => {
        const { userId: user, id, actor } = end;
        if (!(await revokeSession(tx, { user, id }))) {
          throw new RegistryError('NOT_FOUND', `You have no session ${id}, or it was ended.`);
        }
        await changeAccess(tx);
        await recordAct(tx, { actor, action: 'session.end', target: `session ${id}` });
      },
    ),

    endOtherSessions: synced(endOthers),

    /** By an administrator: all that was signed in, but no access token. */
    signOutUser: synced(
      async (tx: Transaction, { userId, actor }: { userId: number; actor: Actor }) => {
        await endOthers(tx, { userId, but: 0, actor });
        const why = 'signed out by an administrator';
        await revokeRefreshTokensOf(tx, { user: userId, actor, why });
      },
    ),

    /** Not an act: that somebody is there. */
    noteSessionSeen: relaxed((tx: Transaction, seen: Parameters<typeof noteSessionSeen>[1]) =>
      noteSessionSeen(tx, seen),
    ),

    trimSessions: relaxed((tx: Transaction, trim: { before: number; limit: number }) =>
      trimSessions(tx, trim),
    ),
  };
}

/** All but `but` (0 = all). @returns how many. */
async function endOthers(
  tx: Transaction,
  { userId: user, but, actor }: { userId: number; but: number; actor: Actor },
): Promise<number> {
  const count = await revokeOtherSessions(tx, { user, but });
  if (count === 0) return 0;
  await changeAccess(tx);
  const target = `sessions of user ${(await lockUser(tx, user))?.name ?? user}`;
  await recordAct(tx, { actor, action: 'session.end-others', target, detail: { count } });
  return count;
}

/** @throws RegistryError UNAUTHORIZED when the account has changed since the sign-in. */
async function createSession(tx: Transaction, start: SessionStart): Promise<FoundSession> {
  const { userId, epoch, hash, method, lifeMs, replaces, actor } = start;
  const user = await lockUser(tx, userId);
  if (user?.state !== 'active' || user.epoch !== epoch) throw ended();
  if (replaces !== undefined) await revokeSessionByHash(tx, { user: userId, hash: replaces });
  const open = await listSessions(tx, userId);
  for (const { id } of open.slice(MOST_SESSIONS - 1)) await revokeSession(tx, { user: userId, id });
  const { address, client } = actor;
  const made = { user: userId, epoch, hash, method, address, client, lifeMs };
  const session = await insertSession(tx, made);
  await recordAct(tx, {
    actor,
    action: 'session.create',
    target: `session ${session.id}`,
    detail: { user: user.name, method },
  });
  return session;
}

/**
 * The user's epoch has risen in this transaction: the session in which that was done goes on, with a new
 * secret.
 */
export async function keepSession(
  tx: Transaction,
  kept: { userId: number; session: KeptSession | undefined },
): Promise<void> {
  const { userId, session } = kept;
  if (session === undefined) return;
  const user = await lockUser(tx, userId);
  if (user === undefined) return;
  const renewal = { ...session, user: userId, epoch: user.epoch };
  // Ended in between: then it stays ended.
  await renewSession(tx, renewal);
}

function ended(): RegistryError {
  return new RegistryError('UNAUTHORIZED', 'This sign-in was ended. Sign in again.');
}
