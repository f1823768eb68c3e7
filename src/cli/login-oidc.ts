// `entrepot login --oidc`: the identity token of a pipeline for an access token (RFC 8693). Standard output
// gets the access token and nothing else, for `docker login --password-stdin`.
import { CiIdentityError, findIdentityToken } from '../access/keyless/ci-identity.ts';
import { programVersion } from '../app/version.ts';
import { unreachable } from './api-client.ts';
import { CommandFailure, type Given } from './command.ts';
import type { Terminal } from './terminal.ts';

const TIMEOUT_MS = 30_000;

export async function signInWithIdentity(
  given: Given,
  { server, terminal }: { server: string; terminal: Terminal },
): Promise<number> {
  const variable = given.flag('variable');
  const policy = given.flag('policy');
  const identity = await findIdentityToken({
    environment: terminal.env,
    audience: given.flag('audience') ?? server,
    fetch: terminal.fetch,
    ...(variable !== undefined && { variable }),
  }).catch((error: unknown) => {
    if (error instanceof CiIdentityError) throw new CommandFailure(error.message);
    throw error;
  });
  const { token, seconds } = await exchange({ jwt: identity.jwt, policy, server, terminal });
  terminal.printError(
    `The identity token from ${identity.from} was exchanged: the access token works for ${seconds} s.\n`,
  );
  terminal.print(`${token}\n`);
  return 0;
}

async function exchange(wanted: {
  jwt: string;
  policy: string | undefined;
  server: string;
  terminal: Terminal;
}): Promise<{ token: string; seconds: number }> {
  const { jwt, policy, server, terminal } = wanted;
  const form = new URLSearchParams({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    subject_token: jwt,
    ...(policy !== undefined && { policy }),
  });
  let reply: Response;
  let text: string;
  try {
    reply = await terminal.fetch(`${server}/token`, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        'user-agent': `entrepot/${programVersion()}`,
      },
      body: form.toString(),
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    text = await reply.text();
  } catch (error) {
    throw unreachable(server, error);
  }
  const answer = parsed(text);
  const { access_token: token, expires_in: seconds } = answer;
  if (reply.status === 200 && typeof token === 'string' && typeof seconds === 'number') {
    return { token, seconds };
  }
  const why = answer.errors?.[0]?.message ?? `${server} answered with status ${reply.status}.`;
  throw new CommandFailure(`The identity token was not exchanged: ${why}`);
}

interface Answer {
  readonly access_token?: unknown;
  readonly expires_in?: unknown;
  readonly errors?: readonly { readonly message?: string }[];
}

function parsed(text: string): Answer {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}
