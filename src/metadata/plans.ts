// Plans: what would be done, item by item, before it is done and after. A plan is a document: its items name
// digests and repositories as they were, and hold nothing.
import { sql as raw } from 'kysely';
import type { Digest } from '../oci/digest.ts';
import type { Actor } from './audit.ts';
import { locked, wantedIds } from './fragments.ts';
import { pathRange } from './path-range.ts';
import type { RepositoryId } from './repositories.ts';
import type { Sql, Transaction } from './sql.ts';
import { statement } from './statement.ts';
import type { PlanAction, PlanItemState, PlanKind, PlanState } from './version-schema.ts';

export interface StoredPlan {
  readonly id: number;
  readonly kind: PlanKind;
  readonly path: string;
  readonly state: PlanState;
  /** JSON. */
  readonly parameters: string;
  /** JSON. */
  readonly summary: string;
  /** The plan that it takes back. */
  readonly undoOf: number | null;
  readonly actor: string;
  readonly principal: string;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly appliedAt: number | null;
  readonly endedAt: number | null;
  readonly lastError: string | null;
}

const PLAN = [
  'p.id',
  'p.kind',
  'p.path',
  'p.state',
  'p.parameters',
  'p.summary',
  'p.undo_of as undoOf',
  'p.actor',
  'p.principal',
  'p.created_at as createdAt',
  'p.applied_at as appliedAt',
  'p.ended_at as endedAt',
  'p.last_error as lastError',
] as const;

interface NewPlanParameters {
  kind: string;
  path: string;
  parameters: string;
  summary: string;
  undoOf: number | null;
  actor: string;
  principal: string;
  now: number;
}

const insertPlan = statement<NewPlanParameters>()((q, p) =>
  q
    .insertInto('plans')
    .values({
      kind: p.kind as PlanKind,
      path: p.path,
      state: 'making',
      parameters: p.parameters,
      summary: p.summary,
      undo_of: p.undoOf,
      actor: p.actor,
      principal: p.principal,
      created_at: p.now,
      applied_at: null,
      ended_at: null,
      last_error: null,
    })
    .returning('id'),
);

const byId = statement<{ id: number }>()((q, p) =>
  q.selectFrom('plans as p').select(PLAN).where('p.id', '=', p.id),
);

const byIdLocked = statement<{ id: number }>()((q, p, engine) =>
  locked(engine, q.selectFrom('plans as p').select(PLAN).where('p.id', '=', p.id)),
);

const undoing = statement<{ id: number }>()((q, p) =>
  q
    .selectFrom('plans as p')
    .select(PLAN)
    .where('p.undo_of', '=', p.id)
    .orderBy('p.id', 'desc')
    .limit(1),
);

const within = statement<{
  path: string;
  below: string;
  before: string;
  beforeId: number;
  kind: string;
  limit: number;
}>()((q, p) =>
  q
    .selectFrom('plans as p')
    .select(PLAN)
    .where('p.id', '<', p.beforeId)
    .where(raw<boolean>`(${p.kind} = '' or p.kind = ${p.kind})`)
    .where('p.path', '>=', p.path)
    .where('p.path', '<', p.before)
    .where((e) => e.or([e('p.path', '=', p.path), e('p.path', '>=', p.below)]))
    .orderBy('p.id', 'desc')
    .limit(p.limit),
);

interface PlanUpdate {
  id: number;
  state: string;
  summary: string;
  appliedAt: number | null;
  endedAt: number | null;
  error: string | null;
}

const update = statement<PlanUpdate>()((q, p) =>
  q
    .updateTable('plans')
    .set({
      state: p.state as PlanState,
      summary: p.summary,
      applied_at: p.appliedAt,
      ended_at: p.endedAt,
      last_error: p.error,
    })
    .where('id', '=', p.id),
);

export interface NewPlan {
  readonly kind: PlanKind;
  readonly path: string;
  /** JSON. */
  readonly parameters: string;
  readonly summary: string;
  readonly undoOf: number | null;
  readonly actor: Actor;
}

/** A plan without items, in the state `making`. @returns its id. */
export async function insertNewPlan(tx: Transaction, plan: NewPlan): Promise<number> {
  const { actor, ...rest } = plan;
  const who = { actor: actor.name, principal: actor.principal };
  const row = await tx.first(insertPlan, { ...rest, ...who, now: await tx.now() });
  if (row === undefined) throw new Error('an insert of a plan gave no row');
  return row.id;
}

