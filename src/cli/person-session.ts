// A session by password (and code), as a browser has one, for as long as one command needs it: how somebody
// signs in is changed by the person, never by an access token.

import type { Answers } from './answers.ts';
import { type ApiClient, type Json, type JsonObject, objectOf, Refusal } from './api-client.ts';
import { CommandFailure } from './command.ts';
import { clientOf } from './known-servers.ts';
import type { Session } from './server-command.ts';

export interface SignIn {
  readonly name: string;
  readonly password: string;
  /** Asked when the account has a second factor. */
  code(): Promise<string>;
}

export class PersonSession {
  readonly #api: ApiClient;
  #cookie: string;

  private constructor(api: ApiClient, cookie: string) {
    this.#api = api;
    this.#cookie = cookie;
  }

  /** @param api one without credentials, which would be taken before the session */
  static async begin(api: ApiClient, { name, password, code }: SignIn): Promise<PersonSession> {
    const send = (more: JsonObject) =>
      api.send('POST', '/session', { body: { name, password, ...more } });
    const reply = await send({}).catch(async (error: unknown) => {
      if (!(error instanceof Refusal) || error.detail.secondFactor !== true) throw error;
      return send({ code: await code() });
    });
    const cookie = cookieOf(reply);
    if (cookie === undefined) throw new CommandFailure('The server began no session.');
    return new PersonSession(api, cookie);
  }

  async send(method: string, path: string, body?: Json): Promise<Json> {
    const headers = { cookie: this.#cookie, 'x-entrepot-request': '1' };
    const sent = body === undefined ? { headers } : { headers, body };
    const reply = await this.#api.send(method, path, sent);
    // What changes how somebody signs in gives the session a new secret.
    this.#cookie = cookieOf(reply) ?? this.#cookie;
    return reply.status === 204 ? null : ((await reply.json()) as Json);
  }

  /** Never fails: it would end by itself. */
  async end(): Promise<void> {
    await this.send('DELETE', '/session').catch(() => {});
  }
}

function cookieOf(reply: Response): string | undefined {
  return reply.headers.getSetCookie()[0]?.split(';')[0];
}

/**
 * Asks whoever is signed in for their password, and runs `work` in a session of theirs.
 * @throws CommandFailure for a robot or a pipeline.
 */
export async function asPerson<T>(
  { api, terminal }: Session,
  answers: Answers,
  work: (person: PersonSession, password: string) => Promise<T>,
): Promise<T> {
  const { name, kind } = objectOf(await api.get('/whoami'));
  if (kind !== 'user' || typeof name !== 'string') {
    throw new CommandFailure(`Only a user has an account here; you are ${kind} ${name}.`);
  }
  const question = `Password of ${name}`;
  const password = await answers.to({ what: 'password', question, isSecret: true });
  const nobody = clientOf({ server: api.server, authorization: undefined }, terminal);
  const code = () => answers.to(CODE_QUESTION);
  const person = await PersonSession.begin(nobody, { name, password, code });
  try {
    return await work(person, password);
  } finally {
    await person.end();
  }
}

export const CODE_QUESTION = {
  what: 'code',
  question: 'Code of your authenticator app, or a recovery code',
} as const;

/** What weakens an account wants a code that was not used to sign in. */
export const PROOF_QUESTION = {
  what: 'code for this change',
  question: 'The next code of your app, or a recovery code, for this change',
} as const;
