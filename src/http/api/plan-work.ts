// Work on a plan while its client waits: what is small is ready in the same call, the rest is left to the
// background.
import { advancePlan } from '../../lifecycle/plans/run-plan.ts';
import { readPlan, type StoredPlan } from '../../metadata/plans.ts';
import { RegistryError } from '../../oci/errors.ts';
import type { ApiCall } from './api-call.ts';

/** Milliseconds that a client waits for. */
const PATIENCE_MS = 1_000;

/** @returns the plan as it stands then. */
export async function goOnWithPlan({ parts }: ApiCall, id: number): Promise<StoredPlan> {
  const end = parts.now() + PATIENCE_MS;
  const rest = await advancePlan(parts, id, { isOver: () => parts.now() >= end });
  if (rest !== 'none') await parts.commands.run('leavePlanToJob', { id, inMs: 0 });
  const plan = await readPlan(parts.sql, id);
  if (plan === undefined) throw new RegistryError('NOT_FOUND', `There is no plan ${id}.`);
  return plan;
}
