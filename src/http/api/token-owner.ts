// Whose access tokens somebody may see, make and revoke.
import { z } from '@hono/zod-openapi';
import type { TokenOwner } from '../../metadata/access-tokens.ts';
import { readRobot } from '../../metadata/robots.ts';
import { readTrustPolicy } from '../../metadata/trust-policies.ts';
import { RegistryError } from '../../oci/errors.ts';
import type { ApiCall } from './api-call.ts';
import { userNamed } from './users.ts';

type WantedOwner = { kind: 'user'; name: string } | TokenOwner;

/** `user:alice`, `robot:3`, `workload:7` (a trust policy). */
export const OWNER_TEXT = z
  .string()
  .max(100)
  .regex(/^(user:.+|(robot|workload):[1-9]\d{0,14})$/, {
    error: 'must be user:NAME, robot:ID or workload:ID',
  })
  .transform((text): WantedOwner => {
    const [kind = '', name = ''] = text.split(':');
    if (kind === 'user') return { kind, name };
    return { kind: kind === 'robot' ? 'robot' : 'workload', id: Number(name) };
  })
  .openapi({ type: 'string', example: 'robot:3' });

/** Without one: the caller. @throws RegistryError NOT_FOUND, DENIED */
export async function ownerFor(
  call: ApiCall,
  wanted: WantedOwner | undefined,
): Promise<TokenOwner> {
  const { principal } = call.caller.standing;
  if (wanted === undefined) {
    if (principal.kind === 'robot') return ownerFor(call, { kind: 'robot', id: principal.id });
    return { kind: 'user', id: (await call.needOwnAccount()).id };
  }
  if (wanted.kind === 'user') return userOwner(call, wanted);
  const row = await readPathOf(call, wanted);
  if (row !== undefined && (await call.may({ action: 'manage', path: row.path }))) return wanted;
  throw noToken();
}

async function userOwner(
  call: ApiCall,
  wanted: Extract<WantedOwner, { kind: 'user' }> | TokenOwner,
): Promise<TokenOwner> {
  const { principal } = call.caller.standing;
  const isOwn =
    principal.kind === 'user' &&
    ('name' in wanted ? wanted.name === principal.name : wanted.id === principal.id);
  if (isOwn) return { kind: 'user', id: (await call.needOwnAccount()).id };
  if ('id' in wanted) {
    // Found by the number of a token: that it is there is its owner's business.
    if (await call.may({ action: 'administer', path: '' })) return wanted;
    throw noToken();
  }
  await call.needAdministrator();
  return { kind: 'user', id: (await userNamed(call, wanted.name)).id };
}

/** An administrator may end the tokens of others, but not act in their names. @throws DENIED */
export function refuseOthersAccount(call: ApiCall, owner: TokenOwner): void {
  if (owner.kind === 'workload') {
    throw new RegistryError('DENIED', 'Pipelines get their tokens in exchange for their own.');
  }
  if (owner.kind === 'robot') return;
  if (owner.id === call.user.id) return;
  throw new RegistryError('DENIED', 'The tokens of a user are made by that user only.');
}

async function readPathOf(
  { parts }: ApiCall,
  { kind, id }: TokenOwner,
): Promise<{ readonly path: string } | undefined> {
  const row =
    kind === 'robot' ? await readRobot(parts.sql, id) : await readTrustPolicy(parts.sql, id);
  return row === undefined || row.state === 'deleted' ? undefined : row;
}

export function noToken(): RegistryError {
  return new RegistryError('NOT_FOUND', 'There is no such access token, or no such owner.');
}
