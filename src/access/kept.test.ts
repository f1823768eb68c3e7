// A bounded memory.
import { expect, test } from 'bun:test';
import { Kept } from './kept.ts';

test('keeps no more than it may, and lets the oldest go first', () => {
  const kept = new Kept<string, number>(2);
  kept.set('a', 1);
  kept.set('b', 2);
  kept.set('c', 3);
  expect(['a', 'b', 'c'].map((key) => kept.get(key))).toEqual([undefined, 2, 3]);
});

test('a new value of a known key lets nothing go', () => {
  const kept = new Kept<string, number>(2);
  kept.set('a', 1);
  kept.set('b', 2);
  kept.set('b', 3);
  expect(['a', 'b'].map((key) => kept.get(key))).toEqual([1, 3]);
});

test('what was deleted or cleared is gone, and its place is free', () => {
  const kept = new Kept<string, number>(2);
  kept.set('a', 1);
  kept.set('b', 2);
  kept.delete('a');
  kept.set('c', 3);
  expect(['a', 'b', 'c'].map((key) => kept.get(key))).toEqual([undefined, 2, 3]);
  kept.clear();
  expect(['a', 'b', 'c'].map((key) => kept.get(key))).toEqual([undefined, undefined, undefined]);
});
