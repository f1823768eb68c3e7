// Whether what a transaction has added is within the quotas above it. Counts are exact within the
// transaction; two that run at once do not see each other, so that none waits: a quota holds within what is
// under way at the same moment.
import { announce } from '../../metadata/outbox.ts';
import type { PathPolicy } from '../../metadata/policies.ts';
import { findRepository } from '../../metadata/repositories.ts';
import type { Transaction } from '../../metadata/sql.ts';
import type { ScopeGrowth, Usage, UsageGrowth } from '../../metadata/usage.ts';
import { readScopes } from '../../metadata/usage-scopes.ts';
import { RegistryError } from '../../oci/errors.ts';
import type { RepositoryName } from '../../oci/repository-name.ts';
import { shownPath } from '../shown-path.ts';
import { showAmount } from './amount-text.ts';
import { type Excess, excessesOf, quotasAmong, type SetQuota } from './quota.ts';

/**
 * @returns warnings, for each soft limit that is exceeded.
 * @throws RegistryError DENIED with the numbers, for a hard one.
 */
export async function checkGrowth(
  tx: Transaction,
  growth: UsageGrowth,
  policies: readonly PathPolicy[],
): Promise<readonly string[]> {
  const grown = new Map(growth.scopes.map((scope) => [scope.path, scope]));
  const quotas = quotasAmong(policies).filter(({ path }) => grown.has(path));
  if (quotas.length === 0) return [];
  const excesses = await excessesNow(tx, { quotas, grown });
  const hard = excesses.find(({ kind }) => kind === 'hard');
  if (hard !== undefined) throw quotaError(hard);
  for (const excess of excesses) {
    if (excess.before <= excess.limit) await announceCrossing(tx, growth, excess);
  }
  return excesses.map(softWarning);
}

async function excessesNow(
  tx: Transaction,
  { quotas, grown }: { quotas: readonly SetQuota[]; grown: ReadonlyMap<string, ScopeGrowth> },
): Promise<Excess[]> {
  const scopes = await readScopes(
    tx,
    quotas.map(({ path }) => path),
  );
  const used = new Map(scopes.map((scope) => [scope.path, scope]));
  return quotas.flatMap((set) => {
    const after = used.get(set.path);
    const added = grown.get(set.path);
    if (after === undefined || added === undefined) return [];
    return excessesOf(set, { before: without(after, added), after });
  });
}

function without(after: Usage, added: Usage): Pick<Usage, 'bytes' | 'tags' | 'repositories'> {
  return {
    bytes: after.bytes - added.bytes,
    tags: after.tags - added.tags,
    repositories: after.repositories - added.repositories,
  };
}

async function announceCrossing(
  tx: Transaction,
  growth: UsageGrowth,
  { path, resource, limit, after: used }: Excess,
): Promise<void> {
  const repository = await findRepository(tx, growth.repository as RepositoryName);
  if (repository === undefined) return;
  const event = { kind: 'quota-warning', path, resource, limit, used } as const;
  await announce(tx, { ...event, repository, actor: 'entrepot' });
}

export function quotaError(excess: Excess): RegistryError {
  const { path, resource, limit, before, after, contact } = excess;
  const used = showAmount(resource, before);
  return new RegistryError(
    'DENIED',
    `The quota of ${shownPath(path)} does not allow this: ${showAmount(resource, limit)} at most, ${used} used, ${showAmount(resource, after)} with this. Delete what is not needed, or ask ${contact ?? whoMayRaise(path)} for more.`,
    { path, resource, limit, used: before, wanted: after, contact: contact ?? null },
  );
}

function whoMayRaise(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? 'an administrator' : `whoever manages ${shownPath(path.slice(0, slash))}`;
}

/** For a header of HTTP: only what is ours, in ASCII. Who to ask may be any text, so it is left out. */
function softWarning({ path, resource, limit, after }: Excess): string {
  const where = path === '' ? 'the registry' : path;
  return `${where} uses ${showAmount(resource, after)}; the quota warns beyond ${showAmount(resource, limit)}.`;
}
