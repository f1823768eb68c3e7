// What is left of a manifest that a tag pointed at once, and until when.
import { nearestPolicy } from '../../metadata/policies.ts';
import type { Sql } from '../../metadata/sql.ts';
import type { ManifestRemains } from '../../metadata/tag-history.ts';

/**
 * `live`: a tag or something else holds it. `released`: nothing does, but it is still pulled by its digest.
 * `trash`: it is not pulled any more, but can be restored. `gone`: it cannot.
 */
export type RemainsState = 'live' | 'released' | 'trash' | 'gone';

export interface Remains {
  readonly state: RemainsState;
  /** Since when; undefined for `live` and `gone`. */
  readonly since: number | undefined;
  /** It may be gone from then on; undefined for `live` and `gone`. */
  readonly until: number | undefined;
}

const DAY_MS = 24 * 60 * 60 * 1000;
/** Milliseconds, where no policy says otherwise. */
export const USUAL_WINDOW_MS = 30 * DAY_MS;

/** Milliseconds for which what lost its last holder, or was deleted, can be restored at a path. */
export async function windowAt(sql: Sql, path: string): Promise<number> {
  const policy = await nearestPolicy(sql, { path, kind: 'trash' });
  if (policy === undefined) return USUAL_WINDOW_MS;
  const { days } = JSON.parse(policy.document) as { days: number };
  return days * DAY_MS;
}

export function remainsOf(manifest: ManifestRemains | undefined, windowMs: number): Remains {
  if (manifest === undefined) return { state: 'gone', since: undefined, until: undefined };
  const { deletedAt, releasedAt } = manifest;
  if (deletedAt !== null) {
    return { state: 'trash', since: deletedAt, until: deletedAt + windowMs };
  }
  if (releasedAt !== null) {
    return { state: 'released', since: releasedAt, until: releasedAt + windowMs };
  }
  return { state: 'live', since: undefined, until: undefined };
}
