// From what a request shows to who sent it: bearer tokens of ours, access tokens (as Bearer, or as the
// password of Basic under any name), passwords, and the JWT of a pipeline under the name `oidc`.
import type { Circumstances } from '../../access/condition.ts';
import { type Principal, WORKLOAD_USER } from '../../access/principal.ts';
import { EndedError, type Identity, type Standings } from '../../access/standing.ts';
import { BearerError, type BearerVerifier } from '../../access/tokens/bearer.ts';
import { hashSecret, looksLikeSecret, secretKind } from '../../access/tokens/secret.ts';
import { type FoundToken, findAccessToken } from '../../metadata/access-facts.ts';
import type { Sql } from '../../metadata/sql.ts';
import { RegistryError } from '../../oci/errors.ts';
import { type Caller, UNKNOWN_CALLER } from './caller.ts';
import { type Credentials, readCredentials } from './credentials.ts';

/** From where, and with what: for throttling, last use and the audit log. */
export interface Visit extends Circumstances {
  readonly client: string;
  readonly requestId: string;
}

export interface AuthenticateParts {
  readonly sql: Sql;
  readonly standings: Standings;
  readonly verifier: BearerVerifier;
  /** A user's password, without a second factor to ask for. @throws RegistryError UNAUTHORIZED, TOOMANYREQUESTS */
  signIn(credentials: { name: string; password: string }, visit: Visit): Promise<Identity>;
  /** A pipeline's own JWT. @throws RegistryError UNAUTHORIZED that says which condition failed. */
  signInWorkload(jwt: string, visit: Visit): Promise<Identity>;
  /** An access token was used. */
  noteUse(token: number, visit: Visit): void;
  /** Somebody was here, by whatever they showed. */
  noteSeen(principal: Principal): void;
}

export class Authenticator {
  readonly #parts: AuthenticateParts;

  constructor(parts: AuthenticateParts) {
    this.#parts = parts;
  }

  /**
   * The caller, when nothing must be read for it: the usual case of a bearer token seen a moment ago.
   * @throws RegistryError UNAUTHORIZED
   */
  known(header: string | null): Caller | undefined {
    const { standings, verifier } = this.#parts;
    if (standings.isStale()) return undefined;
    if (header === null) return UNKNOWN_CALLER;
    if (!header.startsWith('Bearer ')) return undefined;
    try {
      const bearer = verifier.known(header.slice(7));
      const standing = bearer && standings.known(bearer.identity);
      return standing && { shown: 'bearer', identity: bearer.identity, standing, bearer };
    } catch (error) {
      throw unauthorized(error);
    }
  }

  /** @throws RegistryError UNAUTHORIZED, TOOMANYREQUESTS; UNAVAILABLE when the database is away for too long. */
  async read(header: string | null, visit: Visit): Promise<Caller> {
    const credentials = readCredentials(header);
    if (credentials !== undefined) return this.byCredentials(credentials, visit);
    await this.#parts.standings.refresh();
    return UNKNOWN_CALLER;
  }

  /** As `read`, by credentials that came otherwise than in the header. */
  async byCredentials(credentials: Credentials, visit: Visit): Promise<Caller> {
    await this.#parts.standings.refresh();
    try {
      if (credentials.kind === 'unreadable') {
        throw new RegistryError(
          'UNAUTHORIZED',
          'The Authorization header cannot be read. Send Basic or Bearer credentials.',
        );
      }
      const { token, kind } = inOneForm(credentials);
      if (token !== undefined) return await this.#byAccessToken(token, kind, visit);
      if (credentials.kind === 'bearer') return await this.#byBearer(credentials.token);
      return await this.#byPassword(credentials, visit);
    } catch (error) {
      throw unauthorized(error);
    }
  }

  async #byBearer(token: string): Promise<Caller> {
    const { verifier } = this.#parts;
    const bearer = verifier.known(token) ?? (await verifier.verify(token));
    return { ...(await this.#asToday(bearer.identity, 'bearer')), bearer };
  }

  async #byAccessToken(secret: string, shown: Caller['shown'], visit: Visit): Promise<Caller> {
    const isOurs = secretKind(secret) === 'ept';
    const hash = hashSecret(secret);
    const found = isOurs ? await findAccessToken(this.#parts.sql, hash) : undefined;
    if (found === undefined) {
      throw new RegistryError(
        'UNAUTHORIZED',
        'This access token is not known here: it was mistyped, or it was removed long ago.',
      );
    }
    const caller = await this.#asToday(identityOf(found), shown);
    this.#parts.noteUse(found.id, visit);
    return caller;
  }

  async #byPassword(
    { user, password }: { user: string; password: string },
    visit: Visit,
  ): Promise<Caller> {
    const identity =
      user === WORKLOAD_USER
        ? await this.#parts.signInWorkload(password, visit)
        : await this.#parts.signIn({ name: user, password }, visit);
    const { credential } = identity;
    if (credential.kind === 'access-token') this.#parts.noteUse(credential.id, visit);
    return this.#asToday(identity, 'basic');
  }

  async #asToday(identity: Identity, shown: Caller['shown']): Promise<Caller> {
    const { standings } = this.#parts;
    const standing = standings.known(identity) ?? (await standings.read(identity));
    // The names of an access token's owner are not in it.
    const { principal } = standing;
    this.#parts.noteSeen(principal);
    return { shown, identity: { ...identity, principal }, standing, bearer: undefined };
  }

  /** Somebody whose proof was found elsewhere: a session, a refresh token. @throws RegistryError UNAUTHORIZED */
  async byIdentity(identity: Identity, shown: Caller['shown']): Promise<Caller> {
    await this.#parts.standings.refresh();
    return this.#asToday(identity, shown).catch((error: unknown) => {
      throw unauthorized(error);
    });
  }
}

/** An access token, wherever it stands: as Bearer, or as password or user name of Basic. */
function inOneForm(credentials: Exclude<Credentials, { kind: 'unreadable' }>): {
  token: string | undefined;
  kind: 'bearer' | 'basic';
} {
  if (credentials.kind === 'bearer') {
    return {
      token: looksLikeSecret(credentials.token) ? credentials.token : undefined,
      kind: 'bearer',
    };
  }
  const { user, password } = credentials;
  const token = [password, user].find(looksLikeSecret);
  return { token, kind: 'basic' };
}

function identityOf({ id, ownerKind, ownerId }: FoundToken): Identity {
  const principal = { kind: ownerKind, id: ownerId, name: '' } as const;
  return { principal, credential: { kind: 'access-token', id }, epoch: 0 };
}

/** What ended is told to its holder; other errors stay as they are. */
function unauthorized(error: unknown): unknown {
  if (error instanceof EndedError) return new RegistryError('UNAUTHORIZED', error.message);
  if (error instanceof BearerError) {
    return new RegistryError('UNAUTHORIZED', error.message, { fault: error.fault });
  }
  return error;
}
