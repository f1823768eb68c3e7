// Who calls the management API: by Basic or an access token, else by the session cookie of a browser.
// Bearer tokens of `/token` are for `/v2/`, and the cookie is for here only.
import { looksLikeSecret } from '../../access/tokens/secret.ts';
import { RegistryError } from '../../oci/errors.ts';
import type { Caller } from '../access/caller.ts';
import { readCredentials } from '../access/credentials.ts';
import { actorOf } from '../access/gate.ts';
import type { Incoming } from '../incoming.ts';
import { ErrorWithHeaders } from '../reply.ts';
import type { ApiParts } from './api-parts.ts';
import { refuseCrossSite } from './cross-site.ts';
import { readSessionCookie } from './session-cookie.ts';

/** @throws ErrorWithHeaders UNAUTHORIZED; RegistryError DENIED, TOOMANYREQUESTS, UNAVAILABLE. */
export async function identifyCaller(request: Incoming, parts: ApiParts): Promise<Caller> {
  const header = request.headers.get('authorization');
  const cookie = header === null ? readSessionCookie({ request, ...parts }) : undefined;
  refuseCrossSite(request, { isByCookie: cookie !== undefined });
  try {
    if (cookie !== undefined) return await bySession(request, cookie, parts);
    refuseBearer(header);
    return await parts.gate.identifyBy(header, request);
  } catch (error) {
    if (!(error instanceof RegistryError) || error.code !== 'UNAUTHORIZED') throw error;
    throw signInFirst(error);
  }
}

/** Not Basic: a browser would ask for a password, and send it with everything from then on. */
export function signInFirst(error: RegistryError): ErrorWithHeaders {
  return new ErrorWithHeaders(error, { 'WWW-Authenticate': 'Bearer realm="entrepot"' });
}

async function bySession(request: Incoming, secret: string, parts: ApiParts): Promise<Caller> {
  const { address, client, requestId } = parts.gate.visit(request);
  const session = await parts.sessions.find(secret, { address: address(), client, requestId });
  if (session === undefined) {
    throw new RegistryError('UNAUTHORIZED', 'This session has ended. Sign in again.');
  }
  const { id, userId, name, epoch } = session;
  const principal = { kind: 'user', id: userId, name } as const;
  const identity = { principal, credential: { kind: 'session', id } as const, epoch };
  const caller = await parts.gate.identifySession(identity, request);
  void parts.externalSessions.used(session, actorOf(request, caller));
  return caller;
}

function refuseBearer(header: string | null): void {
  const credentials = readCredentials(header);
  if (credentials?.kind !== 'bearer' || looksLikeSecret(credentials.token)) return;
  throw new RegistryError(
    'UNAUTHORIZED',
    'Bearer tokens of /token are for /v2/. Send an access token, or Basic credentials.',
  );
}
