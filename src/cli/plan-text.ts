// Plans as a person reads them, and waiting until one is made or applied.

import { shownBytes } from './amount-text.ts';
import type { ApiClient, JsonObject } from './api-client.ts';
import { objectOf } from './api-client.ts';
import { CommandFailure } from './command.ts';
import { shortDigest } from './image-text.ts';
import type { Session } from './server-command.ts';
import { type Column, cell, column, shownPath, when } from './show.ts';

const LOOK_EVERY_MS = 500;

/** The plan when it is no longer being made or applied. @throws CommandFailure when it could not be made. */
export async function endedPlan({ api, terminal }: Session, plan: JsonObject): Promise<JsonObject> {
  let now = plan;
  while (now.state === 'making' || now.state === 'applying') {
    await terminal.sleep(LOOK_EVERY_MS);
    now = objectOf(await api.get(`/plans/${cell(plan.id)}`));
  }
  if (now.state !== 'failed') return now;
  throw new CommandFailure(`Plan ${cell(now.id)} could not be made: ${cell(now.error)}`);
}

const WORDS: readonly (readonly [string, string])[] = [
  ['moved', 'tags move'],
  ['appearing', 'tags appear'],
  ['disappearing', 'tags disappear'],
  ['revived', 'manifests come out of the trash'],
  ['deleted', 'manifests go to the trash'],
  ['kept', 'stay'],
];

function counts(value: JsonObject[string]): string {
  const of = objectOf(value);
  const shown = WORDS.filter(([field]) => Number(of[field]) > 0);
  return shown.map(([field, words]) => `${cell(of[field])} ${words}`).join(', ') || 'nothing';
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
  const items = await api.all(`/plans/${cell(plan.id)}/items`, query, most);
  if (items.length > 0) show.list(items, { columns: ITEM_COLUMNS, none: '' });
}
