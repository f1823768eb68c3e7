// Nodes write down their counts of pulls when a run wants them, and a run knows who has not.
import { expect, test } from 'bun:test';
import { type Command, type Commands, synced } from '../metadata/command.ts';
import { GroupCommit } from '../metadata/group-commit.ts';
import { migrateSqlite } from '../metadata/migrate.ts';
import { nodesBehind, wantPulls } from '../metadata/nodes.ts';
import type { Transaction } from '../metadata/sql.ts';
import { openSqliteWriter } from '../metadata/sqlite.ts';
import { nodeCommands } from './node.command.ts';
import { NodePresence } from './node-presence.ts';

function commandsOf() {
  return {
    ...nodeCommands(),
    want: synced((tx: Transaction, _: null) => wantPulls(tx)),
  } satisfies Record<string, Command<never, unknown>>;
}

async function openWorld() {
  let now = 1_000_000;
  const sql = openSqliteWriter(':memory:', () => now);
  await migrateSqlite(sql, { version: '0.3.0' });
  const commit = new GroupCommit({ connection: sql, commands: commandsOf() });
  const commands = commit as unknown as Commands<ReturnType<typeof commandsOf>>;
  const flushes: string[] = [];
  const node = (instance: string) =>
    new NodePresence({
      sql,
      commands,
      instance,
      flushPulls: async () => void flushes.push(instance),
      now: () => now,
      failed: (error) => {
        throw error;
      },
    });
  return {
    sql,
    commands,
    node,
    flushes,
    pass(milliseconds: number) {
      now += milliseconds;
    },
    close: () => commit.close(),
  };
}

test('a node flushes every five seconds, and at once when counts are wanted', async () => {
  const world = await openWorld();
  const one = world.node('one');
  await one.look();
  expect(world.flushes).toEqual([]);
  world.pass(5_000);
  await one.look();
  expect(world.flushes).toEqual(['one']);
  world.pass(1_000);
  const since = await world.commands.run('want', null);
  expect((await nodesBehind(world.sql, since)).map(({ instance }) => instance)).toEqual(['one']);
  await one.look();
  expect(world.flushes).toEqual(['one', 'one']);
  expect(await nodesBehind(world.sql, since)).toEqual([]);
  world.pass(1_000);
  await one.look();
  expect(world.flushes).toHaveLength(2);
  await world.close();
});

test('a node that is silent is behind, one that has ended is not', async () => {
  const world = await openWorld();
  const [one, two] = [world.node('one'), world.node('two')];
  await one.look();
  await two.look();
  world.pass(10);
  const since = await world.commands.run('want', null);
  await one.look();
  expect((await nodesBehind(world.sql, since)).map(({ instance }) => instance)).toEqual(['two']);
  await two.stop();
  expect(world.flushes).toEqual(['one', 'two']);
  expect(await nodesBehind(world.sql, since)).toEqual([]);
  await world.close();
});
