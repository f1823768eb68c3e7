// Sessions of people who came from a provider or directory: while they work, it is asked again whether it
// stands by them, and for their groups. Behind the back of their requests, because it may be slow.
import { Kept } from '../../access/kept.ts';
import type { ActiveSession } from '../../access/sign-in/session.ts';
import type { Actor } from '../../metadata/audit.ts';
import type { ExternalSignIn } from './external-sign-in.ts';

export interface ExternalSessionsParts {
  readonly external: Pick<ExternalSignIn, 'stillStands'>;
  endSession(end: { userId: number; id: number; actor: Actor }): Promise<void>;
  /** It could not be asked; the session goes on. */
  failed(error: unknown): void;
  now(): number;
}

const ASK_EVERY_MS = 5 * 60_000;
const SESSIONS_KEPT = 10_000;

export class ExternalSessions {
  readonly #parts: ExternalSessionsParts;
  readonly #askedAt = new Kept<number, number>(SESSIONS_KEPT);

  constructor(parts: ExternalSessionsParts) {
    this.#parts = parts;
  }

  /** A session was used. Never throws and never waits. @returns for tests: when it was asked. */
  used({ id, userId, method, createdAt }: ActiveSession, actor: Actor): Promise<void> {
    if (method !== 'ldap' && !method.startsWith('oidc:')) return Promise.resolve();
    const { now, failed } = this.#parts;
    if (now() - (this.#askedAt.get(id) ?? createdAt) < ASK_EVERY_MS) return Promise.resolve();
    this.#askedAt.set(id, now());
    return this.#ask({ id, userId, method, actor }).catch(failed);
  }

  async #ask(of: { id: number; userId: number; method: string; actor: Actor }): Promise<void> {
    const { external, endSession } = this.#parts;
    const { id, userId, method, actor } = of;
    if (await external.stillStands({ user: userId, method, actor })) return;
    await endSession({ userId, id, actor });
  }
}
