// How long what was deleted or let go can be brought back, by path: the nearest policy of the kind `trash`.
// As `windowAt` says it of one path, for a run that meets many.
import { policiesOfKind } from '../../metadata/policies.ts';
import type { Sql } from '../../metadata/sql.ts';
import { pathAndAbove } from '../../oci/repository-name.ts';
import { USUAL_WINDOW_MS } from '../history/remains.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

export interface Windows {
  /** Milliseconds, for a repository. */
  at(name: string): number;
  /** Milliseconds: nothing is due before that anywhere. */
  readonly shortest: number;
}

export async function readWindows(sql: Sql): Promise<Windows> {
  const byPath = new Map<string, number>();
  for (const { path, document } of await policiesOfKind(sql, 'trash')) {
    const { days } = JSON.parse(document) as { days: number };
    byPath.set(path, days * DAY_MS);
  }
  return {
    at(name) {
      if (byPath.size === 0) return USUAL_WINDOW_MS;
      const nearest = pathAndAbove(name).findLast((path) => byPath.has(path));
      return byPath.get(nearest ?? '') ?? USUAL_WINDOW_MS;
    },
    shortest: Math.min(USUAL_WINDOW_MS, ...byPath.values()),
  };
}
