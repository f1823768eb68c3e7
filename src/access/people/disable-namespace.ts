// What still works for somebody who is gone: the robots and trust policies of the namespace that was theirs.
// They are disabled and not deleted, because others may depend on them: an administrator can enable them.
import { listRobots, setRobotState } from '../../metadata/robots.ts';
import type { Transaction } from '../../metadata/sql.ts';
import { listTrustPolicies, setTrustPolicyState } from '../../metadata/trust-policies.ts';

/** Read at once. */
const PAGE = 100;

interface Placed {
  readonly id: number;
  readonly path: string;
  readonly name: string;
  readonly state: string;
}

/** At a path and below it. @returns how many of each were active. */
export async function disableNamespace(
  tx: Transaction,
  path: string,
): Promise<{ robots: number; trustPolicies: number }> {
  const state = 'disabled';
  return {
    robots: await disableAll({
      read: (after) => listRobots(tx, { path, limit: PAGE, ...(after && { after }) }),
      disable: (id) => setRobotState(tx, { id, state }),
    }),
    trustPolicies: await disableAll({
      read: (after) => listTrustPolicies(tx, { path, limit: PAGE, ...(after && { after }) }),
      disable: (id) => setTrustPolicyState(tx, { id, state }),
    }),
  };
}

async function disableAll({
  read,
  disable,
}: {
  read(after: Placed | undefined): Promise<readonly Placed[]>;
  disable(id: number): Promise<void>;
}): Promise<number> {
  let after: Placed | undefined;
  for (let count = 0; ; ) {
    const page = await read(after);
    for (const one of page) {
      if (one.state !== 'active') continue;
      await disable(one.id);
      count += 1;
    }
    after = page.at(-1);
    if (page.length < PAGE) return count;
  }
}
