// How plans and their items are shown.
import { z } from '@hono/zod-openapi';
import { PATH, TIME } from './shapes.ts';

export const PLAN_KIND = z.enum(['retention', 'restore', 'undo']);

export const PLAN_STATE = z
  .enum(['making', 'ready', 'applying', 'applied', 'dropped', 'failed'])
  .openapi({
    description:
      '`making`: in the background. `ready`: to be looked at and applied. `failed`: it could not be made.',
  });
export const PLAN_ACTION = z.enum(['move', 'delete', 'revive', 'keep']).openapi({
  description:
    '`move`: the tag goes from one digest to another; null is no such tag. `delete`: the manifest goes to the trash. `revive`: it comes back. `keep`: nothing is done, and the reason says why.',
});
export const PLAN_ITEM_STATE = z.enum(['planned', 'done', 'skipped']);

const COUNTS = z
  .object({
    moved: z.int().openapi({ description: 'Tags that go from one digest to another.' }),
    appearing: z.int().openapi({ description: 'Tags that are not there now.' }),
    disappearing: z.int().openapi({ description: 'Tags that go to the trash.' }),
    deleted: z.int().openapi({ description: 'Manifests that go to the trash.' }),
    revived: z.int().openapi({ description: 'Manifests that come out of the trash.' }),
    kept: z.int().openapi({ description: 'Of which the plan says why nothing is done.' }),
  })
  .openapi('PlanCounts');

export const PLAN = z
  .object({
    id: z.int(),
    kind: PLAN_KIND,
    path: PATH,
    state: PLAN_STATE,
    time: TIME.nullable().openapi({ description: 'The instant that a restore goes back to.' }),
    since: TIME.nullable().openapi({
      description: 'A preview of what would have happened from then until now.',
    }),
    undoOf: z.int().nullable().openapi({ description: 'The plan that it takes back.' }),
    by: z.string().nullable(),
    createdAt: TIME,
    appliedBy: z.string().nullable(),
    appliedAt: TIME.nullable(),
    endedAt: TIME.nullable(),
    repositories: z.int().openapi({ description: 'That have items.' }),
    items: z.int(),
    planned: COUNTS,
    bytes: z.int().openapi({
      description:
        'What it frees as a whole, once its trash is collected: what nothing else holds.',
    }),
    done: COUNTS,
    skipped: z.int().openapi({ description: 'Items that did not fit any more: see their notes.' }),
    silentNodes: z.array(z.string()).readonly().openapi({
      description: 'Nodes that did not write down their counts of pulls before the run.',
    }),
    error: z.string().nullable(),
  })
  .openapi('Plan');

export const ITEM = z
  .object({
    number: z.int(),
    repository: z.string().openapi({ description: 'Its name when the plan was made.' }),
    tag: z.string().nullable(),
    from: z.string().nullable(),
    to: z.string().nullable(),
    action: PLAN_ACTION,
    reason: z.string().openapi({ description: 'The rule that decided.' }),
    bytes: z.int().openapi({ description: 'What it alone would free.' }),
    pulledAt: TIME.nullable(),
    state: PLAN_ITEM_STATE,
    note: z.string().nullable().openapi({ description: 'Why it was skipped.' }),
  })
  .openapi('PlanItem');
