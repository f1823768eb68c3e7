// The keys that sign bearer tokens.
import { z } from '@hono/zod-openapi';
import { newSigningKey, RETIRED_KEY_AGE_MS } from '../../access/tokens/signing-keys.ts';
import { readSigningKeys } from '../../metadata/signing-keys.ts';
import { endpoint } from './endpoint.ts';
import { TIME, timeOf, timeOrNull } from './shapes.ts';

const TAG = 'Signing keys';
const MAY = 'Administrators.';

const KEY = z
  .object({
    kid: z.string(),
    createdAt: TIME,
    retiredAt: TIME.nullable().openapi({ description: 'null: it signs.' }),
  })
  .openapi('SigningKey');

const MADE = z.object({ kid: z.string() });

const list = endpoint({
  method: 'get',
  path: '/signing-keys',
  tag: TAG,
  summary: 'Keys that sign bearer tokens, or still verify them',
  may: MAY,
  result: z.object({ items: z.array(KEY) }),
  async handle(call) {
    await call.needAdministrator();
    const keys = await readSigningKeys(call.parts.sql);
    return {
      items: keys.map(({ kid, createdAt, retiredAt }) => ({
        kid,
        createdAt: timeOf(createdAt),
        retiredAt: timeOrNull(retiredAt),
      })),
    };
  },
});

const rotate = endpoint({
  method: 'post',
  path: '/signing-keys/rotate',
  tag: TAG,
  summary: 'A new key signs from now on; tokens signed before stay good',
  may: MAY,
  status: 201,
  result: MADE,
  async handle(call) {
    await call.needAdministrator();
    const { commands, signIn, now } = call.parts;
    const key = newSigningKey(signIn.seal);
    const retiredBefore = now() - RETIRED_KEY_AGE_MS;
    await commands.run('rotateSigningKey', { key, retiredBefore, actor: call.actor });
    return { kid: key.kid };
  },
});

const replace = endpoint({
  method: 'post',
  path: '/signing-keys/replace',
  tag: TAG,
  summary: 'After a leak: a new key, and every bearer token signed before ends',
  may: MAY,
  status: 201,
  result: MADE,
  async handle(call) {
    await call.needAdministrator();
    const key = newSigningKey(call.parts.signIn.seal);
    await call.parts.commands.run('replaceSigningKeys', { key, actor: call.actor });
    return { kid: key.kid };
  },
});

export const signingKeyEndpoints = [list, rotate, replace];