export function readPlan(sql: Sql, id: number): Promise<StoredPlan | undefined> {
  return sql.first(byId, { id });
}

export function lockPlan(tx: Transaction, id: number): Promise<StoredPlan | undefined> {
  return tx.first(byIdLocked, { id });
}

/** The last plan that takes back another one. */
export function readUndoOf(sql: Sql, id: number): Promise<StoredPlan | undefined> {
  return sql.first(undoing, { id });
}

/** Plans for a path and what lies below it, the newest first. */
export function plansWithin(
  sql: Sql,
  page: { path: string; before: number | undefined; kind?: PlanKind | undefined; limit: number },
): Promise<StoredPlan[]> {
  const { path, before = Number.MAX_SAFE_INTEGER, kind = '', limit } = page;
  return sql.all(within, { ...pathRange(path), beforeId: before, kind, limit });
}

/** Writes down where a locked plan has come to; what is not named stays. */
export async function updatePlan(
  tx: Transaction,
  plan: StoredPlan,
  change: Partial<Pick<StoredPlan, 'state' | 'summary' | 'appliedAt' | 'endedAt' | 'lastError'>>,
): Promise<void> {
  const { id, state, summary, appliedAt, endedAt, lastError } = { ...plan, ...change };
  await tx.run(update, { id, state, summary, appliedAt, endedAt, error: lastError });
}

export interface PlanItem {
  readonly number: number;
  readonly repository: RepositoryId;
  /** Name of the repository when the plan was made. */
  readonly name: string;
  readonly tag: string | null;
  readonly from: Digest | null;
  readonly to: Digest | null;
  readonly action: PlanAction;
  readonly reason: string;
  /** What this item alone would free. */
  readonly bytes: number;
  /** Milliseconds since 1970. */
  readonly pulledAt: number | null;
  readonly state: PlanItemState;
  readonly note: string | null;
}

export type NewPlanItem = Omit<PlanItem, 'number' | 'state' | 'note'>;

const insertItems = statement<{ plan: number; first: number; items: string }>()((q, p, engine) => {
  const sqlite = engine === 'sqlite';
  const text = (at: number) =>
    sqlite
      ? raw<string | null>`value ->> ${raw.lit(at)}`
      : raw<string | null>`value ->> ${raw.lit(at)}`;
  const whole = (at: number) =>
    sqlite
      ? raw<number>`value ->> ${raw.lit(at)}`
      : raw<number>`(value ->> ${raw.lit(at)})::bigint`;
  const rows = sqlite
    ? raw<{ key: number }>`(select key as place, value from json_each(${p.items}))`
    : raw<{ key: number }>`(select place - 1 as place, value
        from json_array_elements(${p.items}::text::json) with ordinality as list (value, place))`;
  return q
    .insertInto('plan_items')
    .columns([
      'plan_id',
      'number',
      'repository_id',
      'repository',
      'tag',
      'from_digest',
      'to_digest',
      'action',
      'reason',
      'bytes',
      'pulled_at',
      'state',
      'note',
    ])
    .expression(
      q
        .selectFrom(rows.as<'list'>(raw.ref('list')))
        .select([
          raw<number>`cast(${p.plan} as bigint)`.as('plan_id'),
          raw<number>`cast(${p.first} as bigint) + place`.as('number'),
          whole(0).as('repository_id'),
          text(1).as('repository'),
          text(2).as('tag'),
          text(3).as('from_digest'),
          text(4).as('to_digest'),
          text(5).as('action'),
          text(6).as('reason'),
          whole(7).as('bytes'),
          whole(8).as('pulled_at'),
          raw<PlanItemState>`case when value ->> 5 = 'keep' then 'done' else 'planned' end`.as(
            'state',
          ),
          raw<null>`null`.as('note'),
        ]),
    );
});

/** Adds items under the numbers from `first` on. What is kept has nothing left to be done. */
export async function addPlanItems(
  tx: Transaction,
  { plan, first, items }: { plan: number; first: number; items: readonly NewPlanItem[] },
): Promise<void> {
  if (items.length === 0) return;
  const rows = items.map((item) => [
    item.repository,
    item.name,
    item.tag,
    item.from,
    item.to,
    item.action,
    item.reason,
    item.bytes,
    item.pulledAt,
  ]);
  await tx.run(insertItems, { plan, first, items: JSON.stringify(rows) });
}

