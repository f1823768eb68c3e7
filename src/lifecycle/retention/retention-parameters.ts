// What a retention plan is asked for, besides its path. `since`: what would have happened from then on.
import type { PlanParameters } from '../plans/plan.command.ts';
import type { RetentionPolicy } from './policy.ts';

export interface RetentionParameters extends PlanParameters {
  /** Tried as if it were set on the path of the plan. */
  readonly policy?: RetentionPolicy | undefined;
  /** Only repositories for which the policy set there is the nearest one: a run by its schedule. */
  readonly governedBy?: string | undefined;
}
