import { expect, test } from 'bun:test';
import { runCli } from './suite-terminal.ts';

const PLAN = {
  ...{ id: 7, kind: 'restore', path: 'team', time: null, since: null, undoOf: null, by: 'alice' },
  ...{ createdAt: '2030-01-31T12:00:00Z', appliedAt: null, appliedBy: null, repositories: 3 },
  ...{
    planned: { moved: 9 },
    done: { moved: 1 },
    bytes: 0,
    skipped: 0,
    silentNodes: [],
    error: null,
  },
};

test('who waits long for a plan is told that it goes on', async () => {
  let asked = 0;
  const answer = (): object => {
    asked += 1;
    return asked < 25 ? { ...PLAN, state: 'applying' } : { ...PLAN, state: 'applied' };
  };
  const ran = await runCli(['plan', 'apply', '7'], {
    env: { ENTREPOT_SERVER: 'http://127.0.0.1:5000', ENTREPOT_TOKEN: 'ept_x' },
    fetch: async (url) => Response.json(/items/.test(String(url)) ? { items: [] } : answer()),
  });
  expect(ran.code).toBe(0);
  const words = 'Plan 7 is being applied. Done: 1 tag moves; in all: 9 tags move.';
  expect(ran.err.split(words)).toHaveLength(3);
  expect(ran.err).toContain('To undo it: entrepot plan undo 7');
});
