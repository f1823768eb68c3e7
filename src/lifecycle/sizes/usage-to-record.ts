// What is to be written down of a day: the repositories that changed, and the paths that are counted.
import type { ReportSql } from '../../metadata/report.ts';
import {
  apparentBelow,
  changedSince,
  countedPaths,
  goneFromUsage,
  type PathUsage,
  repositoriesToRecord,
  type ToRecord,
} from '../../metadata/usage-history.ts';
import { readScopes } from '../../metadata/usage-scopes.ts';

const DAY_MS = 24 * 60 * 60 * 1_000;

/** @param since the last day that was written down to the end; undefined = none was. */
export async function usageToRecord(
  sql: ReportSql,
  { day, since = 0 }: { day: number; since: number | undefined },
): Promise<ToRecord[]> {
  const changed = await changedSince(sql, since * DAY_MS);
  return repositoriesToRecord(sql, { day, changed });
}

/** Once the repositories are written down: `apparent` is added up from what stands there. */
export async function countedUsage(sql: ReportSql, { day }: { day: number }): Promise<PathUsage[]> {
  const paths = (await countedPaths(sql)).map(({ path }) => path);
  const usage: PathUsage[] = [];
  for (const { path, bytes, blobs, tags, repositories } of await readScopes(sql, paths)) {
    const apparent = await apparentBelow(sql, path);
    usage.push({ path, day, bytes, apparent, blobs, tags, repositories });
  }
  return usage;
}

export async function usageToForget(
  sql: ReportSql,
  page: { after: string; day: number; limit: number },
): Promise<string[]> {
  return goneFromUsage(sql, page);
}
