// Between a request and its handler: who sent it, and may they. Refusals leave here as errors with the
// challenge that belongs to them; those of somebody known go into the audit log.
import type { Action } from '../../access/action.ts';
import type { Circumstances } from '../../access/condition.ts';
import type { PathFacts, Question, Verdict } from '../../access/decide.ts';
import { credentialKey, principalKey } from '../../access/principal.ts';
import type { Identity, Standings } from '../../access/standing.ts';
import type { TokenAccess } from '../../access/tokens/docker-scope.ts';
import { type OpenRights, type Visible, visibleTo } from '../../access/visible.ts';
import type { Act, Actor } from '../../metadata/audit.ts';
import { RegistryError } from '../../oci/errors.ts';
import type { Incoming } from '../incoming.ts';
import { ErrorWithHeaders } from '../reply.ts';
import type { Authenticator, Visit } from './authenticate.ts';
import { refusalOf, scopeFor, verdictOf } from './authorise.ts';
import type { Caller } from './caller.ts';
import { challengeHeader } from './challenge.ts';
import type { Credentials } from './credentials.ts';
import type { RequestLimits } from './request-limits.ts';

export interface GateParts {
  readonly standings: Standings;
  readonly authenticator: Authenticator;
  readonly limits: RequestLimits;
  readonly pathPrefix: string;
  /** Grants to anyone and to any signed-in user, wherever they stand. */
  readOpenRights(): Promise<OpenRights>;
  /** Somebody known was refused. */
  refused(act: Act): void;
  now(): number;
}

export class Gate {
  readonly #parts: GateParts;

  constructor(parts: GateParts) {
    this.#parts = parts;
  }

  /**
   * Who sent it. `scope`: what a token would have to be for, for the challenge.
   * @throws ErrorWithHeaders UNAUTHORIZED with a challenge; RegistryError TOOMANYREQUESTS, UNAVAILABLE.
   */
  async identify(request: Incoming, scope: () => TokenAccess | undefined): Promise<Caller> {
    const header = request.headers.get('authorization');
    try {
      return await this.identifyBy(header, request);
    } catch (error) {
      if (!(error instanceof RegistryError) || error.code !== 'UNAUTHORIZED') throw error;
      const isBearer = header !== null && /^bearer /i.test(header);
      throw this.challenge(request, {
        because: error,
        scope: scope(),
        error: isBearer ? 'invalid_token' : undefined,
      });
    }
  }

  /** As `identify`, when nothing must be read or answered for it: the usual case of a bearer token. */
  known(request: Incoming): Caller | undefined {
    const { authenticator, limits } = this.#parts;
    try {
      const caller = authenticator.known(request.headers.get('authorization'));
      if (caller !== undefined) limits.take(caller, request);
      return caller;
    } catch (error) {
      // Said again by `identify`, with its challenge.
      if (error instanceof RegistryError && error.code === 'UNAUTHORIZED') return undefined;
      throw error;
    }
  }

  /** As `identify`, by other credentials than the request's own. @throws RegistryError UNAUTHORIZED */
  async identifyBy(header: string | null, request: Incoming): Promise<Caller> {
    const { authenticator, limits } = this.#parts;
    const caller =
      authenticator.known(header) ?? (await authenticator.read(header, this.visit(request)));
    limits.take(caller, request);
    return caller;
  }

  /** As `identifyBy`, by credentials that came otherwise than in a header: a form. */
  async identifyWith(credentials: Credentials, request: Incoming): Promise<Caller> {
    const { authenticator, limits } = this.#parts;
    const caller = await authenticator.byCredentials(credentials, this.visit(request));
    limits.take(caller, request);
    return caller;
  }

  /** Somebody whose session or refresh token was found. @throws RegistryError UNAUTHORIZED, TOOMANYREQUESTS */
  async identifySession(
    identity: Identity,
    request: Incoming,
    shown: Caller['shown'] = 'session',
  ): Promise<Caller> {
    const { authenticator, limits } = this.#parts;
    const caller = await authenticator.byIdentity(identity, shown);
    limits.take(caller, request);
    return caller;
  }

