import { expect, test } from 'bun:test';
import { spawn } from 'node:child_process';
import {
  cpuSeconds,
  median,
  memoryOf,
  pairRatios,
  percentile,
  processTree,
  spreadOf,
} from './measure.ts';

test('the median is the middle value, or the mean of the two in the middle', () => {
  expect(median([9, 1, 5])).toBe(5);
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(median([7])).toBe(7);
});

test('statistics leave the order of the values alone', () => {
  const values = [3, 1, 2];
  spreadOf(values);
  expect(values).toEqual([3, 1, 2]);
});

test('numbers are sorted by value, not by their text', () => {
  expect(median([100, 9, 20])).toBe(20);
});

test('a percentile is a value that was measured, by nearest rank', () => {
  const values = Array.from({ length: 200 }, (_, index) => 200 - index);
  expect(percentile(values, 99)).toBe(198);
  expect(percentile(values, 50)).toBe(100);
  expect(percentile(values, 100)).toBe(200);
  expect(percentile(values, 0)).toBe(1);
  expect(percentile([8], 99)).toBe(8);
});

test('the spread is the median with the lowest and the highest', () => {
  expect(spreadOf([5, 2, 11])).toEqual({ median: 5, min: 2, max: 11 });
});

test('no values give an error, never a zero', () => {
  expect(() => median([])).toThrow('no values');
  expect(() => percentile([], 99)).toThrow('no values');
});

test('a ratio says how many times better the subject is, whichever way is better', () => {
  const runs = { subject: [10, 30], peer: [5, 10] };
  expect(pairRatios({ ...runs, better: 'higher' })).toEqual([2, 3]);
  expect(pairRatios({ ...runs, better: 'lower' })).toEqual([0.5, 1 / 3]);
});

test('only runs that stand side by side are compared', () => {
  expect(pairRatios({ subject: [1, 2, 3], peer: [1], better: 'higher' })).toEqual([1]);
});

test('CPU time grows with work, and memory is that of a living process', () => {
  const before = cpuSeconds(process.pid);
  const until = process.cpuUsage().user + 50_000;
  while (process.cpuUsage().user < until) Math.sqrt(until);
  expect(cpuSeconds(process.pid)).toBeGreaterThanOrEqual(before + 0.03);
  expect(memoryOf(process.pid).residentBytes).toBeGreaterThan(1024 * 1024);
  expect(memoryOf(process.pid).peakBytes).toBeGreaterThanOrEqual(1024 * 1024);
});

test('a tree has the process and its children, and nothing else', async () => {
  const child = spawn('cat', { stdio: ['pipe', 'ignore', 'ignore'] });
  const { promise, resolve } = Promise.withResolvers<void>();
  child.once('exit', () => resolve());
  const tree = processTree(process.pid);
  expect(tree).toContain(process.pid);
  expect(tree).toContain(child.pid ?? 0);
  expect(tree).not.toContain(process.ppid);
  child.kill();
  await promise;
});

test('a process that is gone has no CPU time and no memory', () => {
  expect(cpuSeconds(2 ** 22 + 1)).toBe(0);
  expect(memoryOf(2 ** 22 + 1)).toEqual({ residentBytes: 0, peakBytes: 0 });
});
