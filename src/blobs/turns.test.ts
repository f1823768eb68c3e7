// Work under one name runs in order, one at a time, whatever becomes of what was before it.
import { describe, expect, test } from 'bun:test';
import { Turns } from './turns.ts';

describe('turns', () => {
  test('work under one name never overlaps, and keeps its order', async () => {
    const turns = new Turns();
    const order: string[] = [];
    const gates = [0, 1, 2].map(() => Promise.withResolvers<void>());
    const all = gates.map((gate, index) =>
      turns.take('a', async () => {
        order.push(`begin ${index}`);
        await gate.promise;
        order.push(`end ${index}`);
        return index;
      }),
    );
    // Opened in the wrong order.
    for (const gate of gates.toReversed()) gate.resolve();
    expect(await Promise.all(all)).toEqual([0, 1, 2]);
    expect(order).toEqual(['begin 0', 'end 0', 'begin 1', 'end 1', 'begin 2', 'end 2']);
  });

  test('work under another name does not wait', async () => {
    const turns = new Turns();
    const gate = Promise.withResolvers<void>();
    const slow = turns.take('a', () => gate.promise);
    expect(await turns.take('b', async () => 'done')).toBe('done');
    gate.resolve();
    await slow;
  });

  test('a failure reaches its own caller only', async () => {
    const turns = new Turns();
    const failed = turns.take('a', () => Promise.reject(new Error('mine')));
    const after = turns.take('a', async () => 'fine');
    await expect(failed).rejects.toThrow('mine');
    expect(await after).toBe('fine');
  });
});
