// The caller's second factors: an authenticator app, passkeys, recovery codes.
import { z } from '@hono/zod-openapi';
import type { RegistrationResponseJSON } from '@simplewebauthn/server';
import type { FactorChanged } from '../../access/sign-in/passkeys.ts';
import { listPasskeys } from '../../metadata/passkeys.ts';
import type { ApiCall } from './api-call.ts';
import { endpoint } from './endpoint.ts';
import { giveCookie, sessionOf } from './sessions.ts';
import { ID, TIME, timeOf, timeOrNull } from './shapes.ts';
import { ASSERTION, asJson, loadPasskeys, passkeyParts, QUESTION } from './sign-in-ways.ts';
import { userNamed } from './users.ts';

const TAG = 'Second factor';

const CODE = z.string().min(1).max(64);

const PROOF = z
  .union([z.strictObject({ code: CODE }), z.strictObject({ passkey: ASSERTION })])
  .openapi('FactorProof', { description: 'A code of the app, a recovery code, or a passkey.' });

const CHANGED = z
  .object({
    recoveryCodes: z
      .array(z.string())
      .readonly()
      .optional()
      .openapi({ description: 'With the first factor: shown once.' }),
  })
  .openapi('FactorChanged');

function loadFactors() {
  return import('../../access/sign-in/second-factor.ts');
}

function changed(call: ApiCall, { recoveryCodes, sessionSecret }: FactorChanged) {
  if (sessionSecret !== undefined) giveCookie(call, sessionSecret);
  return { recoveryCodes };
}

const beginTotp = endpoint({
  method: 'post',
  path: '/account/totp',
  tag: TAG,
  summary: 'Begin with an authenticator app; its secret is shown once',
  result: z.object({ secret: z.string(), uri: z.string() }).openapi('TotpSecret'),
  async handle(call) {
    const { id: userId } = call.needPerson();
    const { beginTotpApp } = await loadFactors();
    const registry = new URL(call.request.origin()).host;
    return beginTotpApp(passkeyParts(call), { userId, registry }, call.actor);
  },
});

const confirmTotp = endpoint({
  method: 'post',
  path: '/account/totp/confirm',
  tag: TAG,
  summary: 'Turn the app on with its first code',
  body: z.strictObject({ code: CODE }),
  result: CHANGED,
  async handle(call, { body }) {
    const { id: userId } = call.needPerson();
    const { confirmTotpApp } = await loadFactors();
    const change = { userId, sessionId: sessionOf(call), code: body.code };
    return changed(call, await confirmTotpApp(passkeyParts(call), change, call.actor));
  },
});

const removeTotp = endpoint({
  method: 'post',
  path: '/account/totp/remove',
  tag: TAG,
  summary: 'Turn the app off',
  body: z.strictObject({ proof: PROOF }),
  result: CHANGED,
  async handle(call, { body }) {
    const { id: userId } = call.needPerson();
    const { removeTotpApp } = await loadFactors();
    const change = { userId, sessionId: sessionOf(call), proof: body.proof };
    return changed(call, await removeTotpApp(passkeyParts(call), change, call.actor));
  },
});

const renewCodes = endpoint({
  method: 'post',
  path: '/account/recovery-codes',
  tag: TAG,
  summary: 'New recovery codes, shown once; those before count no more',
  body: z.strictObject({ proof: PROOF }),
  result: z.object({ recoveryCodes: z.array(z.string()) }).openapi('RecoveryCodes'),
  async handle(call, { body }) {
    const { id: userId } = call.needPerson();
    const { renewRecoveryCodes } = await loadFactors();
    const change = { userId, proof: body.proof };
    return { recoveryCodes: await renewRecoveryCodes(passkeyParts(call), change, call.actor) };
  },
});

const PASSKEY = z
  .object({
    id: z.int(),
    name: z.string(),
    createdAt: TIME,
    lastUsedAt: TIME.nullable(),
  })
  .openapi('Passkey');

const passkeys = endpoint({
  method: 'get',
  path: '/account/passkeys',
  tag: TAG,
  summary: 'Your passkeys',
  result: z.object({ items: z.array(PASSKEY) }),
  async handle(call) {
    const { id } = await call.needOwnAccount();
    const known = await listPasskeys(call.parts.sql, id);
    return {
      items: known.map((one) => ({
        id: one.id,
        name: one.name,
        createdAt: timeOf(one.createdAt),
        lastUsedAt: timeOrNull(one.lastUsedAt),
      })),
    };
  },
});

const beginPasskey = endpoint({
  method: 'post',
  path: '/account/passkeys/options',
  tag: TAG,
  summary: 'Begin to add a passkey',
  result: QUESTION,
  async handle(call) {
    const user = await userNamed(call, call.needPerson().name);
    const { beginPasskey: begin } = await loadPasskeys();
    return asJson(await begin(passkeyParts(call), user));
  },
});

const addPasskey = endpoint({
  method: 'post',
  path: '/account/passkeys',
  tag: TAG,
  summary: 'Add the passkey that the browser made',
  body: z.strictObject({
    state: z.string().max(4_096),
    name: z.string().max(64).default(''),
    response: z
      .record(z.string(), z.unknown())
      .transform((json) => json as unknown as RegistrationResponseJSON)
      .openapi({ type: 'object' }),
  }),
  status: 201,
  result: CHANGED,
  async handle(call, { body }) {
    const { id: userId } = call.needPerson();
    const { finishPasskey } = await loadPasskeys();
    const answer = { ...body, userId, sessionId: sessionOf(call) };
    return changed(call, await finishPasskey(passkeyParts(call), answer, call.actor));
  },
});

const askForProof = endpoint({
  method: 'post',
  path: '/account/passkeys/proof',
  tag: TAG,
  summary: 'Begin to show one of your passkeys, before a change',
  result: QUESTION,
  async handle(call) {
    const { id: userId } = call.needPerson();
    const { askForPasskey } = await loadPasskeys();
    return asJson(await askForPasskey(passkeyParts(call), { userId }));
  },
});

const removePasskey = endpoint({
  method: 'post',
  path: '/account/passkeys/{id}/remove',
  tag: TAG,
  summary: 'Remove a passkey',
  params: z.object({ id: ID }),
  body: z.strictObject({ proof: PROOF }),
  result: CHANGED,
  async handle(call, { params, body }) {
    const { id: userId } = call.needPerson();
    const { removeOwnPasskey } = await loadFactors();
    const change = { userId, sessionId: sessionOf(call), id: params.id, proof: body.proof };
    return changed(call, await removeOwnPasskey(passkeyParts(call), change, call.actor));
  },
});

export const secondFactorEndpoints = [
  beginTotp,
  confirmTotp,
  removeTotp,
  renewCodes,
  passkeys,
  beginPasskey,
  addPasskey,
  askForProof,
  removePasskey,
];
