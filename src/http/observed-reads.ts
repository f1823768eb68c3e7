// Reads of the database that tell how long they took: for metrics. Changes nothing.
import type { Sql } from '../metadata/sql.ts';

/**
 * One read in so many is timed. A point read of SQLite takes 3 µs, and looking at the clock and adding to
 * a histogram nearly one: on the path of each pull that would be felt. Which read is timed depends on
 * nothing but its turn, so the distribution is that of all.
 */
const EVERY = 16;

export function withReadTimes(sql: Sql, observe: (seconds: number) => void): Sql {
  let turn = 0;
  const timed = <T>(read: () => Promise<T>): Promise<T> => {
    turn += 1;
    if (turn % EVERY !== 0) return read();
    const began = performance.now();
    return read().finally(() => observe((performance.now() - began) / 1000));
  };
  return {
    engine: sql.engine,
    all: (statement, parameters) => timed(() => sql.all(statement, parameters)),
    first: (statement, parameters) => timed(() => sql.first(statement, parameters)),
  };
}
