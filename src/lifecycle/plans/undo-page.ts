// The items of a plan that takes back another one: what that has done, the last first, each the other way
// round. What changed since is found out when it is applied.
import { type NewPlanItem, type PlanItem, readDoneItems } from '../../metadata/plans.ts';
import type { ReportSql } from '../../metadata/report.ts';
import { PAGE_ITEMS, type PlanPage, type PlanPageWanted } from './plan-page.ts';

export async function undoPlanPage(
  sql: ReportSql,
  { undoOf, after }: PlanPageWanted,
): Promise<PlanPage> {
  const before = after === '' ? Number.MAX_SAFE_INTEGER : Number(after);
  const rows = await readDoneItems(sql, { plan: undoOf ?? 0, before, limit: PAGE_ITEMS });
  const last = rows.length < PAGE_ITEMS ? undefined : rows.at(-1)?.number;
  return {
    items: rows.map((row) => inverse(row, undoOf ?? 0)),
    repositories: new Set(rows.map(({ repository }) => repository)).size,
    bytes: 0,
    after: last === undefined ? undefined : String(last),
  };
}

function inverse(item: PlanItem, plan: number): NewPlanItem {
  const { repository, name, tag, from, to, action } = item;
  const reason = `takes back item ${item.number} of plan ${plan}`;
  const about = { repository, name, tag, reason, bytes: 0, pulledAt: null };
  if (action === 'delete') return { ...about, from, to: null, action: 'revive' };
  if (action === 'revive') return { ...about, from, to: null, action: 'delete' };
  return { ...about, from: to, to: from, action };
}
