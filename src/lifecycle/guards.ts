// All that may forbid a push or a delete, joined: immutable tags, leases, quotas.
import type { Guards } from '../registry/guards.ts';
import { refuseChangeOfImmutable } from './immutability/guard-tags.ts';
import { refuseDeletionOfLeased, refuseUntaggingOfLeased } from './leases/guard-leases.ts';
import { policiesIn } from './policies-in-transaction.ts';
import { checkGrowth } from './quota/guard-growth.ts';

export function lifecycleGuards(): Guards {
  return {
    async beforeTagChange(tx, change) {
      await refuseChangeOfImmutable(tx, change, await policiesIn(tx, change.name));
      await refuseUntaggingOfLeased(tx, change);
    },
    beforeDelete: refuseDeletionOfLeased,
    async afterGrowth(tx, growth) {
      if (growth.scopes.length === 0) return [];
      return checkGrowth(tx, growth, await policiesIn(tx, growth.repository));
    },
  };
}