const deleteAfter = statement<{ plan: number; number: number }>()((q, p) =>
  q.deleteFrom('plan_items').where('plan_id', '=', p.plan).where('number', '>', p.number),
);

/** Takes away what was added after that number, by somebody who did not come to an end. */
export async function trimPlanItems(
  tx: Transaction,
  last: { plan: number; number: number },
): Promise<void> {
  await tx.run(deleteAfter, last);
}

const ITEM = [
  'i.number',
  'i.repository_id as repository',
  'i.repository as name',
  'i.tag',
  'i.from_digest as from',
  'i.to_digest as to',
  'i.action',
  'i.reason',
  'i.bytes',
  'i.pulled_at as pulledAt',
  'i.state',
  'i.note',
] as const;

const itemPage = statement<{
  plan: number;
  after: number;
  action: string;
  state: string;
  repository: string;
  limit: number;
}>()((q, p) =>
  q
    .selectFrom('plan_items as i')
    .select(ITEM)
    .where('i.plan_id', '=', p.plan)
    .where('i.number', '>', p.after)
    .where(raw<boolean>`(${p.action} = '' or i.action = ${p.action})`)
    .where(raw<boolean>`(${p.state} = '' or i.state = ${p.state})`)
    .where(raw<boolean>`(${p.repository} = '' or i.repository = ${p.repository})`)
    .orderBy('i.number')
    .limit(p.limit),
);

export interface PlanItemPage {
  readonly plan: number;
  readonly after: number;
  readonly limit: number;
  /** Only those; undefined: all. */
  readonly action?: PlanAction | undefined;
  readonly state?: PlanItemState | undefined;
  readonly repository?: string | undefined;
}

interface ItemRow extends Omit<PlanItem, 'from' | 'to'> {
  readonly from: string | null;
  readonly to: string | null;
}

function itemOf(row: ItemRow): PlanItem {
  return { ...row, from: row.from as Digest | null, to: row.to as Digest | null };
}

export async function readPlanItems(sql: Sql, page: PlanItemPage): Promise<PlanItem[]> {
  const { action = '', state = '', repository = '', ...rest } = page;
  return (await sql.all(itemPage, { ...rest, action, state, repository })).map(itemOf);
}

const doneBackwards = statement<{ plan: number; before: number; limit: number }>()((q, p) =>
  q
    .selectFrom('plan_items as i')
    .select(ITEM)
    .where('i.plan_id', '=', p.plan)
    .where('i.number', '<', p.before)
    .where('i.state', '=', 'done')
    .where('i.action', '<>', 'keep')
    .orderBy('i.number', 'desc')
    .limit(p.limit),
);

/** What a plan has done, the last first: up to `limit` items before a number. */
export async function readDoneItems(
  sql: Sql,
  page: { plan: number; before: number; limit: number },
): Promise<PlanItem[]> {
  return (await sql.all(doneBackwards, page)).map(itemOf);
}

const nextPlanned = statement<{ plan: number }>()((q, p) =>
  q
    .selectFrom('plan_items')
    .select('repository_id as repository')
    .where('plan_id', '=', p.plan)
    // Written out, so that the partial index is seen to fit.
    .where(raw<boolean>`state = 'planned'`)
    .orderBy('repository_id')
    .limit(1),
);

/** A repository in which something is left to be done; undefined: nowhere. */
export async function nextPlannedRepository(
  sql: Sql,
  plan: number,
): Promise<RepositoryId | undefined> {
  return (await sql.first(nextPlanned, { plan }))?.repository;
}

const plannedIn = statement<{ plan: number; repository: number; limit: number }>()((q, p) =>
  q
    .selectFrom('plan_items as i')
    .select(ITEM)
    .where('i.plan_id', '=', p.plan)
    .where('i.repository_id', '=', p.repository)
    .where(raw<boolean>`i.state = 'planned'`)
    .orderBy('i.number')
    .limit(p.limit),
);

/** Up to `limit` items of one repository that are left to be done, in their order. */
export async function plannedItems(
  sql: Sql,
  page: { plan: number; repository: RepositoryId; limit: number },
): Promise<PlanItem[]> {
  return (await sql.all(plannedIn, page)).map(itemOf);
}

