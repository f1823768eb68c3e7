// Asked before any byte of an upload is taken: is there room at all? The transaction that finishes it asks again.
import { type PathPolicy, policiesHolding } from '../../metadata/policies.ts';
import type { Sql } from '../../metadata/sql.ts';
import { readScopes } from '../../metadata/usage.ts';
import type { RepositoryName } from '../../oci/repository-name.ts';
import { quotaError } from './guard-growth.ts';
import { quotasAmong } from './quota.ts';

/**
 * `bytes`: of the upload, when it says how many. A blob that the namespace has already costs nothing; clients
 * ask for it first, and do not upload it. @throws RegistryError DENIED with the numbers.
 */
export async function checkRoomInQuota(
  sql: Sql,
  { repository, bytes = 1 }: { repository: RepositoryName; bytes?: number | undefined },
): Promise<void> {
  const policies: readonly PathPolicy[] = await policiesHolding(sql, repository);
  const quotas = quotasAmong(policies).filter(({ quota }) => quota.bytes?.hard !== undefined);
  if (quotas.length === 0) return;
  const scopes = await readScopes(
    sql,
    quotas.map(({ path }) => path),
  );
  for (const { path, quota } of quotas) {
    const limit = quota.bytes?.hard ?? Number.MAX_SAFE_INTEGER;
    const before = scopes.find((scope) => scope.path === path)?.bytes ?? 0;
    const after = before + bytes;
    if (after <= limit) continue;
    const { contact } = quota;
    throw quotaError({ path, resource: 'bytes', kind: 'hard', limit, before, after, contact });
  }
}
