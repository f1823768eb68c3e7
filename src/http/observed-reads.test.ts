// Some reads are timed, all are passed on.
import { expect, test } from 'bun:test';
import type { Sql } from '../metadata/sql.ts';
import type { Statement } from '../metadata/statement.ts';
import { withReadTimes } from './observed-reads.ts';

const ANY = {} as Statement<number, string>;

function database(answer: (parameters: unknown) => Promise<unknown>): Sql {
  const read = (_statement: unknown, parameters: unknown) => answer(parameters) as Promise<never>;
  return { engine: 'sqlite', all: read, first: read };
}

test('one read in sixteen is timed, and every answer comes through', async () => {
  const seconds: number[] = [];
  const sql = withReadTimes(
    database(async (parameters) => `row ${parameters}`),
    (took) => seconds.push(took),
  );
  for (let i = 0; i < 160; i++) {
    const read = i % 2 === 0 ? sql.first(ANY, i) : sql.all(ANY, i);
    expect(await read).toBe(`row ${i}` as never);
  }
  expect(seconds).toHaveLength(10);
  for (const took of seconds) expect(took).toBeGreaterThanOrEqual(0);
  expect(sql.engine).toBe('sqlite');
});

test('a read that fails is timed too, and fails as it did', async () => {
  const seconds: number[] = [];
  const failing = database(() => Promise.reject(new Error('no such table')));
  const sql = withReadTimes(failing, (took) => seconds.push(took));
  for (let i = 0; i < 16; i++) {
    await expect(sql.first(ANY, i)).rejects.toThrow('no such table');
  }
  expect(seconds).toHaveLength(1);
});
