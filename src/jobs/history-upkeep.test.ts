// The job that forgets old moves of tags: all tags by pages, each tag in batches, and no more when it is to stop.
import { expect, test } from 'bun:test';
import { type HistoryUpkeepParts, historyJobs } from './history-upkeep.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

/** Old moves of tags by their id, two tags a page. */
function jobWith(old: Record<number, number>, ageMs = 400 * DAY_MS) {
  const left = new Map(Object.entries(old).map(([tag, count]) => [Number(tag), count]));
  const batches: [number, number][] = [];
  const parts = {
    now: () => 1_000 * DAY_MS,
    ageMs,
    reports: {
      run: async (name: string, { after, ageMs: age }: { after: number; ageMs: number }) => {
        expect({ name, age }).toEqual({ name: 'oldTagEvents', age: ageMs });
        const ids = [...left.keys()].filter((id) => id > after).slice(0, 2);
        const tags = ids.map((tag) => ({ tag, before: 5, windowStart: 6 }));
        return { tags, next: ids.length < 2 ? undefined : ids[1] };
      },
    },
    commands: {
      run: async (name: string, args: { tag: number; limit: number }) => {
        expect({ name, ...args }).toMatchObject({
          name: 'forgetOldTagEvents',
          before: 5,
          windowStart: 6,
        });
        const gone = Math.min(left.get(args.tag) ?? 0, args.limit);
        left.set(args.tag, (left.get(args.tag) ?? 0) - gone);
        batches.push([args.tag, gone]);
        return gone;
      },
    },
  } as unknown as HistoryUpkeepParts;
  const [job] = historyJobs(parts);
  if (job === undefined) throw new Error('there is no job');
  return { job, batches };
}

const going = { extend: async () => {}, isStopping: () => false };

test('it goes through all tags, and takes a long history in parts', async () => {
  const { job, batches } = jobWith({ 1: 3, 4: 1_200, 7: 500, 9: 1 });
  await job.run(going, undefined);
  expect(batches).toEqual([
    [1, 3],
    [4, 500],
    [4, 500],
    [4, 200],
    [7, 500],
    [7, 0],
    [9, 1],
  ]);
});

test('it ends early when the process stops', async () => {
  const { job, batches } = jobWith({ 1: 1_200 });
  await job.run({ ...going, isStopping: () => batches.length > 0 }, undefined);
  expect(batches).toEqual([[1, 500]]);
});

test('where moves are kept for ever, nothing is looked at', async () => {
  const { job, batches } = jobWith({ 1: 3 }, 0);
  await job.run(going, undefined);
  expect(batches).toEqual([]);
});
