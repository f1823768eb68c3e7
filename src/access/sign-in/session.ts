// The sessions of people: a secret in the browser, its hash in the database. A session ends when it is not
// used, when its time is over, when it is revoked, and with every change that raises its user's epoch.
import type { Commands } from '../../metadata/command.ts';
import { findSession, listSessions, type Session } from '../../metadata/sessions.ts';
import type { Clock, Sql } from '../../metadata/sql.ts';
import { Kept } from '../kept.ts';
import { hashSecret, newSecret, secretKind } from '../tokens/secret.ts';
import type { SignInContext } from './prove-password.ts';
import type { KeptSession, sessionCommands } from './session.command.ts';
import type { SessionTimes } from './session-times.ts';
import type { SignedIn } from './sign-in.ts';

/** That somebody is there is noted so often. */
const SEEN_EVERY_MS = 60_000;
/** Sessions whose last note is remembered, so that a page with many requests writes once. */
const NOTES_KEPT = 10_000;

export interface SessionParts extends SessionTimes {
  readonly sql: Sql;
  readonly commands: Commands<ReturnType<typeof sessionCommands>>;
  readonly now: Clock;
  /** That somebody is there could not be noted; the request goes on. */
  noteFailed(error: unknown): void;
}

export interface ActiveSession extends Session {
  readonly name: string;
  readonly epoch: number;
}

/** Shown once: it is the cookie. */
export interface NewSessionSecret {
  readonly secret: string;
  readonly session: ActiveSession;
}

export class Sessions {
  readonly #parts: SessionParts;
  readonly #notedAt = new Kept<number, number>(NOTES_KEPT);

  constructor(parts: SessionParts) {
    this.#parts = parts;
  }

  /**
   * After a sign-in. `before`: the secret that the browser sent with it, if any; its session ends, so that
   * nobody can plant one. @throws RegistryError UNAUTHORIZED when the account has changed since.
   */
  async create(
    signedIn: SignedIn,
    { context, before }: { context: SignInContext; before?: string | undefined },
  ): Promise<NewSessionSecret> {
    const { userId, name, epoch, method } = signedIn;
    const secret = newSecret('eps');
    const session = await this.#parts.commands.run('createSession', {
      userId,
      epoch,
      method,
      hash: hashSecret(secret),
      lifeMs: this.#parts.lifeMs,
      replaces: before !== undefined && isSessionSecret(before) ? hashSecret(before) : undefined,
      actor: { ...context, name, principal: `user:${userId}`, credential: method },
    });
    return { secret, session };
  }

  /** @returns undefined for what is no session, or one that has ended. */
  async find(secret: string, context: SignInContext): Promise<ActiveSession | undefined> {
    if (!isSessionSecret(secret)) return undefined;
    const session = await findSession(this.#parts.sql, hashSecret(secret));
    if (session === undefined || session.revokedAt !== null) return undefined;
    if (session.state !== 'active' || session.userEpoch !== session.epoch) return undefined;
    if (!this.#isInTime(session)) return undefined;
    this.#noteSeen(session, context);
    return session;
  }

  /** Of a user, last used first. */
  async list(userId: number): Promise<Session[]> {
    const open = await listSessions(this.#parts.sql, userId);
    return open.filter((session) => this.#isInTime(session));
  }

  #isInTime({ seenAt, expiresAt }: Session): boolean {
    const now = this.#parts.now();
    return now < expiresAt && now < seenAt + this.#parts.idleMs;
  }

  /** Behind the back of the request: reading does not wait for writing. */
  #noteSeen({ id, seenAt }: Session, { address }: SignInContext): void {
    const at = this.#parts.now();
    const last = Math.max(seenAt, this.#notedAt.get(id) ?? 0);
    if (at - last < SEEN_EVERY_MS) return;
    this.#notedAt.set(id, at);
    const before = at - SEEN_EVERY_MS;
    this.#parts.commands.run('noteSessionSeen', { id, at, before, address }).catch((error) => {
      this.#notedAt.delete(id);
      this.#parts.noteFailed(error);
    });
  }
}

/** For a change that ends all other sessions: hand `kept` to its command, and the secret to the browser. */
export function newSecretFor(id: number): { readonly secret: string; readonly kept: KeptSession } {
  const secret = newSecret('eps');
  return { secret, kept: { id, hash: hashSecret(secret) } };
}

function isSessionSecret(text: string): boolean {
  return secretKind(text) === 'eps';
}
