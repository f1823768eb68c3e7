// What one transaction of a plan is given to do, and what it says of items that it leaves.
import type { Actor } from '../../metadata/audit.ts';
import type { PlanItem } from '../../metadata/plans.ts';
import type { RepositoryId } from '../../metadata/repositories.ts';
import type { TagCause } from '../../metadata/tags.ts';
import type { UsageTally } from '../../metadata/usage.ts';
import { RegistryError } from '../../oci/errors.ts';
import type { RepositoryName } from '../../oci/repository-name.ts';

/** What is done: the repository is the caller's alone until the transaction ends. */
export interface ItemsToDo {
  readonly plan: number;
  readonly repository: RepositoryId;
  /** Its name now. */
  readonly name: RepositoryName;
  readonly items: readonly PlanItem[];
  readonly actor: Actor;
  readonly cause: TagCause;
  readonly isOverriding: boolean;
}

/** Why items were skipped, by their numbers. */
export type SkipNotes = Map<number, string>;

export interface Step {
  readonly work: ItemsToDo;
  readonly notes: SkipNotes;
  readonly tally: UsageTally;
}

/** @throws what is no refusal. */
export function refusalText(error: unknown): string {
  if (error instanceof RegistryError && error.code === 'DENIED') return error.message;
  throw error;
}
