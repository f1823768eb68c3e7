// Plans: what would be done to many tags at once, to be looked at, applied and taken back.
import { z } from '@hono/zod-openapi';
import type { Action } from '../../access/action.ts';
import { summaryOf } from '../../lifecycle/plans/plan-summary.ts';
import { type PlanItem, plansWithin, readPlan, type StoredPlan } from '../../metadata/plans.ts';
import type { PlanKind } from '../../metadata/version-schema.ts';
import { RegistryError } from '../../oci/errors.ts';
import type { ApiCall } from './api-call.ts';
import { endpoint } from './endpoint.ts';
import { needBelow } from './need-below.ts';
import { PAGE_QUERY, pageOf, pageSchema } from './page.ts';
import { ITEM, PLAN, PLAN_ACTION, PLAN_ITEM_STATE, PLAN_KIND } from './plan-shapes.ts';
import { goOnWithPlan } from './plan-work.ts';
import { ID, PATH, timeOf, timeOrNull, WANTED_TIME } from './shapes.ts';
import { pastTime } from './tags-at.ts';

const TAG = 'Plans';
const PARAMS = z.object({ id: ID });

/** What a plan of that kind wants of whoever makes or applies it, at its path and below. */
const NEEDED: Readonly<Record<PlanKind, readonly Action[]>> = {
  restore: ['push', 'delete'],
  undo: ['push', 'delete'],
  retention: ['manage'],
};

/** @throws RegistryError */
export async function needForPlan(
  call: ApiCall,
  { kind, path }: { kind: PlanKind; path: string },
): Promise<void> {
  for (const action of NEEDED[kind]) await needBelow(call, { action, path });
}

export function showPlan(call: ApiCall, plan: StoredPlan): z.input<typeof PLAN> {
  const { id, kind, path, state, undoOf, actor, lastError } = plan;
  const { items, repositories, planned, bytes, done, skipped, applying } = summaryOf(plan);
  const { time, since } = JSON.parse(plan.parameters) as { time?: number; since?: number };
  return {
    id,
    kind,
    path,
    state,
    time: timeOrNull(time ?? null),
    since: timeOrNull(since ?? null),
    undoOf,
    by: call.isNobody ? null : actor,
    createdAt: timeOf(plan.createdAt),
    appliedBy: applying?.actor.name ?? null,
    appliedAt: timeOrNull(plan.appliedAt),
    endedAt: timeOrNull(plan.endedAt),
    repositories,
    items,
    planned,
    bytes,
    done,
    skipped,
    silentNodes: applying?.silentNodes ?? [],
    error: lastError,
  };
}

function showItem(item: PlanItem): z.input<typeof ITEM> {
  const { name, from, to, pulledAt, repository: _, ...rest } = item;
  return { ...rest, repository: name, from, to, pulledAt: timeOrNull(pulledAt) };
}

/** @throws RegistryError NOT_FOUND, also to whoever may not see what it is about. */
async function planOf(call: ApiCall, id: number): Promise<StoredPlan> {
  const plan = await readPlan(call.parts.sql, id);
  const isSeen =
    plan !== undefined && (await call.may({ action: 'pull', path: plan.path, everyTag: true }));
  if (!isSeen) throw new RegistryError('NOT_FOUND', `There is no plan ${id}.`);
  await needBelow(call, { action: 'pull', path: plan.path });
  return plan;
}

const MAY_SEE = 'Who may pull all that lies at its path.';

const make = endpoint({
  method: 'post',
  path: '/plans',
  tag: TAG,
  summary: 'Make a plan that brings tags back to what they were at an instant',
  may: 'Who may push and delete all tags at the path. A small plan is ready at once; a larger one is made in the background.',
  body: z.strictObject({ kind: z.literal('restore'), path: PATH, time: WANTED_TIME }),
  status: 201,
  result: PLAN,
  async handle(call, { body: { kind, path, time } }) {
    await needForPlan(call, { kind, path });
    const parameters = JSON.stringify({ time: pastTime(call, time) });
    const wanted = { kind, path, parameters, actor: call.actor };
    const id = await call.parts.commands.run('createPlan', wanted);
    return showPlan(call, await goOnWithPlan(call, id));
  },
});

