// How an address of the management API names a repository: its full name as one percent-encoded part
// (`team%2Fapi`), or its id (`id:12`). Names have no colon, so that the two are never mixed up.
import { z } from '@hono/zod-openapi';
import type { Action } from '../../access/action.ts';
import {
  findRepositoryById,
  findRepositoryByName,
  type RepositoryDetails,
} from '../../metadata/repository-details.ts';
import { RegistryError } from '../../oci/errors.ts';
import { isRepositoryName } from '../../oci/repository-name.ts';
import type { ApiCall } from './api-call.ts';
import { signInFirst } from './identify-caller.ts';

const BY_ID = /^id:([1-9][0-9]{0,14})$/;

/** For the parameters of an endpoint. */
export const REPOSITORY = z
  .string()
  .refine((text) => BY_ID.test(text) || isRepositoryName(text), {
    error:
      'must be the name of a repository as one part, such as team%2Fapi, or its id, such as id:12',
  })
  .openapi({
    description:
      'Its full name as one percent-encoded part, `team%2Fapi`; or its id, `id:12`, which every proxy leaves alone.',
    example: 'team%2Fapi',
  });

/**
 * The repository that an address names, for somebody who has that right there.
 * @throws ErrorWithHeaders UNAUTHORIZED to nobody; RegistryError NOT_FOUND alike for what is not there and
 *   for what one may not see; DENIED with the reason.
 */
export async function repositoryOf(
  call: ApiCall,
  text: string,
  action: Action = 'pull',
): Promise<RepositoryDetails> {
  const id = BY_ID.exec(text)?.[1];
  const byId = id === undefined ? undefined : await findRepositoryById(call.parts.sql, Number(id));
  const path = byId?.name ?? text;
  if (id !== undefined && byId === undefined) {
    // What holds at the root says nothing of a path that nothing has: it is answered as a private one.
    await call.may({ action, path });
    throw call.isNobody ? signInFirst(new RegistryError('UNAUTHORIZED')) : noRepository(text);
  }
  try {
    await call.need({ action, path });
  } catch (error) {
    if (!(error instanceof RegistryError) || error.code !== 'NOT_FOUND') throw error;
    // The sentence must not tell the name that belongs to an id.
    throw noRepository(text);
  }
  const found =
    byId ?? (isRepositoryName(path) ? await findRepositoryByName(call.parts.sql, path) : undefined);
  if (found === undefined) throw noRepository(text);
  return found;
}

function noRepository(text: string): RegistryError {
  return new RegistryError('NOT_FOUND', `There is no repository "${text}".`);
}
