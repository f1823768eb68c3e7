// When pushes are refused for want of room, what they are told, and how often the disk is asked.
import { expect, test } from 'bun:test';
import { RegistryError } from '../oci/errors.ts';
import { FreeRoom } from './free-room.ts';

function roomOf(free: number[], leastPercent = 5) {
  let now = 0;
  let asked = 0;
  const faults: unknown[] = [];
  const room = new FreeRoom({
    leastPercent,
    spaces: [
      async () => {
        const freeBytes = free[Math.min(asked, free.length - 1)] as number;
        asked += 1;
        if (freeBytes < 0) throw new Error('no answer');
        return { freeBytes, totalBytes: 1_000 };
      },
      async () => undefined,
    ],
    elapsed: () => now,
    failed: (error) => void faults.push(error),
  });
  const refusal = () =>
    room.check().then(
      () => undefined,
      (error: unknown) => error as RegistryError,
    );
  const pass = (ms: number) => {
    now += ms;
  };
  return { refusal, faults, asked: () => asked, pass };
}

test('just enough is enough, and one byte less is refused with the numbers', async () => {
  expect(await roomOf([50]).refusal()).toBeUndefined();
  const refusal = await roomOf([49]).refusal();
  expect(refusal).toBeInstanceOf(RegistryError);
  expect(refusal?.code).toBe('STORAGE_FULL');
  expect(refusal?.message).toContain('4.9 %');
  expect(refusal?.message).toContain('49 B of 1 kB');
  expect(refusal?.detail).toEqual({ freeBytes: 49, totalBytes: 1_000, leastPercent: 5 });
});

test('the disk is asked every three seconds, however many ask at once', async () => {
  const { refusal, asked, pass } = roomOf([1_000, 10, 1_000]);
  await Promise.all(Array.from({ length: 50 }, refusal));
  expect(asked()).toBe(1);
  pass(2_999);
  expect(await refusal()).toBeUndefined();
  pass(1);
  expect(await refusal()).toBeDefined();
  expect(asked()).toBe(2);
  pass(3_000);
  expect(await refusal()).toBeUndefined();
});

test('0 asks nothing; a disk that cannot be asked refuses nobody', async () => {
  const off = roomOf([0], 0);
  expect(await off.refusal()).toBeUndefined();
  expect(off.asked()).toBe(0);
  const broken = roomOf([-1]);
  expect(await broken.refusal()).toBeUndefined();
  expect(broken.faults).toHaveLength(1);
});
