// `/auth/oidc/NAME`: a browser goes to a provider from here, and comes back with who somebody is there.
import { SESSION_LIFE_MS } from '../../access/sign-in/session-times.ts';
import type { Actor } from '../../metadata/audit.ts';
import { type ErrorCode, RegistryError } from '../../oci/errors.ts';
import type { Caller } from '../access/caller.ts';
import { actorOf } from '../access/gate.ts';
import type { ApiParts } from '../api/api-parts.ts';
import { identifyCaller } from '../api/identify-caller.ts';
import { readSessionCookie, sessionCookie } from '../api/session-cookie.ts';
import type { Incoming } from '../incoming.ts';
import { emptyReply, notAllowed, type Reply } from '../reply.ts';
import { callbackPath, readStateCookie, stateCookie } from './oidc-cookie.ts';

const REFUSALS: readonly ErrorCode[] = ['REQUEST_INVALID', 'UNAUTHORIZED', 'DENIED', 'CONFLICT'];
const ADDRESS = /^\/auth\/oidc\/([a-z0-9-]{1,64})(\/callback)?$/;

/** `path`: without the prefix. @throws RegistryError */
export async function answerAuth(
  request: Incoming,
  { path, parts }: { path: string; parts: ApiParts },
): Promise<Reply> {
  const [, provider, callback] = ADDRESS.exec(path) ?? [];
  if (provider === undefined) {
    throw new RegistryError('NOT_FOUND', 'There is no way to sign in at that address.');
  }
  if (request.method !== 'GET') throw notAllowed(request.method, ['GET']);
  // Counts against the limits of its address.
  const nobody = await parts.gate.identifyBy(null, request);
  return callback === undefined
    ? begin(request, { provider, parts })
    : finish(request, { provider, parts, nobody });
}

async function begin(
  request: Incoming,
  { provider, parts }: { provider: string; parts: ApiParts },
): Promise<Reply> {
  const path = callbackPath(parts.pathPrefix, provider);
  const redirectUri = `${request.origin()}${path}`;
  const returnTo = request.query.get('return') ?? undefined;
  const begun = await parts.external.begin(provider, { redirectUri, returnTo });
  const cookie = stateCookie(request, { path, state: begun.state });
  return emptyReply(303, { Location: begun.redirectTo, 'Set-Cookie': cookie });
}

async function finish(
  request: Incoming,
  { provider, parts, nobody }: { provider: string; parts: ApiParts; nobody: Caller },
): Promise<Reply> {
  const actor = actorOf(request, nobody);
  const answer = {
    query: request.target.slice(request.path.length),
    state: readStateCookie(request),
    signedIn: await signedInUser(request, parts),
    actor,
  };
  const entered = await parts.external.finish(provider, answer).catch((error: unknown) => {
    recordRefusal(error, { provider, parts, actor });
    throw error;
  });
  const { id: userId, name, epoch, method, returnTo, isLink } = entered;
  const Location = returnTo === '/' ? `${parts.pathPrefix}/` : returnTo;
  if (isLink) return emptyReply(303, { Location });
  const { address, client, requestId } = actor;
  const { secret } = await parts.sessions.create(
    { userId, name, epoch, method },
    {
      context: { address, client, requestId },
      before: readSessionCookie({ request, ...parts }),
    },
  );
  const life = { secret, maxAgeSeconds: SESSION_LIFE_MS / 1000 };
  const cookie = sessionCookie({ request, ...parts }, life);
  return emptyReply(303, { Location, 'Set-Cookie': cookie });
}

/** A provider that is away refuses nobody. */
function recordRefusal(
  error: unknown,
  { provider, parts, actor }: { provider: string; parts: ApiParts; actor: Actor },
): void {
  if (!(error instanceof RegistryError) || !REFUSALS.includes(error.code)) return;
  parts.refused({
    actor,
    action: 'sign-in',
    target: `account of oidc:${provider}`,
    outcome: 'refused',
    detail: { why: error.message },
  });
}

/** For a link. A session that has ended is no sign-in, and no fault either. */
async function signedInUser(request: Incoming, parts: ApiParts): Promise<number | undefined> {
  if (readSessionCookie({ request, ...parts }) === undefined) return undefined;
  const caller = await identifyCaller(request, parts).catch(() => undefined);
  const principal = caller?.standing.principal;
  return principal?.kind === 'user' ? principal.id : undefined;
}
