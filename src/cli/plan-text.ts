// Plans as a person reads them, and waiting until one is made or applied.

import { shownBytes } from './amount-text.ts';
import type { ApiClient, JsonObject } from './api-client.ts';
import { objectOf } from './api-client.ts';
import { CommandFailure } from './command.ts';
import { shortDigest } from './image-text.ts';
import type { Session } from './server-command.ts';
import { type Column, cell, column, shownPath, when } from './show.ts';

const LOOK_EVERY_MS = 500;
/** A person is told every five seconds that it goes on. */
const LOOKS_BETWEEN_WORDS = 10;

/** The plan when it is no longer being made or applied. @throws CommandFailure when it could not be made. */
export async function endedPlan({ api, terminal }: Session, plan: JsonObject): Promise<JsonObject> {
  let now = plan;
  for (let looks = 0; now.state === 'making' || now.state === 'applying'; looks += 1) {
    if (looks > 0 && looks % LOOKS_BETWEEN_WORDS === 0) terminal.printError(`${progress(now)}\n`);
    await terminal.sleep(LOOK_EVERY_MS);
    now = objectOf(await api.get(`/plans/${cell(plan.id)}`));
  }
  if (now.state !== 'failed') return now;
  throw new CommandFailure(`Plan ${cell(now.id)} could not be made: ${cell(now.error)}`);
}

interface Words {
  readonly field: string;
  readonly one: string;
  readonly many: string;
}

const CHANGES: readonly Words[] = [
  { field: 'moved', one: 'tag moves', many: 'tags move' },
  { field: 'appearing', one: 'tag appears', many: 'tags appear' },
  { field: 'disappearing', one: 'tag disappears', many: 'tags disappear' },
  {
    field: 'revived',
    one: 'manifest comes out of the trash',
    many: 'manifests come out of the trash',
  },
  { field: 'deleted', one: 'manifest goes to the trash', many: 'manifests go to the trash' },
];
const KEPT: Words = { field: 'kept', one: 'stays', many: 'stay' };

function counts(value: JsonObject[string]): string {
  const of = objectOf(value);
  const shown = [...CHANGES, KEPT].flatMap(({ field, one, many }) => {
    const count = Number(of[field]);
    return count > 0 ? [`${count} ${count === 1 ? one : many}`] : [];
  });
  return shown.join(', ') || 'nothing';
}

/** What a plan would do, or frees, on one line. */
export function planSummary({ planned, bytes }: JsonObject): string {
  const frees = Number(bytes) > 0 ? `, which frees ${shownBytes(Number(bytes))}` : '';
  return `${counts(planned)}${frees}`;
}

/** Whether a plan would change anything. */
export function hasWork({ planned }: JsonObject): boolean {
  const of = objectOf(planned);
  return CHANGES.some(({ field }) => Number(of[field]) > 0);
}

/** What comes after a plan was made: only what has something to do is applied. */
export function toApply(plan: JsonObject): string {
  return hasWork(plan)
    ? `To apply it: entrepot plan apply ${cell(plan.id)}`
    : 'There is nothing to do.';
}

/** What comes after a plan was applied. */
export function toUndo({ id, done }: JsonObject): string {
  return hasWork({ planned: done })
    ? `To undo it: entrepot plan undo ${cell(id)}`
    : 'Nothing was changed.';
}

/** Of one that is not ready yet; it goes on, whether anybody waits or not. */
function progress({ id, state, planned, done }: JsonObject): string {
  const name = `Plan ${cell(id)}`;
  const look = `entrepot plan show ${cell(id)}`;
  if (state === 'making') return `${name} is being made. It goes on without you too: ${look}`;
  return `${name} is being applied. Done: ${counts(done)}; in all: ${counts(planned)}. It goes on without you too: ${look}`;
}

export const PLAN_FIELDS: readonly Column[] = [
  { title: 'Plan', of: ({ id, kind, undoOf }) => planName({ id, kind, undoOf }) },
  { title: 'For', of: ({ path }) => shownPath(path) },
  { title: 'Back to', of: ({ time }) => when(time) },
  { title: 'Replayed since', of: ({ since }) => when(since) },
  column('State', 'state'),
  { title: 'Made', of: ({ createdAt, by }) => `${when(createdAt)} by ${cell(by)}` },
  {
    title: 'Applied',
    of: ({ appliedAt, appliedBy }) =>
      appliedAt === null ? '' : `${when(appliedAt)} by ${cell(appliedBy)}`,
  },
  { title: 'Repositories', of: ({ repositories }) => cell(repositories) },
  { title: 'Would do', of: ({ planned }) => counts(planned) },
  { title: 'Frees', of: ({ bytes }) => (Number(bytes) > 0 ? shownBytes(Number(bytes)) : '') },
  { title: 'Done', of: ({ state, done }) => (state === 'applied' ? counts(done) : '') },
  { title: 'Skipped', of: ({ skipped }) => (Number(skipped) > 0 ? cell(skipped) : '') },
  { title: 'Silent nodes', of: ({ silentNodes }) => cell(silentNodes) },
  { title: 'Error', of: ({ error }) => cell(error) },
];

export const PLAN_COLUMNS: readonly Column[] = [
  column('Plan', 'id'),
  { title: 'Kind', of: ({ kind, undoOf }) => (undoOf === null ? kind : `undo of ${cell(undoOf)}`) },
  { title: 'For', of: ({ path }) => shownPath(path) },
  column('State', 'state'),
  { title: 'Made', of: ({ createdAt }) => when(createdAt) },
  column('By', 'by'),
  { title: 'Would do', of: ({ planned }) => counts(planned) },
  { title: 'Frees', of: ({ bytes }) => (Number(bytes) > 0 ? shownBytes(Number(bytes)) : '') },
];

function planName({ id, kind, undoOf }: JsonObject): string {
  return undoOf === null ? `${cell(id)} (${cell(kind)})` : `${cell(id)} (undo of ${cell(undoOf)})`;
}

function itemName({ repository, tag, from }: JsonObject): string {
  return tag === null
    ? `${cell(repository)}@${shortDigest(from)}`
    : `${cell(repository)}:${cell(tag)}`;
}

function whatBecomes({ action, from, to }: JsonObject): string {
  if (action === 'keep') return 'stays';
  if (action === 'delete') return 'to the trash';
  if (action === 'revive') return 'out of the trash';
  if (to === null) return 'disappears';
  return from === null
    ? `appears at ${shortDigest(to)}`
    : `${shortDigest(from)} → ${shortDigest(to)}`;
}

export const ITEM_COLUMNS: readonly Column[] = [
  { title: 'What', of: itemName },
  { title: 'Becomes', of: whatBecomes },
  { title: 'Frees', of: ({ bytes }) => (Number(bytes) > 0 ? shownBytes(Number(bytes)) : '') },
  { title: 'Why', of: ({ reason, note }) => (note === null ? reason : `skipped: ${cell(note)}`) },
];

/** Shows a plan, and up to `most` of its items. */
export async function showPlan(
  { api, show }: { api: ApiClient; show: Session['show'] },
  { plan, most, query = {} }: { plan: JsonObject; most: number; query?: Record<string, string> },
): Promise<void> {
  show.item(plan, PLAN_FIELDS);
  if (show.isJson || most === 0) return;
  // One more tells whether there are more.
  const items = await api.all(`/plans/${cell(plan.id)}/items`, query, most + 1);
  if (items.length > 0) show.list(items.slice(0, most), { columns: ITEM_COLUMNS, none: '' });
  if (items.length > most) show.done(`There are more: entrepot plan items ${cell(plan.id)}`);
}