const setDone = statement<{ plan: number; numbers: string }>()((q, p, engine) =>
  q
    .updateTable('plan_items')
    .set({ state: 'done' })
    .where('plan_id', '=', p.plan)
    .where('number', 'in', (e) => e.selectFrom(wantedIds(engine, p.numbers)).select('wanted.id')),
);

const setSkipped = statement<{ plan: number; numbers: string; note: string }>()((q, p, engine) =>
  q
    .updateTable('plan_items')
    .set({ state: 'skipped', note: p.note })
    .where('plan_id', '=', p.plan)
    .where('number', 'in', (e) => e.selectFrom(wantedIds(engine, p.numbers)).select('wanted.id')),
);

export async function markItemsDone(
  tx: Transaction,
  { plan, numbers }: { plan: number; numbers: readonly number[] },
): Promise<void> {
  if (numbers.length > 0) await tx.run(setDone, { plan, numbers: JSON.stringify(numbers) });
}

/** `notes`: why, by the number of the item. */
export async function markItemsSkipped(
  tx: Transaction,
  { plan, notes }: { plan: number; notes: ReadonlyMap<number, string> },
): Promise<void> {
  const byNote = new Map<string, number[]>();
  for (const [number, note] of notes) byNote.set(note, [...(byNote.get(note) ?? []), number]);
  for (const [note, numbers] of byNote) {
    await tx.run(setSkipped, { plan, note, numbers: JSON.stringify(numbers) });
  }
}

const insertRun = statement<{ startedAt: number; now: number; detail: string }>()((q, p) =>
  q.insertInto('collection_runs').values({
    kind: 'retention',
    started_at: p.startedAt,
    ended_at: p.now,
    detail: p.detail,
  }),
);

/** Writes down that a retention run has ended, among the other runs that free storage. */
export async function recordRetentionRun(
  tx: Transaction,
  { startedAt, detail }: { startedAt: number; detail: object },
): Promise<void> {
  await tx.run(insertRun, { startedAt, now: await tx.now(), detail: JSON.stringify(detail) });
}

const lastOfKind = statement<{ path: string; kind: string; limit: number }>()((q, p) =>
  q
    .selectFrom('plans as p')
    .select(PLAN)
    .where('p.path', '=', p.path)
    .where('p.kind', '=', p.kind as PlanKind)
    .orderBy('p.id', 'desc')
    .limit(p.limit),
);

/** The last plans for a path itself, the newest first. */
export function lastPlansOf(
  sql: Sql,
  wanted: { path: string; kind: PlanKind; limit: number },
): Promise<StoredPlan[]> {
  return sql.all(lastOfKind, wanted);
}

const oldWithItems = statement<{ unused: number; applied: number }>()((q, p) =>
  q
    .selectFrom('plans as p')
    .select('p.id')
    .where((e) =>
      e.or([
        e.and([
          e('p.state', 'in', ['ready', 'dropped', 'failed']),
          e('p.created_at', '<', p.unused),
        ]),
        e.and([e('p.state', '=', 'applied'), e('p.ended_at', '<', p.applied)]),
      ]),
    )
    .where((e) =>
      e.exists(
        e.selectFrom('plan_items as i').select('i.number').whereRef('i.plan_id', '=', 'p.id'),
      ),
    )
    .orderBy('p.id')
    .limit(1),
);

/** A plan that still has items and is from before these times (ms): never applied, or ended. */
export async function findOldPlan(
  sql: Sql,
  before: { unused: number; applied: number },
): Promise<number | undefined> {
  return (await sql.first(oldWithItems, before))?.id;
}

const deleteSome = statement<{ plan: number; limit: number }>()((q, p) =>
  q
    .deleteFrom('plan_items')
    .where('plan_id', '=', p.plan)
    .where('number', 'in', (e) =>
      e
        .selectFrom('plan_items as first')
        .select('first.number')
        .where('first.plan_id', '=', p.plan)
        .orderBy('first.number')
        .limit(p.limit),
    ),
);

export async function deletePlanItems(
  tx: Transaction,
  some: { plan: number; limit: number },
): Promise<void> {
  await tx.run(deleteSome, some);
}
