// How long what was deleted or let go can be brought back, by path: the nearest policy of the kind `trash`,
// or what the installation says.
import { policiesOfKind } from '../../metadata/policies.ts';
import type { Sql } from '../../metadata/sql.ts';
import { pathAndAbove } from '../../oci/repository-name.ts';
import { TRASH_POLICY } from '../trash/policy-form.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

export interface Windows {
  /** Milliseconds, for a repository. */
  at(name: string): number;
  /** Milliseconds: nothing is due before that anywhere. */
  readonly shortest: number;
}

export async function readWindows(sql: Sql, usualDays: number): Promise<Windows> {
  const usual = usualDays * DAY_MS;
  const byPath = new Map<string, number>();
  for (const { path, document } of await policiesOfKind(sql, 'trash')) {
    const policy = TRASH_POLICY.safeParse(JSON.parse(document));
    if (policy.success) byPath.set(path, policy.data.days * DAY_MS);
  }
  return {
    at(name) {
      const nearest =
        byPath.size === 0 ? undefined : pathAndAbove(name).findLast((p) => byPath.has(p));
      return nearest === undefined ? usual : (byPath.get(nearest) as number);
    },
    shortest: Math.min(usual, ...byPath.values()),
  };
}
