import { expect, test } from 'bun:test';
import { BlobMarks } from './blob-marks.ts';

test('marks are kept while the table grows, for ids in runs and far apart', () => {
  const marks = new BlobMarks();
  const expected = new Map<number, number>();
  for (let n = 1; n <= 20_000; n += 1) {
    // Runs of a hundred, and every third far above 2^32.
    const id = n % 3 === 0 ? 2 ** 40 + n * 7_919 : Math.floor(n / 100) * 4_096 + (n % 100) + 1;
    marks.set(id, n % 7);
    expected.set(id, n % 7);
  }
  expect(marks.size).toBe(expected.size);
  for (const [id, mark] of expected) {
    expect(marks.get(id)).toBe(mark);
    expect(marks.get(id + 2 ** 41)).toBeUndefined();
  }
  const [first] = expected.keys();
  marks.set(first as number, 9);
  expect(marks.get(first as number)).toBe(9);
  expect(marks.size).toBe(expected.size);
});
