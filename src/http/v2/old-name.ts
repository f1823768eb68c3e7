// Requests to the name of before a rename: they mean the new one, for whoever may do there what they ask.
// To anybody else the old name is one that nothing has, so that nobody learns what it became.
import type { Question } from '../../access/decide.ts';
import { RegistryError } from '../../oci/errors.ts';
import { scopeFor } from '../access/authorise.ts';
import type { Caller } from '../access/caller.ts';
import type { Incoming } from '../incoming.ts';
import { ErrorWithHeaders, type Reply } from '../reply.ts';
import { warningHeader } from '../warning.ts';
import type { V2Parts } from './parts.ts';

/**
 * @returns the questions about the new name, when all of it is allowed there.
 * @throws ErrorWithHeaders UNAUTHORIZED to whoever may, with a token for less.
 */
export async function askByOldName(
  request: Incoming,
  asked: { caller: Caller; questions: readonly Question[]; name: string; parts: V2Parts },
): Promise<Question[] | undefined> {
  const { caller, questions, name, parts } = asked;
  const meant = questions.map((one) => ({ ...one, path: name, askedAs: one.path }));
  for (const [at, question] of meant.entries()) {
    if (await parts.gate.may(request, caller, question)) continue;
    const verdict = await parts.gate.explain(request, caller, question);
    const own = questions[at];
    if (!verdict.isAllowed || own === undefined) return undefined;
    const because = new RegistryError('UNAUTHORIZED', 'Sign in with a token that is for this.');
    const error = 'insufficient_scope';
    throw parts.gate.challenge(request, { because, scope: scopeFor(own), error });
  }
  return meant;
}

export interface Renamed {
  readonly from: string;
  readonly to: string;
  /** Milliseconds since 1970. */
  readonly until: number;
}

/** Says so with every answer, an error as well. */
export async function withOldNameWarning(answer: Promise<Reply>, renamed: Renamed): Promise<Reply> {
  const { from, to, until } = renamed;
  const day = new Date(until).toISOString().slice(0, 10);
  const text = `${from} is called ${to} now; the old name answers until ${day}`;
  try {
    const reply = await answer;
    return { ...reply, headers: { ...reply.headers, ...joined(reply.headers, text) } };
  } catch (error) {
    if (error instanceof ErrorWithHeaders) {
      const headers = { ...error.headers, ...joined(error.headers, text) };
      throw new ErrorWithHeaders(error.error, headers);
    }
    if (error instanceof RegistryError) throw new ErrorWithHeaders(error, warningHeader(text));
    throw error;
  }
}

function joined(headers: Readonly<Record<string, string>>, text: string): Record<string, string> {
  const own = warningHeader(text);
  const before = headers.Warning;
  return before === undefined ? { ...own } : { Warning: `${before}, ${own.Warning ?? ''}` };
}
