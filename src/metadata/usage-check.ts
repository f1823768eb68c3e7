// Whether the counters of what namespaces use say what a recount says. For the doctor.
import type { ReportSql } from './report.ts';
import { statement } from './statement.ts';
import type { Usage } from './usage.ts';
import { readScopes, recountUsage } from './usage-scopes.ts';

const exactScopes = statement<{ after: number; limit: number }>()((q, p) =>
  q
    .selectFrom('usage_scopes')
    .select(['id', 'path'])
    .where('id', '>', p.after)
    .where('state', '=', 'exact')
    .orderBy('id')
    .limit(p.limit),
);

export interface WrongCounter {
  readonly path: string;
  readonly counted: Usage;
  readonly recounted: Usage;
}

export interface CountersPage {
  readonly wrong: readonly WrongCounter[];
  readonly scopes: number;
  /** Id of the last one; undefined: there are no more. */
  readonly next: number | undefined;
}

const COLUMNS = ['bytes', 'blobs', 'tags', 'repositories'] as const;

/** Each path is read and added up at one instant, so that what is pushed meanwhile makes no difference. */
export async function checkCounters(
  sql: ReportSql,
  { after, limit }: { after: number; limit: number },
): Promise<CountersPage> {
  const page = await sql.all(exactScopes, { after, limit });
  const wrong: WrongCounter[] = [];
  for (const { path } of page) {
    const found = await sql.snapshot(async (instant) => ({
      scope: (await readScopes(instant, [path])).find((one) => one.path === path),
      recounted: await recountUsage(instant, path),
    }));
    const { scope, recounted } = found;
    if (scope === undefined || scope.state !== 'exact') continue;
    const { bytes, blobs, tags, repositories } = scope;
    const counted = { bytes, blobs, tags, repositories };
    if (COLUMNS.some((column) => counted[column] !== recounted[column])) {
      wrong.push({ path, counted, recounted });
    }
  }
  return { wrong, scopes: page.length, next: page.length < limit ? undefined : page.at(-1)?.id };
}
