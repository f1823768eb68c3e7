import { expect, test } from 'bun:test';
import { createStopHandler } from './stop-signals.ts';

function stoppable() {
  const events: string[] = [];
  const drained = Promise.withResolvers<void>();
  let clock = 1000;
  const handler = createStopHandler({
    stop() {
      events.push('stop');
      return drained.promise;
    },
    say: (line) => events.push(line.split(' ')[0] ?? ''),
    exit: (code) => events.push(`exit ${code}`),
    now: () => clock,
  });
  const advance = (milliseconds: number): void => {
    clock += milliseconds;
  };
  return { events, drained, handler, advance };
}

test('the first signal drains, and the process ends well', async () => {
  const { events, drained, handler } = stoppable();
  handler();
  expect(events).toEqual(['Stopping', 'stop']);
  drained.resolve();
  await drained.promise;
  expect(events.at(-1)).toBe('exit 0');
});

test('the same press of Ctrl-C, delivered three times, is one', () => {
  const { events, handler, advance } = stoppable();
  handler();
  handler();
  advance(399);
  handler();
  expect(events).toEqual(['Stopping', 'stop']);
});

test('a second press ends at once', () => {
  const { events, handler, advance } = stoppable();
  handler();
  advance(400);
  handler();
  expect(events).toEqual(['Stopping', 'stop', 'exit 130']);
});

test('a failure while stopping is told', async () => {
  const { events, drained, handler } = stoppable();
  handler();
  drained.reject(new Error('x'));
  await drained.promise.catch(() => {});
  expect(events).toEqual(['Stopping', 'stop', 'Stopping', 'exit 1']);
});
