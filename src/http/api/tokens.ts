// Access tokens: one's own, those of robots, and what pipelines were given in exchange. A credential with
// limits makes none that may do more than itself, or for longer.
import { z } from '@hono/zod-openapi';
import { parseCondition } from '../../access/condition-form.ts';
import { parseScopes, SCOPES } from '../../access/tokens/scopes.ts';
import { hashSecret, hintOf, newSecret } from '../../access/tokens/secret.ts';
import {
  type AccessToken,
  listAccessTokens,
  readAccessToken,
  type TokenOwner,
} from '../../metadata/access-tokens.ts';
import type { ApiCall } from './api-call.ts';
import { endpoint } from './endpoint.ts';
import { PAGE_QUERY, pageOf, pageSchema } from './page.ts';
import {
  CONDITION_SHAPE,
  ID,
  millisecondsOf,
  SCOPE,
  TIME,
  timeOf,
  timeOrNull,
  WANTED_TIME,
} from './shapes.ts';
import { limitsOfNew, refuseWiderRotation } from './token-limits.ts';
import { noToken, OWNER_TEXT, ownerFor, refuseOthersAccount } from './token-owner.ts';

const TAG = 'Access tokens';
const MAY =
  'Everybody their own; those of robots and pipelines, who manages their path. A credential with scopes needs `manage` in them.';

const TOKEN = z
  .object({
    id: z.int(),
    ownerKind: z.enum(['user', 'robot', 'workload']),
    ownerId: z.int(),
    name: z.string(),
    hint: z.string().openapi({ description: 'The last characters of the secret.' }),
    scopes: z.array(SCOPE).readonly().nullable(),
    condition: CONDITION_SHAPE.nullable(),
    createdAt: TIME,
    expiresAt: TIME.nullable(),
    revokedAt: TIME.nullable(),
    replacesId: z.int().nullable(),
    lastUsedAt: TIME.nullable(),
    lastUsedFrom: z.string().nullable(),
    lastUsedBy: z.string().nullable(),
    uses: z.int(),
  })
  .openapi('AccessToken');

const NEW_TOKEN = TOKEN.extend({
  secret: z.string().openapi({ description: 'Shown once.' }),
}).openapi('NewAccessToken');

function show(token: AccessToken): z.input<typeof TOKEN> {
  return {
    ...token,
    scopes: token.scopes === null ? null : JSON.parse(token.scopes),
    condition: token.condition === null ? null : JSON.parse(token.condition),
    createdAt: timeOf(token.createdAt),
    expiresAt: timeOrNull(token.expiresAt),
    revokedAt: timeOrNull(token.revokedAt),
    lastUsedAt: timeOrNull(token.lastUsedAt),
  };
}

async function known({ parts }: ApiCall, id: number): Promise<AccessToken> {
  const token = await readAccessToken(parts.sql, id);
  if (token === undefined) throw noToken();
  return token;
}

const list = endpoint({
  method: 'get',
  path: '/tokens',
  tag: TAG,
  summary: 'Access tokens, newest first, those that ended too',
  may: `${MAY} Of other users, administrators.`,
  query: z.strictObject({ ...PAGE_QUERY, owner: OWNER_TEXT.optional() }),
  result: pageSchema('AccessTokens', TOKEN),
  async handle(call, { query }) {
    const owner = await ownerFor(call, query.owner);
    return pageOf(query, {
      key: z.int(),
      read: ({ after, limit }) =>
        listAccessTokens(call.parts.sql, {
          owner,
          limit,
          ...(after !== undefined && { before: after }),
        }),
      keyOf: ({ id }) => id,
      show,
    });
  },
});

