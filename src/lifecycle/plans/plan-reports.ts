// The long reads by which plans are made, by kind of plan.
import { readPlanItems } from '../../metadata/plans.ts';
import type { Report } from '../../metadata/report.ts';
import { retentionPlanPage } from '../retention/plan-page.ts';
import type { PlanPage, PlanPageWanted } from './plan-page.ts';
import { restorePlanPage } from './restore-page.ts';
import { undoPlanPage } from './undo-page.ts';

export function planReports() {
  return { ...planPages(), planItems: readPlanItems };
}

function planPages() {
  return {
    restorePlanPage,
    undoPlanPage,
    retentionPlanPage,
  } satisfies Record<string, Report<PlanPageWanted, PlanPage>>;
}
