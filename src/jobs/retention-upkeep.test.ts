// Runs by schedule: when they are due, and that none begins while another goes on.
import { expect, test } from 'bun:test';
import { type LifecycleCommands, lifecycleCommands } from '../lifecycle/commands.ts';
import { NO_COUNTS } from '../lifecycle/plans/plan-summary.ts';
import { SYSTEM } from '../metadata/audit.ts';
import type { Commands } from '../metadata/command.ts';
import { GroupCommit } from '../metadata/group-commit.ts';
import { migrateSqlite } from '../metadata/migrate.ts';
import { plansWithin, readPlan, readPlanItems } from '../metadata/plans.ts';
import { openSqliteWriter } from '../metadata/sqlite.ts';
import { nodeCommands } from './node.command.ts';
import { startScheduledRuns } from './retention-upkeep.ts';

const HOUR_MS = 60 * 60 * 1000;
const CONTEXT = { extend: async () => {}, isStopping: () => false };

async function openWorld() {
  let now = 1_800_000_000_000;
  const sql = openSqliteWriter(':memory:', () => now);
  await migrateSqlite(sql, { version: '0.3.0' });
  const commit = new GroupCommit({
    connection: sql,
    commands: { ...lifecycleCommands(), ...nodeCommands() },
  });
  const commands = commit as unknown as Commands<
    LifecycleCommands & ReturnType<typeof nodeCommands>
  >;
  const setPolicy = (path: string, schedule: unknown) => {
    const document = JSON.stringify({ rules: [], schedule });
    return commands.run('setPolicy', { path, kind: 'retention', document, actor: SYSTEM });
  };
  return {
    sql,
    commands,
    setPolicy,
    pass(hours: number) {
      now += hours * HOUR_MS;
    },
    run: () => startScheduledRuns({ sql, commands, now: () => now }, CONTEXT),
    plans: () => plansWithin(sql, { path: '', before: undefined, limit: 100 }),
    close: () => commit.close(),
  };
}

test('a policy runs for the first time one period after it was set, then each period', async () => {
  const world = await openWorld();
  await world.setPolicy('team', { everyHours: 24 });
  await world.setPolicy('other', 'off');
  world.pass(23);
  await world.run();
  expect(await world.plans()).toEqual([]);
  world.pass(2);
  await world.run();
  const [plan] = await world.plans();
  expect(plan).toMatchObject({ kind: 'retention', path: 'team', actor: SYSTEM.name });
  expect(JSON.parse(plan?.parameters ?? '')).toMatchObject({ governedBy: 'team' });
  // It still goes on.
  world.pass(48);
  await world.run();
  expect(await world.plans()).toHaveLength(1);
  await world.commands.run('dropPlan', { id: plan?.id ?? 0, actor: SYSTEM });
  await world.run();
  expect(await world.plans()).toHaveLength(2);
  await world.close();
});

test('what somebody asked for is no run by schedule', async () => {
  const world = await openWorld();
  await world.setPolicy('team', { everyHours: 1 });
  world.pass(2);
  const asked = { kind: 'retention' as const, path: 'team', parameters: '{}', actor: SYSTEM };
  await world.commands.run('createPlan', asked);
  await world.run();
  expect(await world.plans()).toHaveLength(2);
  await world.close();
});

test('items of plans that nobody applied are forgotten after a week, the plan stays', async () => {
  const world = await openWorld();
  const asked = { kind: 'retention' as const, path: 'team', parameters: '{}', actor: SYSTEM };
  const id = await world.commands.run('createPlan', asked);
  await world.commands.run('beginMakingPlan', id);
  const item = {
    repository: 1,
    name: 'team/app',
    tag: 'v1',
    from: null,
    to: null,
    action: 'keep' as const,
    reason: 'a rule',
    bytes: 0,
    pulledAt: null,
  };
  const counts = { moved: 0, appearing: 0, disappearing: 0, deleted: 0, revived: 0, kept: 1 };
  const page = { after: undefined, repositories: 1, counts, bytes: 0 };
  await world.commands.run('addPlanItems', { plan: id, turn: 1, first: 1, items: [item], page });
  const left = async () =>
    (await readPlanItems(world.sql, { plan: id, after: 0, limit: 10 })).length;
  world.pass(24 * 6);
  expect(await world.commands.run('forgetPlanItems', null)).toBe(false);
  expect(await left()).toBe(1);
  world.pass(24 * 2);
  while (await world.commands.run('forgetPlanItems', null));
  expect(await left()).toBe(0);
  expect(await world.plans()).toMatchObject([{ id, state: 'dropped' }]);
  world.pass(24 * 380);
  while (await world.commands.run('forgetPlanItems', null));
  expect(await world.plans()).toHaveLength(1);
  world.pass(24 * 30);
  while (await world.commands.run('forgetPlanItems', null));
  expect(await world.plans()).toEqual([]);
  await world.close();
});

test('a run waits for the counts of nodes that are there, and names one that stays silent', async () => {
  const world = await openWorld();
  const { commands } = world;
  await commands.run('noteNode', 'long gone');
  world.pass(1);
  await commands.run('noteNode', 'silent');
  await commands.run('noteNode', 'good');
  const asked = { kind: 'retention' as const, path: 'team', parameters: '{}', actor: SYSTEM };
  const id = await commands.run('createPlan', asked);
  await commands.run('beginMakingPlan', id);
  const page = { after: undefined, repositories: 0, counts: NO_COUNTS, bytes: 0 };
  await commands.run('addPlanItems', { plan: id, turn: 1, first: 1, items: [], page });
  world.pass(1 / 60);
  await commands.run('startApplyingPlan', { id, actor: SYSTEM, isOverriding: false });
  expect(await commands.run('waitForPulls', id)).toBe(false);
  await commands.run('noteFlush', 'good');
  expect(await commands.run('waitForPulls', id)).toBe(false);
  world.pass(3 / 60);
  expect(await commands.run('waitForPulls', id)).toBe(true);
  await commands.run('applyPlanItems', { plan: id, repository: undefined });
  const plan = await readPlan(world.sql, id);
  expect(plan?.state).toBe('applied');
  expect(JSON.parse(plan?.summary ?? '').applying.silentNodes).toEqual(['silent']);
  await world.close();
});
