// Long reads of what tags were: in one repository, and below a path.
import type { Report, ReportSql } from '../../metadata/report.ts';
import { findRepository, type RepositoryId } from '../../metadata/repositories.ts';
import { readTagsThen, repositoriesWithin, type TagThen } from '../../metadata/tags-at.ts';
import type { RepositoryName } from '../../oci/repository-name.ts';
import { oldTagEvents } from './old-events.ts';

export interface TagsThenPage {
  /** Tags that were there, or of which that is forgotten; fewer than the limit where others have come since. */
  readonly items: readonly TagThen[];
  /** The tag after which to go on; undefined: there are no more. */
  readonly next: string | undefined;
}

async function tagsThen(
  sql: ReportSql,
  page: { repository: RepositoryId; at: number; after: string; limit: number },
): Promise<TagsThenPage> {
  const rows = await readTagsThen(sql, page);
  return {
    items: rows.filter(({ past, state }) => past !== undefined || state === 'forgotten'),
    next: rows.length < page.limit ? undefined : rows.at(-1)?.tag,
  };
}

interface Place {
  readonly repository: string;
  readonly tag: string;
}

export interface TagsThenBelow {
  readonly items: readonly (TagThen & { readonly repository: string })[];
  readonly next: Place | undefined;
}

/** Repositories looked at for one page: many may have had no tag then. */
const MOST_REPOSITORIES = 1_000;

async function tagsThenBelow(
  sql: ReportSql,
  page: { path: string; at: number; after: Place; limit: number },
): Promise<TagsThenBelow> {
  const { path, at, after, limit } = page;
  const items: (TagThen & { repository: string })[] = [];
  const begun = after.tag === '' ? undefined : await findBegun(sql, after);
  const others = { path, after: after.repository, limit: MOST_REPOSITORIES };
  const later = await repositoriesWithin(sql, others);
  let tag = after.tag;
  for (const { id, name } of begun === undefined ? later : [begun, ...later]) {
    for (;;) {
      const part = { repository: id, at, after: tag, limit: limit - items.length };
      const { items: found, next } = await tagsThen(sql, part);
      items.push(...found.map((row) => ({ ...row, repository: name })));
      if (next === undefined) break;
      tag = next;
      if (items.length === limit) return { items, next: { repository: name, tag } };
    }
    tag = '';
    if (items.length === limit) return { items, next: { repository: name, tag } };
  }
  const last = later.length < MOST_REPOSITORIES ? undefined : later.at(-1)?.name;
  return { items, next: last === undefined ? undefined : { repository: last, tag: '' } };
}

async function findBegun(sql: ReportSql, { repository }: Place) {
  const id = await findRepository(sql, repository as RepositoryName);
  return id === undefined ? undefined : { id, name: repository };
}

/** Whether a path is a repository and nothing lies below it. */
async function isRepositoryAlone(sql: ReportSql, { path }: { path: string }): Promise<boolean> {
  const found = await repositoriesWithin(sql, { path, after: '', limit: 2 });
  return found.length === 1 && found[0]?.name === path;
}

export function historyReports() {
  return { tagsThen, tagsThenBelow, isRepositoryAlone, oldTagEvents } satisfies Record<
    string,
    Report<never, unknown>
  >;
}
