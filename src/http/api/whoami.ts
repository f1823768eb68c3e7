// Who the caller is, and by what.
import { z } from '@hono/zod-openapi';
import { credentialKey } from '../../access/principal.ts';
import { endpoint } from './endpoint.ts';
import { SCOPE } from './shapes.ts';

const WHOAMI = z
  .object({
    kind: z.enum(['user', 'robot', 'workload', 'anonymous']),
    id: z.int().nullable(),
    name: z.string(),
    credential: z.string().openapi({ example: 'access-token:34' }),
    scopes: z
      .array(SCOPE)
      .readonly()
      .nullable()
      .openapi({ description: 'Of the credential; null: everything that its owner may.' }),
    isAdministrator: z.boolean(),
  })
  .openapi('WhoAmI');

export const whoami = endpoint({
  method: 'get',
  path: '/whoami',
  tag: 'Sign-in',
  summary: 'Who you are, and by which credential',
  result: WHOAMI,
  async handle(call) {
    const { standing, identity } = call.caller;
    const { principal, scopes = standing.policy?.scopes } = standing;
    return {
      kind: principal.kind,
      id: principal.kind === 'anonymous' ? null : principal.id,
      name: principal.name,
      credential: credentialKey(identity.credential),
      scopes: scopes ?? null,
      isAdministrator: await call.may({ action: 'administer', path: '' }),
    };
  },
});
