// `/token`: bearer tokens for credentials, by Docker's token protocol and by OAuth2; `/.well-known/jwks.json`.
// Fewer rights than asked for are no error: the token says what it is for, and the rest is refused later.
import {
  isRepositoryAction,
  showDockerScope,
  type TokenAccess,
} from '../../access/tokens/docker-scope.ts';
import { type IssueParts, issueBearer } from '../../access/tokens/issue.ts';
import {
  giveRefreshToken,
  type RefreshParts,
  useRefreshToken,
} from '../../access/tokens/refresh.ts';
import { RegistryError } from '../../oci/errors.ts';
import { type Caller, UNKNOWN_CALLER } from '../access/caller.ts';
import { actorOf, type Gate } from '../access/gate.ts';
import type { Incoming } from '../incoming.ts';
import { ErrorWithHeaders, jsonReply, notAllowed, type Reply } from '../reply.ts';
import { readTokenForm, readTokenQuery, type TokenRequest } from './token-request.ts';

export interface TokenParts {
  readonly gate: Gate;
  readonly issue: IssueParts;
  readonly refresh: RefreshParts;
  readonly exchange: Exchange;
}

/** A pipeline's JWT for an access token. @throws RegistryError UNAUTHORIZED that says which condition failed. */
export type Exchange = (
  wanted: { jwt: string; policy: string | undefined },
  request: Incoming,
) => Promise<{ readonly secret: string; readonly expiresInSeconds: number }>;

/** A form with a JWT of 16 KiB and many scopes stays below. */
const FORM_BYTES = 64 * 1024;

/** Tokens are for whoever asked, and for nobody's cache (RFC 6749 §5.1). */
const NO_STORE = { 'Cache-Control': 'no-store' };

export async function answerToken(request: Incoming, parts: TokenParts): Promise<Reply> {
  if (request.method !== 'GET' && request.method !== 'POST') {
    throw notAllowed(request.method, ['GET', 'POST']);
  }
  const isPost = request.method === 'POST';
  const wanted = isPost ? readTokenForm(await readForm(request)) : readTokenQuery(request.query);
  try {
    if (wanted.grant.kind === 'exchange') return await exchanged(request, wanted.grant, parts);
    return await issued(request, wanted, parts);
  } catch (error) {
    throw askAgain(error, request);
  }
}

async function readForm(request: Incoming): Promise<URLSearchParams> {
  const bytes = await request.body.readWhole(FORM_BYTES, 'token request', () => {});
  return new URLSearchParams(Buffer.from(bytes).toString('utf8'));
}

async function issued(request: Incoming, wanted: TokenRequest, parts: TokenParts): Promise<Reply> {
  const { caller, secret } = await callerOf(request, wanted, parts);
  const access = await grantedAccess(request, { caller, access: wanted.access, gate: parts.gate });
  const { identity } = caller;
  const bearer = await issueBearer(parts.issue, { identity, access });
  const refresh = secret ?? (await offlineToken(request, { caller, wanted, parts }));
  const body = {
    token: bearer.token,
    access_token: bearer.token,
    token_type: 'Bearer',
    expires_in: bearer.expiresInSeconds,
    issued_at: new Date(bearer.issuedAt).toISOString(),
    scope: access.map(showDockerScope).join(' '),
    ...(refresh !== undefined && { refresh_token: refresh }),
  };
  return jsonReply(200, body, NO_STORE);
}

/** `secret`: the refresh token that takes the place of the one that was sent. */
async function callerOf(
  request: Incoming,
  wanted: TokenRequest,
  { gate, refresh }: TokenParts,
): Promise<{ caller: Caller; secret?: string | undefined }> {
  const { grant } = wanted;
  if (grant.kind === 'refresh') {
    // Who sends a refresh token is known only once it was looked up.
    const actor = actorOf(request, UNKNOWN_CALLER);
    const use = { secret: grant.secret, isToBeReplaced: wanted.isOffline, actor };
    const { identity, secret } = await useRefreshToken(refresh, use);
    const caller = await gate.identifySession(identity, request, 'basic');
    return { caller, secret };
  }
  const caller =
    grant.kind === 'password'
      ? await gate.identifyWith({ ...grant, kind: 'basic' }, request)
      : await gate.identifyBy(request.headers.get('authorization'), request);
  // Or a token could make itself anew for ever.
  if (caller.bearer === undefined) return { caller };
  throw new RegistryError('UNAUTHORIZED', 'A bearer token gives no other. Send Basic credentials.');
}

async function grantedAccess(
  request: Incoming,
  { caller, access, gate }: { caller: Caller; access: readonly TokenAccess[]; gate: Gate },
): Promise<TokenAccess[]> {
  const granted: TokenAccess[] = [];
  if (!gate.oldNames.areOldNamesKnown) await gate.oldNames.readOldNames();
  for (const wanted of access) {
    // What the list shows depends on who asks; that they may ask does not.
    if (wanted.type === 'registry') {
      granted.push(wanted);
      continue;
    }
    // What was renamed may be asked for by its old name: the token is for both.
    const renamed = gate.oldNames.oldName(wanted.name);
    const path = renamed?.name ?? wanted.name;
    const actions: string[] = [];
    for (const action of wanted.actions.filter(isRepositoryAction)) {
      if ((await gate.explain(request, caller, { action, path })).isAllowed) actions.push(action);
    }
    if (actions.length === 0) continue;
    granted.push({ ...wanted, actions });
    if (renamed !== undefined && !access.some(({ name }) => name === path)) {
      granted.push({ ...wanted, name: path, actions });
    }
  }
  return granted;
}

async function offlineToken(
  request: Incoming,
  { caller, wanted, parts }: { caller: Caller; wanted: TokenRequest; parts: TokenParts },
): Promise<string | undefined> {
  if (!wanted.isOffline || wanted.grant.kind === 'refresh') return undefined;
  const actor = actorOf(request, caller);
  return giveRefreshToken(parts.refresh, {
    identity: caller.identity,
    client: wanted.clientId,
    actor,
  });
}

async function exchanged(
  request: Incoming,
  { jwt, policy }: { jwt: string; policy: string | undefined },
  parts: TokenParts,
): Promise<Reply> {
  // Whoever brings a JWT is nobody yet: their address counts.
  await parts.gate.identifyBy(null, request);
  const { secret, expiresInSeconds } = await parts.exchange({ jwt, policy }, request);
  const body = {
    access_token: secret,
    issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    token_type: 'Bearer',
    expires_in: expiresInSeconds,
  };
  return jsonReply(200, body, NO_STORE);
}

/** Wrong credentials are a 401 whatever they were (docker login relies on it). */
function askAgain(error: unknown, request: Incoming): unknown {
  if (!(error instanceof RegistryError) || error.code !== 'UNAUTHORIZED') return error;
  return new ErrorWithHeaders(error, { 'WWW-Authenticate': `Basic realm="${request.origin()}"` });
}

/** What verifies the bearer tokens of this registry (RFC 7517). */
export async function answerKeys(request: Incoming, parts: TokenParts): Promise<Reply> {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    throw notAllowed(request.method, ['GET', 'HEAD']);
  }
  const headers = { 'Cache-Control': 'public, max-age=300' };
  return jsonReply(200, await parts.issue.keys.publicSet(), headers);
}
