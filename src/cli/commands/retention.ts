// `entrepot retention preview` and `entrepot retention run`: what the rules would do, and do.
import { type Json, objectOf } from '../api-client.ts';
import type { Command, Given } from '../command.ts';
import { confirm, YES_FLAG } from '../confirm.ts';
import { readDocument } from '../document-file.ts';
import { pathOf } from '../path-text.ts';
import {
  endedPlan,
  hasWork,
  PLAN_COLUMNS,
  planSummary,
  showPlan,
  toApply,
  toUndo,
} from '../plan-text.ts';
import { type Session, serverCommand } from '../server-command.ts';
import { cell } from '../show.ts';

const PATH = {
  name: 'PATH',
  about: 'A namespace or repository; / is the whole registry.',
} as const;
const SHOWN_ITEMS = 20;
const NO_POLICY =
  'No retention policy holds for a repository there. Set one: entrepot retention set PATH --file retention.yaml';

const preview = serverCommand({
  name: 'retention preview',
  about: 'Says what retention would do at a path and below it: a plan that can be applied.',
  arguments: [PATH],
  flags: {
    file: {
      value: 'FILE',
      about: 'Rules to try that are not set (YAML or JSON); - is standard input.',
    },
    since: {
      value: 'LENGTH',
      about: 'What would have happened over so long, such as 30d. Such a plan is not applied.',
    },
    items: { value: 'COUNT', about: 'Items to show. Default: 20; entrepot plan items lists all.' },
    all: { about: 'Show what stays too.' },
  },
  examples: [
    'entrepot retention preview team',
    'entrepot retention preview team --file retention.yaml --since 30d',
  ],
  async run(given, session) {
    const path = pathOf(given.argument('PATH'));
    const file = given.flag('file');
    const since = given.flag('since');
    const policy = file === undefined ? undefined : await readDocument(file, session.terminal);
    const body = { path, ...(policy !== undefined && { policy }), ...(since && { since }) };
    const made = objectOf(await session.api.post('/retention/preview', body));
    const plan = await endedPlan(session, made);
    const query: Record<string, string> = given.isOn('all') ? {} : { state: 'planned' };
    await showPlan(session, { plan, most: given.count('items') ?? SHOWN_ITEMS, query });
    if (plan.repositories === 0) session.show.done(NO_POLICY);
    else if (since === undefined) session.show.done(toApply(plan));
  },
});

const run = serverCommand({
  name: 'retention run',
  about:
    'Makes a plan by the rules that hold at a path and below it, asks with its numbers, and applies it.',
  arguments: [PATH],
  flags: YES_FLAG,
  examples: ['entrepot retention run team', 'entrepot retention run team --yes'],
  async run(given, session) {
    const path = pathOf(given.argument('PATH'));
    const begun = given.isOn('yes')
      ? await session.api.post('/retention/run', { path })
      : await reviewed(given, session, path);
    if (begun === undefined) return;
    const plan = await endedPlan(session, objectOf(begun));
    await showPlan(session, { plan, most: SHOWN_ITEMS, query: { state: 'skipped' } });
    session.show.done(plan.repositories === 0 ? NO_POLICY : toUndo(plan));
  },
});

/** Asks with the numbers of a plan, and applies that one. @returns undefined when it has nothing to do. */
async function reviewed(given: Given, session: Session, path: string): Promise<Json | undefined> {
  const { api, show, terminal } = session;
  if (!terminal.canAsk) await confirm(given, terminal, 'Tags go by the rules that are set.');
  const made = objectOf(await api.post('/retention/preview', { path }));
  const plan = await endedPlan(session, made);
  if (!hasWork(plan)) {
    await showPlan(session, { plan, most: 0 });
    show.done(plan.repositories === 0 ? NO_POLICY : 'There is nothing to do.');
    return undefined;
  }
  const id = cell(plan.id);
  const look = `One by one: entrepot plan items ${id}.`;
  await confirm(given, terminal, `Plan ${id}: ${planSummary(plan)}. ${look}`);
  return api.post(`/plans/${id}/apply`);
}

const runs = serverCommand({
  name: 'retention runs',
  about: 'Lists the previews and runs of retention at a path and below it, the newest first.',
  arguments: [{ ...PATH, isOptional: true }],
  flags: { limit: { value: 'COUNT', about: 'At most so many. Default: 20.' } },
  examples: ['entrepot retention runs team'],
  async run(given, { api, show }) {
    const path = pathOf(given.optional('PATH') ?? '');
    const query = { path, kind: 'retention' };
    const rows = await api.all('/plans', query, given.count('limit') ?? SHOWN_ITEMS);
    show.list(rows, { columns: PLAN_COLUMNS, none: 'Retention never ran there.' });
  },
});

export const RETENTION_COMMANDS: readonly Command[] = [preview, run, runs];
