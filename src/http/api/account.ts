// The caller's own account.
import { z } from '@hono/zod-openapi';
import { changeOwnPassword } from '../../access/sign-in/change-password.ts';
import { factorsOf } from '../../access/sign-in/sign-in.ts';
import { organisationsOf } from '../../metadata/organisations.ts';
import { listRefreshTokens } from '../../metadata/refresh-tokens.ts';
import { teamsOf } from '../../metadata/teams.ts';
import { identitiesOf } from '../../metadata/user-identities.ts';
import { readUserSecrets, type UserId } from '../../metadata/users.ts';
import { RegistryError } from '../../oci/errors.ts';
import { callbackPath, stateCookie } from '../sign-in/oidc-cookie.ts';
import type { ApiCall } from './api-call.ts';
import { endpoint } from './endpoint.ts';
import { giveCookie, sessionOf } from './sessions.ts';
import { ID, present, TIME, timeOf } from './shapes.ts';
import { EMAIL, NEW_PASSWORD, showUser, USER, userNamed } from './users.ts';

const TAG = 'Account';

const ACCOUNT = USER.extend({
  secondFactors: z.array(z.enum(['totp', 'passkey', 'recovery-code'])).readonly(),
  organisations: z.array(z.object({ name: z.string(), isOwner: z.boolean() })),
  teams: z.array(z.object({ name: z.string(), source: z.string() })),
}).openapi('Account');

async function showAccount(call: ApiCall) {
  const { sql } = call.parts;
  const { id, name } = call.user;
  const [user, secrets, organisations, teams] = await Promise.all([
    userNamed(call, name),
    readUserSecrets(sql, id),
    organisationsOf(sql, id),
    teamsOf(sql, id),
  ]);
  const secondFactors = secrets === undefined ? [] : await factorsOf(sql, secrets);
  return { ...showUser(user), secondFactors, organisations, teams };
}

const get = endpoint({
  method: 'get',
  path: '/account',
  tag: TAG,
  summary: 'Your account',
  result: ACCOUNT,
  async handle(call) {
    await call.needOwnAccount();
    return showAccount(call);
  },
});

const update = endpoint({
  method: 'patch',
  path: '/account',
  tag: TAG,
  summary: 'Change your display name or e-mail',
  body: z.strictObject({ displayName: z.string().max(128).optional(), email: EMAIL.optional() }),
  result: ACCOUNT,
  async handle(call, { body }) {
    const { id } = call.needPerson();
    await call.parts.commands.run('updateUser', { id, ...present(body), actor: call.actor });
    return showAccount(call);
  },
});

const changePassword = endpoint({
  method: 'post',
  path: '/account/password',
  tag: TAG,
  summary: 'Change your password; ends everything but this session and your access tokens',
  body: z.strictObject({ oldPassword: z.string().max(4_096), newPassword: NEW_PASSWORD }),
  async handle(call, { body }) {
    const { id: userId } = call.needPerson();
    const change = { ...body, userId, sessionId: sessionOf(call) };
    const secret = await changeOwnPassword(call.parts.signIn, change, call.actor);
    if (secret !== undefined) giveCookie(call, secret);
  },
});

const REFRESH_TOKEN = z
  .object({
    id: z.int(),
    client: z.string(),
    accessToken: z.int().nullable(),
    createdAt: TIME,
    rotatedAt: TIME,
    expiresAt: TIME,
  })
  .openapi('RefreshToken');

const listRefresh = endpoint({
  method: 'get',
  path: '/account/refresh-tokens',
  tag: TAG,
  summary: 'Refresh tokens that clients of yours hold',
  result: z.object({ items: z.array(REFRESH_TOKEN) }),
  async handle(call) {
    const { id: user } = await call.needOwnAccount();
    const { sql, now } = call.parts;
    const tokens = await listRefreshTokens(sql, { user, now: now() });
    return {
      items: tokens.map((token) => ({
        id: token.id,
        client: token.client,
        accessToken: token.accessTokenId,
        createdAt: timeOf(token.createdAt),
        rotatedAt: timeOf(token.rotatedAt),
        expiresAt: timeOf(token.expiresAt),
      })),
    };
  },
});

const revokeRefresh = endpoint({
  method: 'delete',
  path: '/account/refresh-tokens/{id}',
  tag: TAG,
  summary: 'Revoke one of your refresh tokens',
  params: z.object({ id: ID }),
  async handle(call, { params }) {
    const { id: user } = await call.needOwnAccount();
    const revocation = { id: params.id, user, actor: call.actor, why: 'revoked by its owner' };
    await call.parts.commands.run('revokeRefreshToken', revocation);
  },
});

const IDENTITY = z
  .object({
    provider: z.string().openapi({ example: 'oidc:company' }),
    subject: z.string(),
    createdAt: TIME,
  })
  .openapi('Identity');

const listIdentities = endpoint({
  method: 'get',
  path: '/account/identities',
  tag: TAG,
  summary: 'Accounts elsewhere that you sign in with',
  result: z.object({ items: z.array(IDENTITY) }),
  async handle(call) {
    const { id } = await call.needOwnAccount();
    const identities = await identitiesOf(call.parts.sql, id);
    return {
      items: identities.map(({ provider, subject, createdAt }) => ({
        provider,
        subject,
        createdAt: timeOf(createdAt),
      })),
    };
  },
});

const link = endpoint({
  method: 'post',
  path: '/account/identities',
  tag: TAG,
  summary: 'Begin to link an account at a provider; the browser goes on to `redirectTo`',
  may: 'In a session, which is still there when the browser comes back.',
  body: z.strictObject({
    provider: z.string().max(64),
    returnTo: z.string().max(1_024).optional().openapi({ description: 'A path of the registry.' }),
  }),
  result: z.object({ redirectTo: z.string() }),
  async handle(call, { body }) {
    const { id: linkTo } = call.needPerson();
    const { request, parts } = call;
    const { provider, returnTo } = body;
    const path = callbackPath(parts.pathPrefix, provider);
    const redirectUri = `${request.origin()}${path}`;
    const begun = await parts.external.begin(provider, { redirectUri, returnTo, linkTo });
    call.headers['Set-Cookie'] = stateCookie(request, { path, state: begun.state });
    return { redirectTo: begun.redirectTo };
  },
});

const unlink = endpoint({
  method: 'post',
  path: '/account/identities/unlink',
  tag: TAG,
  summary: 'Unlink an account elsewhere; ends your sessions',
  body: z.strictObject({ provider: z.string().max(100), subject: z.string().max(1_024) }),
  async handle(call, { body }) {
    const { id: user } = call.needPerson();
    await keepAWay(call, { user, ...body });
    await call.parts.commands.run('unlinkExternalAccount', { ...body, user, actor: call.actor });
  },
});

/** Whoever has neither password nor another account could never come back. */
async function keepAWay(
  { parts }: ApiCall,
  { user, provider, subject }: { user: UserId; provider: string; subject: string },
): Promise<void> {
  const secrets = await readUserSecrets(parts.sql, user);
  if (secrets?.passwordHash !== null) return;
  const others = (await identitiesOf(parts.sql, user)).filter(
    (one) => one.provider !== provider || one.subject !== subject,
  );
  if (others.length > 0 || (await factorsOf(parts.sql, secrets)).includes('passkey')) return;
  throw new RegistryError(
    'CONFLICT',
    'This is your only way to sign in. Add a passkey first, or ask an administrator for a password.',
  );
}

export const accountEndpoints = [
  get,
  update,
  changePassword,
  listRefresh,
  revokeRefresh,
  listIdentities,
  link,
  unlink,
];
