// Quotas above a place to which more comes than one transaction counts: what it would add is read before.
import { policiesHolding } from '../../metadata/policies.ts';
import type { Transaction } from '../../metadata/sql.ts';
import { bytesMissing } from '../../metadata/usage-moves.ts';
import { readScopes } from '../../metadata/usage-scopes.ts';
import { quotaError } from '../quota/guard-growth.ts';
import { quotasAmong } from '../quota/quota.ts';

/** @throws RegistryError DENIED with the numbers. */
export async function checkMovedRoom(
  tx: Transaction,
  { path, at }: { path: string; at: string },
): Promise<void> {
  const quotas = quotasAmong(await policiesHolding(tx, at));
  const paths = quotas.map((set) => set.path);
  for (const scope of await readScopes(tx, paths)) {
    const set = quotas.find((one) => one.path === scope.path);
    const limit = set?.quota.bytes?.hard;
    if (set === undefined || limit === undefined) continue;
    const before = scope.bytes;
    const after = before + (await bytesMissing(tx, { scope: scope.id, path }));
    if (after <= limit || after === before) continue;
    const { contact } = set.quota;
    throw quotaError({
      path: scope.path,
      resource: 'bytes',
      kind: 'hard',
      limit,
      before,
      after,
      contact,
    });
  }
}