  /** An answer that asks for other credentials. */
  challenge(
    request: Incoming,
    asked: {
      because: RegistryError;
      scope?: TokenAccess | undefined;
      error?: 'insufficient_scope' | 'invalid_token' | undefined;
    },
  ): ErrorWithHeaders {
    const { because, scope, error } = asked;
    const { pathPrefix } = this.#parts;
    const header = challengeHeader({ origin: request.origin(), pathPrefix, scope, error });
    return new ErrorWithHeaders(because, header);
  }

  /** As `check`, when nothing must be read for it and the caller may. */
  admitted(request: Incoming, caller: Caller, question: Question): PathFacts | undefined {
    const facts = this.#parts.standings.knownPath(question.path);
    if (facts === undefined) return undefined;
    const circumstances = this.circumstances(request);
    return refusalOf({ caller, facts, question, circumstances }) === undefined ? facts : undefined;
  }

  /** @throws ErrorWithHeaders UNAUTHORIZED; RegistryError NAME_UNKNOWN, DENIED: the table in authorise.ts. */
  async check(request: Incoming, caller: Caller, question: Question): Promise<PathFacts> {
    const facts = await this.#factsOf(question.path);
    const refusal = refusalOf({
      caller,
      facts,
      question,
      circumstances: this.circumstances(request),
    });
    if (refusal === undefined) return facts;
    if (refusal.kind === 'challenge') {
      const because = new RegistryError('UNAUTHORIZED', sentenceFor(question));
      throw this.challenge(request, { because, scope: scopeFor(question), error: refusal.error });
    }
    this.#parts.refused({
      actor: actorOf(request, caller),
      action: `${nounOf(question)}.${question.action}`,
      target: question.tag === undefined ? question.path : `${question.path}:${question.tag}`,
      outcome: 'refused',
      detail: { why: refusal.error.message },
    });
    throw refusal.error;
  }

  /** As `check`, for what a request may besides: without an answer, and without a record. */
  async may(request: Incoming, caller: Caller, question: Question): Promise<boolean> {
    const facts = await this.#factsOf(question.path);
    const circumstances = this.circumstances(request);
    return refusalOf({ caller, facts, question, circumstances }) === undefined;
  }

  /** The verdict on the caller's rights, whatever their bearer token is for. */
  async explain(request: Incoming, caller: Caller, question: Question): Promise<Verdict> {
    const facts = await this.#factsOf(question.path);
    return verdictOf({ caller, facts, question, circumstances: this.circumstances(request) });
  }

  /** What a list may show to the caller. */
  async visible(request: Incoming, caller: Caller): Promise<Visible> {
    const open = await this.#parts.readOpenRights();
    return visibleTo(caller.standing, open, this.circumstances(request));
  }

  /** Names of before a rename. */
  get oldNames(): Pick<Standings, 'areOldNamesKnown' | 'readOldNames' | 'oldName'> {
    return this.#parts.standings;
  }

  circumstances(request: Incoming): Circumstances {
    return { address: request.client, now: this.#parts.now() };
  }

  visit(request: Incoming): Visit {
    const client = request.headers.get('user-agent') ?? '';
    return { ...this.circumstances(request), client, requestId: request.id };
  }

  async #factsOf(path: string): Promise<PathFacts> {
    const { standings } = this.#parts;
    return standings.knownPath(path) ?? standings.readPath(path);
  }
}

/** Who acts, for histories and the audit log. */
export function actorOf(request: Incoming, { standing, identity }: Caller): Actor {
  return {
    name: standing.principal.name,
    principal: principalKey(standing.principal),
    credential: credentialKey(identity.credential),
    address: request.client(),
    client: request.headers.get('user-agent') ?? '',
    requestId: request.id,
  };
}

const VERBS: Readonly<Record<Action, string>> = {
  pull: 'pull from',
  push: 'push to',
  delete: 'delete from',
  manage: 'manage',
  administer: 'administer',
};

/** Says no more than the address of the request did. */
function sentenceFor({ action, path }: Question): string {
  const what = path === '' ? 'list the repositories' : `${VERBS[action]} ${path}`;
  return `Sign in to ${what}, with an account or a token that may.`;
}

function nounOf({ path }: Question): string {
  return path === '' ? 'registry' : 'repository';
}