const list = endpoint({
  method: 'get',
  path: '/plans',
  tag: TAG,
  summary: 'Plans for a path and what lies below it, the newest first',
  may: 'Who may pull all that lies there.',
  query: z.strictObject({
    ...PAGE_QUERY,
    path: PATH.default(''),
    kind: PLAN_KIND.optional(),
  }),
  result: pageSchema('Plans', PLAN),
  async handle(call, { query }) {
    const { path, kind } = query;
    await needBelow(call, { action: 'pull', path });
    return pageOf(query, {
      key: z.int(),
      read: ({ after, limit }) => plansWithin(call.parts.sql, { path, kind, before: after, limit }),
      keyOf: ({ id }) => id,
      show: (plan) => showPlan(call, plan),
    });
  },
});

const show = endpoint({
  method: 'get',
  path: '/plans/{id}',
  tag: TAG,
  summary: 'A plan',
  may: MAY_SEE,
  params: PARAMS,
  result: PLAN,
  async handle(call, { params }) {
    return showPlan(call, await planOf(call, params.id));
  },
});

const items = endpoint({
  method: 'get',
  path: '/plans/{id}/items',
  tag: TAG,
  summary: 'What a plan would do, or has done, item by item',
  may: MAY_SEE,
  params: PARAMS,
  query: z.strictObject({
    ...PAGE_QUERY,
    action: PLAN_ACTION.optional(),
    state: PLAN_ITEM_STATE.optional(),
    repository: z.string().max(255).optional(),
  }),
  result: pageSchema('PlanItems', ITEM),
  async handle(call, { params, query }) {
    const { id } = await planOf(call, params.id);
    const { action, state, repository } = query;
    return pageOf(query, {
      key: z.int(),
      read: ({ after = 0, limit }) =>
        call.parts.reports.run('planItems', { plan: id, after, limit, action, state, repository }),
      keyOf: ({ number }) => number,
      show: showItem,
    });
  },
});

const apply = endpoint({
  method: 'post',
  path: '/plans/{id}/apply',
  tag: TAG,
  summary: 'Do what a plan says; what has changed since it was made is skipped and said',
  may: 'Who may make such a plan. To override rules that make tags immutable: who manages all that lies at its path.',
  params: PARAMS,
  body: z.strictObject({
    override: z
      .boolean()
      .default(false)
      .openapi({ description: 'Although a rule makes tags immutable. Never for retention.' }),
  }),
  result: PLAN,
  async handle(call, { params, body: { override: isOverriding } }) {
    const { id, kind, path } = await planOf(call, params.id);
    await needForPlan(call, { kind, path });
    if (isOverriding) await needBelow(call, { action: 'manage', path });
    await call.parts.commands.run('startApplyingPlan', { id, isOverriding, actor: call.actor });
    return showPlan(call, await goOnWithPlan(call, id));
  },
});

const drop = endpoint({
  method: 'post',
  path: '/plans/{id}/drop',
  tag: TAG,
  summary: 'Lay a plan aside, so that nobody applies it',
  may: 'Who may make such a plan.',
  params: PARAMS,
  result: PLAN,
  async handle(call, { params }) {
    const { id, kind, path } = await planOf(call, params.id);
    await needForPlan(call, { kind, path });
    await call.parts.commands.run('dropPlan', { id, actor: call.actor });
    return showPlan(call, await planOf(call, id));
  },
});

const undo = endpoint({
  method: 'post',
  path: '/plans/{id}/undo',
  tag: TAG,
  summary: 'Take back what a plan has done, by a plan that is the way back',
  may: 'Who may push and delete all tags at its path.',
  params: PARAMS,
  body: z.strictObject({
    review: z
      .boolean()
      .default(false)
      .openapi({ description: 'The plan is made and not applied.' }),
    override: z.boolean().default(false),
  }),
  status: 201,
  result: PLAN,
  async handle(call, { params, body }) {
    const { id: undoOf, path } = await planOf(call, params.id);
    const { review, override: isOverriding } = body;
    await needForPlan(call, { kind: 'undo', path });
    if (isOverriding) await needBelow(call, { action: 'manage', path });
    const { commands } = call.parts;
    const applies = review ? undefined : { actor: call.actor, isOverriding };
    const parameters = JSON.stringify({ ...(applies && { applies }) });
    const wanted = { kind: 'undo' as const, path, parameters, undoOf, actor: call.actor };
    const id = await commands.run('createPlan', wanted);
    return showPlan(call, await goOnWithPlan(call, id));
  },
});

export const planEndpoints = [make, list, show, items, apply, drop, undo];
