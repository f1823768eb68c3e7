// The job that lets go of what ended leases hold: all of it, a few at a time, and no more when it is to stop.
import { expect, test } from 'bun:test';
import type { LifecycleCommands } from '../lifecycle/commands.ts';
import type { Commands } from '../metadata/command.ts';
import { leaseJobs } from './lease-upkeep.ts';

function jobWith(turns: number) {
  let left = turns;
  const commands = {
    run: async (name: string) => {
      expect(name).toBe('releaseEndedLeases');
      left -= 1;
      return left >= 0;
    },
  } as unknown as Commands<LifecycleCommands>;
  const [job] = leaseJobs({ commands });
  if (job === undefined) throw new Error('there is no job');
  return { job, left: () => Math.max(0, left) };
}

test('it goes on until nothing is left, and keeps its lease meanwhile', async () => {
  const { job, left } = jobWith(5);
  let extended = 0;
  const extend = async () => {
    extended += 1;
  };
  await job.run({ extend, isStopping: () => false }, undefined);
  expect({ left: left(), extended, everyMs: job.everyMs }).toEqual({
    left: 0,
    extended: 5,
    everyMs: 60_000,
  });
});

test('it ends early when the process stops', async () => {
  const { job, left } = jobWith(5);
  await job.run({ extend: async () => {}, isStopping: () => true }, undefined);
  expect(left()).toBe(4);
});
