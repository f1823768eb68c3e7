// `entrepot plan …`: what would be done to many tags, looked at, applied, undone.
import { objectOf } from '../api-client.ts';
import { type Command, type Given, UsageError } from '../command.ts';
import { neededInstant } from '../past-text.ts';
import { pathOf } from '../path-text.ts';
import { endedPlan, ITEM_COLUMNS, PLAN_COLUMNS, showPlan, toApply, toUndo } from '../plan-text.ts';
import { serverCommand } from '../server-command.ts';

const PLAN = { name: 'PLAN', about: 'Its number.' } as const;
const PATH = {
  name: 'PATH',
  about: 'A namespace or repository; / is the whole registry.',
} as const;
/** Items shown without being asked for. */
const SHOWN_ITEMS = 20;

function planOf(given: Given): string {
  const text = given.argument('PLAN');
  if (/^[1-9]\d{0,14}$/.test(text)) return text;
  throw new UsageError(`A plan has a number, such as 12, not "${text}".`);
}

const restore = serverCommand({
  name: 'plan restore',
  about: 'Makes a plan that brings the tags at a path back to what they were at an instant.',
  arguments: [PATH, { name: 'TIME', about: "Such as '2026-11-01 12:00' (UTC)." }],
  examples: ["entrepot plan restore team '2026-11-01 12:00'"],
  async run(given, session) {
    const path = pathOf(given.argument('PATH'));
    const time = neededInstant(given.argument('TIME'));
    const made = objectOf(await session.api.post('/plans', { kind: 'restore', path, time }));
    const plan = await endedPlan(session, made);
    await showPlan(session, { plan, most: SHOWN_ITEMS });
    session.show.done(toApply(plan));
  },
});

const list = serverCommand({
  name: 'plan list',
  about: 'Lists the plans for a path and what lies below it, the newest first.',
  arguments: [{ ...PATH, isOptional: true }],
  flags: { limit: { value: 'COUNT', about: 'At most so many. Default: 20.' } },
  examples: ['entrepot plan list team'],
  async run(given, { api, show }) {
    const path = pathOf(given.optional('PATH') ?? '');
    const rows = await api.all('/plans', { path }, given.count('limit') ?? SHOWN_ITEMS);
    show.list(rows, { columns: PLAN_COLUMNS, none: 'There are no plans.' });
  },
});

const show = serverCommand({
  name: 'plan show',
  about: 'Shows a plan and what it would do, or has done.',
  arguments: [PLAN],
  examples: ['entrepot plan show 12'],
  async run(given, session) {
    const plan = objectOf(await session.api.get(`/plans/${planOf(given)}`));
    await showPlan(session, { plan, most: SHOWN_ITEMS });
  },
});

const items = serverCommand({
  name: 'plan items',
  about: 'Lists what a plan would do, or has done, item by item.',
  arguments: [PLAN],
  flags: {
    action: { value: 'ACTION', about: 'Only move, delete, revive or keep.' },
    state: { value: 'STATE', about: 'Only planned, done or skipped.' },
    repository: { value: 'REPO', about: 'Only of that repository.' },
    limit: { value: 'COUNT', about: 'At most so many.' },
  },
  examples: ['entrepot plan items 12 --state skipped', 'entrepot plan items 12 --json'],
  async run(given, { api, show: shown }) {
    const query = {
      action: given.choice('action', ['move', 'delete', 'revive', 'keep']),
      state: given.choice('state', ['planned', 'done', 'skipped']),
      repository: given.flag('repository'),
    };
    const rows = await api.all(`/plans/${planOf(given)}/items`, query, given.count('limit'));
    shown.list(rows, { columns: ITEM_COLUMNS, none: 'It has no such items.' });
  },
});

const OVERRIDE = {
  override: { about: 'Although a rule makes tags immutable: for who manages them.' },
} as const;

const apply = serverCommand({
  name: 'plan apply',
  about: 'Does what a plan says; what has changed since it was made is skipped.',
  arguments: [PLAN],
  flags: OVERRIDE,
  examples: ['entrepot plan apply 12'],
  async run(given, session) {
    const id = planOf(given);
    const body = { override: given.isOn('override') };
    const plan = await endedPlan(
      session,
      objectOf(await session.api.post(`/plans/${id}/apply`, body)),
    );
    await showPlan(session, { plan, most: SHOWN_ITEMS, query: { state: 'skipped' } });
    session.show.done(toUndo(plan));
  },
});

const drop = serverCommand({
  name: 'plan drop',
  about: 'Lays a plan aside, so that nobody applies it.',
  arguments: [PLAN],
  examples: ['entrepot plan drop 12'],
  async run(given, session) {
    const id = planOf(given);
    const dropped = await session.api.post(`/plans/${id}/drop`);
    session.show.done(`Plan ${id} is laid aside.`, dropped);
  },
});

const undo = serverCommand({
  name: 'plan undo',
  about: 'Takes back what a plan has done; what has moved since is left alone.',
  arguments: [PLAN],
  flags: { review: { about: 'Make the way back, and do not apply it.' }, ...OVERRIDE },
  examples: ['entrepot plan undo 12', 'entrepot plan undo 12 --review'],
  async run(given, session) {
    const id = planOf(given);
    const body = { review: given.isOn('review'), override: given.isOn('override') };
    const made = objectOf(await session.api.post(`/plans/${id}/undo`, body));
    const plan = await endedPlan(session, made);
    const query: Record<string, string> = body.review ? {} : { state: 'skipped' };
    await showPlan(session, { plan, most: SHOWN_ITEMS, query });
    session.show.done(body.review ? toApply(plan) : toUndo(plan));
  },
});

export const PLAN_COMMANDS: readonly Command[] = [restore, list, show, items, apply, drop, undo];
