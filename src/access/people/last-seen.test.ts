import { expect, test } from 'bun:test';
import { ANONYMOUS } from '../principal.ts';
import { LastSeen } from './last-seen.ts';
import type { Seen } from './seen.command.ts';

test('each is noted once a minute, and nobody in particular never', async () => {
  let time = 1_000_000;
  const seen = new LastSeen(() => time);
  const flushed = async () => {
    let given: Seen[] = [];
    await seen.flush(async (all) => {
      given = all;
    });
    return given;
  };
  const alice = { kind: 'user', id: 1, name: 'alice' } as const;
  const robot = { kind: 'robot', id: 1, name: 'team:ci' } as const;
  for (const one of [alice, ANONYMOUS, alice, robot]) seen.note(one);
  expect(await flushed()).toEqual([
    { kind: 'user', id: 1, at: time },
    { kind: 'robot', id: 1, at: time },
  ]);
  time += 59_999;
  seen.note(alice);
  expect(await flushed()).toEqual([]);
  time += 1;
  seen.note(alice);
  expect(await flushed()).toEqual([{ kind: 'user', id: 1, at: time }]);
  // A clock that was set back.
  time -= 3_600_000;
  seen.note(alice);
  expect(await flushed()).toHaveLength(1);
});
