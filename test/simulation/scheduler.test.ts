// What the simulation rests on: one seed, one order; the dead stay dead.
import { expect, test } from 'bun:test';
import { Random } from './random.ts';
import { Scheduler } from './scheduler.ts';

async function order(seed: number): Promise<string[]> {
  const scheduler = new Scheduler(new Random(seed));
  const seen: string[] = [];
  const walk = async (name: string) => {
    for (let step = 0; step < 5; step += 1) {
      await scheduler.turn(scheduler, name);
      seen.push(`${name}${step}`);
    }
  };
  const walks = ['a', 'b', 'c'].map(walk);
  while ((await scheduler.step()).length > 0);
  await Promise.all(walks);
  return seen;
}

test('the same seed gives the same order, another seed another', async () => {
  expect(await order(7)).toEqual(await order(7));
  expect(await order(7)).not.toEqual(await order(8));
});

test('what waits for a dead owner never goes on', async () => {
  const scheduler = new Scheduler(new Random(1));
  const [dead, alive] = [{}, {}];
  const seen: string[] = [];
  void scheduler.turn(dead, 'dead').then(() => seen.push('dead'));
  void scheduler.turn(alive, 'alive').then(() => seen.push('alive'));
  scheduler.drop(dead);
  while ((await scheduler.step()).length > 0);
  expect(seen).toEqual(['alive']);
});

test('what goes together can have its turn in one step, and nothing else with it', async () => {
  const sizes = new Set<number>();
  for (let seed = 1; seed <= 20; seed += 1) {
    const scheduler = new Scheduler(new Random(seed), (label) => label.startsWith('both'));
    for (const label of ['both a', 'both b', 'alone']) void scheduler.turn(scheduler, label);
    for (let labels = await scheduler.step(); labels.length > 0; labels = await scheduler.step()) {
      sizes.add(labels.length);
      if (labels.length > 1) expect(labels.toSorted()).toEqual(['both a', 'both b']);
    }
  }
  expect([...sizes].sort()).toEqual([1, 2]);
});

test('random numbers repeat with their seed and keep their bounds', () => {
  const [a, b] = [new Random(3), new Random(3)];
  for (let count = 0; count < 1000; count += 1) {
    const value = a.between(2, 5);
    expect(value).toBe(b.between(2, 5));
    expect(value >= 2 && value <= 5).toBe(true);
  }
});
