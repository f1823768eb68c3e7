// Asked before any byte of an upload is taken: is there room at all? The transaction that finishes it asks again.
import { findBlob } from '../../metadata/blobs.ts';
import { policiesHolding } from '../../metadata/policies.ts';
import type { Sql } from '../../metadata/sql.ts';
import { readScopes } from '../../metadata/usage-scopes.ts';
import type { Digest } from '../../oci/digest.ts';
import type { RepositoryName } from '../../oci/repository-name.ts';
import { quotaError } from './guard-growth.ts';
import { quotasAmong } from './quota.ts';

interface WantedRoom {
  readonly repository: RepositoryName;
  /** Of the upload, when it says how many. */
  readonly bytes?: number | undefined;
  /** When it says which blob. One that the repository has costs nothing. */
  readonly digest?: Digest | undefined;
}

/** @throws RegistryError DENIED with the numbers. */
export async function checkRoomInQuota(sql: Sql, wanted: WantedRoom): Promise<void> {
  const { repository, bytes = 1, digest } = wanted;
  const policies = await policiesHolding(sql, repository);
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
    if (digest !== undefined && (await findBlob(sql, { repository, digest }))) return;
    const { contact } = quota;
    throw quotaError({ path, resource: 'bytes', kind: 'hard', limit, before, after, contact });
  }
}