const create = endpoint({
  method: 'post',
  path: '/tokens',
  tag: TAG,
  summary: 'Make an access token; its secret is shown once',
  may: `${MAY} It never may do more, or live longer, than the credential with scopes or conditions that made it.`,
  body: z.strictObject({
    owner: OWNER_TEXT.optional(),
    name: z.string().max(128),
    scopes: SCOPES.optional().openapi({ description: 'Absent: everything that its owner may.' }),
    condition: CONDITION_SHAPE.optional(),
    expiresAt: WANTED_TIME.nullable().optional().openapi({ description: 'Absent or null: never.' }),
  }),
  status: 201,
  result: NEW_TOKEN,
  async handle(call, { body }) {
    const owner = await ownerFor(call, body.owner);
    refuseOthersAccount(call, owner);
    const { expiresAt } = body;
    const limits = await limitsOfNew(call, {
      scopes: parseScopes(body.scopes),
      condition: parseCondition(body.condition),
      expiresAt: typeof expiresAt === 'string' ? millisecondsOf(expiresAt) : null,
    });
    const { secret, stored } = makeSecret();
    const id = await call.parts.commands.run('createAccessToken', {
      owner: { kind: owner.kind === 'robot' ? 'robot' : 'user', id: owner.id },
      name: body.name,
      ...stored,
      ...limits,
      actor: call.actor,
    });
    return { ...show(await known(call, id)), secret };
  },
});

function makeSecret() {
  const secret = newSecret('ept');
  return { secret, stored: { hash: hashSecret(secret), hint: hintOf(secret) } };
}

/** The token of an id, for those who may change it; to others it does not exist. */
async function changeable(call: ApiCall, id: number): Promise<AccessToken> {
  const token = await known(call, id);
  const owner: TokenOwner = { kind: token.ownerKind, id: token.ownerId };
  await ownerFor(call, owner);
  return token;
}

const revoke = endpoint({
  method: 'delete',
  path: '/tokens/{id}',
  tag: TAG,
  summary: 'Revoke an access token',
  may: `${MAY} Of other users, administrators. A token can revoke itself.`,
  params: z.object({ id: ID }),
  async handle(call, { params }) {
    const { credential } = call.caller.identity;
    const isItself = credential.kind === 'access-token' && credential.id === params.id;
    if (!isItself) await changeable(call, params.id);
    await call.parts.commands.run('revokeAccessToken', { id: params.id, actor: call.actor });
  },
});

const revokeAll = endpoint({
  method: 'delete',
  path: '/tokens',
  tag: TAG,
  summary: 'Revoke all access tokens of an owner',
  may: `${MAY} Of other users, administrators.`,
  query: z.strictObject({ owner: OWNER_TEXT }),
  result: z.object({ revoked: z.int() }),
  async handle(call, { query }) {
    const owner = await ownerFor(call, query.owner);
    const { actor } = call;
    return { revoked: await call.parts.commands.run('revokeAccessTokensOf', { owner, actor }) };
  },
});

/** Enough to carry the new secret to where the old one is. */
const USUAL_OVERLAP_SECONDS = 24 * 60 * 60;
const LONGEST_OVERLAP_SECONDS = 30 * 24 * 60 * 60;

const rotate = endpoint({
  method: 'post',
  path: '/tokens/{id}/rotate',
  tag: TAG,
  summary: 'A new secret with the same rights; the old one works on for a while',
  may: MAY,
  params: z.object({ id: ID }),
  body: z.strictObject({
    overlapSeconds: z
      .int()
      .min(0)
      .max(LONGEST_OVERLAP_SECONDS)
      .default(USUAL_OVERLAP_SECONDS)
      .openapi({ description: 'How long the old secret works on.' }),
    expiresAt: WANTED_TIME.nullable()
      .optional()
      .openapi({ description: 'Absent: it lives as long as the old one did.' }),
  }),
  status: 201,
  result: NEW_TOKEN,
  async handle(call, { params, body }) {
    const old = await changeable(call, params.id);
    refuseOthersAccount(call, { kind: old.ownerKind, id: old.ownerId });
    const { expiresAt } = body;
    const wanted =
      expiresAt === undefined
        ? undefined
        : { expiresAt: expiresAt === null ? null : millisecondsOf(expiresAt) };
    const bounded = await refuseWiderRotation(call, { old, wanted });
    const { secret, stored } = makeSecret();
    const id = await call.parts.commands.run('rotateAccessToken', {
      id: old.id,
      ...stored,
      overlapMs: body.overlapSeconds * 1000,
      ...bounded,
      actor: call.actor,
    });
    return { ...show(await known(call, id)), secret };
  },
});

export const tokenEndpoints = [list, create, revoke, revokeAll, rotate];
