// Whether a place can take a name: nothing lies there that it would be mixed up with, be it somebody's
// repository or a right that was given since.
import { aliasWithin, refuseReserved } from '../../metadata/aliases.ts';
import { isAnyRepositoryBelow, type LockedRepository, whatLiesAt } from '../../metadata/names.ts';
import { findRepository } from '../../metadata/repositories.ts';
import type { Transaction } from '../../metadata/sql.ts';
import { RegistryError } from '../../oci/errors.ts';
import { LIMITS } from '../../oci/limits.ts';
import { parseRepositoryName } from '../../oci/repository-name.ts';

/** What hangs on a path besides repositories, as a sentence names it. */
const HANGING = [
  ['grants', 'rights'],
  ['settings', 'settings'],
  ['policies', 'policies'],
  ['robots', 'robots'],
  ['trustPolicies', 'trust policies'],
] as const;

/**
 * @returns whether the place takes all of the path; if not, it is a repository above others, whose path
 *   keeps what hangs on it. @throws RegistryError CONFLICT, DENIED, NAME_INVALID
 */
export async function checkFreeName(
  tx: Transaction,
  { to, kind, todo }: { to: string; kind: 'repository' | 'namespace'; todo: string },
): Promise<{ isWhole: boolean }> {
  const name = parseRepositoryName(to);
  await refuseReserved(tx, to);
  if (kind === 'repository' && (await isAnyRepositoryBelow(tx, to))) {
    if ((await findRepository(tx, name)) !== undefined) throw taken(to, 'a repository', todo);
    return { isWhole: false };
  }
  const there = await whatLiesAt(tx, to);
  if (there.repositories > 0) {
    throw taken(to, there.repositories === 1 ? 'a repository' : 'repositories', todo);
  }
  for (const [field, what] of HANGING) {
    if (there[field] > 0) throw taken(to, `${what} (${there[field]})`, todo);
  }
  const alias = await aliasWithin(tx, to);
  if (alias !== undefined) {
    throw taken(to, `the name "${alias.path}", which stays reserved for now`, todo);
  }
  return { isWhole: true };
}

/**
 * Nobody could name a repository whose name became too long by that of what it lies in.
 * @throws RegistryError NAME_INVALID
 */
export function refuseTooLong(
  repositories: readonly LockedRepository[],
  { from, to }: { from: string; to: string },
): void {
  for (const { name } of repositories) {
    const renamed = `${to}${name.slice(from.length)}`;
    if (renamed.length <= LIMITS.repositoryNameLength) continue;
    throw new RegistryError(
      'NAME_INVALID',
      `"${renamed}" would be ${renamed.length} characters long, and a name has at most ${LIMITS.repositoryNameLength}. Choose a shorter one.`,
    );
  }
}

function taken(to: string, what: string, todo: string): RegistryError {
  return new RegistryError(
    'CONFLICT',
    `At "${to}" or below it there is something: ${what}. ${todo}`,
    {
      path: to,
    },
  );
}
