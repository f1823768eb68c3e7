// The items of a plan that brings tags back to where they were at an instant, repository by repository. Only
// what differs from now is an item.
import type { NewPlanItem } from '../../metadata/plans.ts';
import type { ReportSql } from '../../metadata/report.ts';
import {
  type RepositoryHere,
  readTagsThen,
  repositoriesWithin,
  type TagThen,
} from '../../metadata/tags-at.ts';
import type { Digest } from '../../oci/digest.ts';
import { PAGE_ITEMS, PAGE_REPOSITORIES, type PlanPage, type PlanPageWanted } from './plan-page.ts';

/** What a restore is asked for. */
export interface RestoreParameters {
  /** Milliseconds since 1970. */
  readonly time: number;
}

/** Tags read at once. */
const TAGS_PAGE = 500;

export async function restorePlanPage(sql: ReportSql, wanted: PlanPageWanted): Promise<PlanPage> {
  const { path, after, parameters } = wanted;
  const { time } = JSON.parse(parameters) as RestoreParameters;
  const found = await repositoriesWithin(sql, { path, after, limit: PAGE_REPOSITORIES });
  const items: NewPlanItem[] = [];
  let repositories = 0;
  for (const repository of found) {
    const own = await itemsOf(sql, repository, time);
    items.push(...own);
    if (own.length > 0) repositories += 1;
    if (items.length >= PAGE_ITEMS)
      return { items, repositories, bytes: 0, after: repository.name };
  }
  const last = found.length < PAGE_REPOSITORIES ? undefined : found.at(-1)?.name;
  return { items, repositories, bytes: 0, after: last };
}

async function itemsOf(
  sql: ReportSql,
  repository: RepositoryHere,
  time: number,
): Promise<NewPlanItem[]> {
  const moves: NewPlanItem[] = [];
  const revived = new Set<Digest>();
  for (let after = ''; ; ) {
    const page = await readTagsThen(sql, {
      repository: repository.id,
      at: time,
      after,
      limit: TAGS_PAGE,
    });
    for (const row of page) {
      after = row.tag;
      if (row.now === row.past && row.state !== 'forgotten') continue;
      moves.push(itemOf(repository, row));
      if (row.past !== undefined && row.state === 'trash') revived.add(row.past);
    }
    if (page.length < TAGS_PAGE) break;
  }
  const revivals = [...revived].map(
    (digest): NewPlanItem => ({
      ...about(repository),
      tag: null,
      from: digest,
      to: null,
      action: 'revive',
      reason: 'a tag pointed to it then, and it is in the trash',
    }),
  );
  return [...revivals, ...moves];
}

function itemOf(repository: RepositoryHere, { tag, past, now, state }: TagThen): NewPlanItem {
  const item = { ...about(repository), tag, from: now ?? null, to: past ?? null };
  if (state === 'forgotten') {
    const reason = 'what it was then is forgotten: its history does not go back so far';
    return { ...item, action: 'keep', reason };
  }
  if (past === undefined) return { ...item, action: 'move', reason: 'there was no such tag then' };
  if (state !== 'gone') return { ...item, action: 'move', reason: 'it was there then' };
  const reason = `${past}, to which it pointed then, is gone for good`;
  return { ...item, action: 'keep', reason };
}

function about({ id, name }: RepositoryHere) {
  return { repository: id, name, bytes: 0, pulledAt: null };
}
