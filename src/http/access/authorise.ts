// May the caller? One table of what is answered when not. It is worked out from the path before anything is
// looked up there, so that what one may not see looks just like what is not there.
//
//   no credentials                          401, challenge with the scope that is missing
//   anonymous token, or a token for less    401, the same and error="insufficient_scope"
//   signed in, may not read                 404 NAME_UNKNOWN to whoever reads
//   signed in, may not write                403 DENIED to whoever writes
import type { Action } from '../../access/action.ts';
import type { Circumstances } from '../../access/condition.ts';
import {
  decide,
  type PathFacts,
  type Question,
  type Standing,
  type Verdict,
} from '../../access/decide.ts';
import { NOBODY } from '../../access/read-standing.ts';
import type { TokenAccess } from '../../access/tokens/docker-scope.ts';
import { RegistryError } from '../../oci/errors.ts';
import type { Caller } from './caller.ts';

/** How the answer to a refusal is to be. */
export type Refusal =
  | { readonly kind: 'challenge'; readonly error: 'insufficient_scope' | undefined }
  | { readonly kind: 'refused'; readonly error: RegistryError };

export interface Asked {
  readonly caller: Caller;
  readonly facts: PathFacts;
  readonly question: Question;
  readonly circumstances: Circumstances;
}

/** @returns undefined when they may. */
export function refusalOf(asked: Asked): Refusal | undefined {
  const { caller, question } = asked;
  const verdict = verdictOf(asked);
  if (verdict.isAllowed) {
    if (isTokenFor(caller, question) || verdictOf({ ...asked, standing: NOBODY }).isAllowed) {
      return undefined;
    }
    return { kind: 'challenge', error: 'insufficient_scope' };
  }
  if (caller.shown === 'nothing') return { kind: 'challenge', error: undefined };
  if (caller.standing.principal.kind === 'anonymous') {
    return { kind: 'challenge', error: 'insufficient_scope' };
  }
  const error =
    question.action === 'pull' ? unknownName(question.path) : deniedError(verdict.reason);
  return { kind: 'refused', error };
}

export function verdictOf(asked: Asked & { standing?: Standing }): Verdict {
  const { caller, facts, question, circumstances } = asked;
  return decide(asked.standing ?? caller.standing, facts, question, circumstances);
}

/** Whether a bearer token was given for this; other credentials are for everything. */
function isTokenFor({ bearer }: Caller, { action, path, askedAs }: Question): boolean {
  if (bearer === undefined) return true;
  if (path === '') return bearer.isForCatalog;
  if (bearer.repositories.get(path)?.includes(action) === true) return true;
  return askedAs !== undefined && bearer.repositories.get(askedAs)?.includes(action) === true;
}

/** The same sentence as for a repository that is not there. */
function unknownName(path: string): RegistryError {
  return new RegistryError('NAME_UNKNOWN', `There is no repository "${path}".`);
}

/** To somebody who may know that it is there. */
export function deniedError(reason: string): RegistryError {
  return new RegistryError('DENIED', `You may not do that: ${reason}.`);
}

const SCOPES: Readonly<Record<Action, readonly string[]>> = {
  pull: ['pull'],
  // Whoever pushes asks first what is there.
  push: ['pull', 'push'],
  delete: ['delete'],
  manage: [],
  administer: [],
};

/** What a token must be for, to do it. */
export function scopeFor({ action, path }: Question): TokenAccess {
  if (path === '') return { type: 'registry', name: 'catalog', actions: ['*'] };
  return { type: 'repository', name: path, actions: SCOPES[action] };
}
