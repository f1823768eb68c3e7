// What a query runs on: a connection or a transaction of either engine.
import type { Engine, Statement } from './statement.ts';

/** Reads. Both engines promise that a read sees every command that was answered before it began. */
export interface Sql {
  readonly engine: Engine;
  all<P, R>(statement: Statement<P, R>, parameters: P): Promise<R[]>;
  /** The first row, or undefined when there is none. */
  first<P, R>(statement: Statement<P, R>, parameters: P): Promise<R | undefined>;
}

/** Reads and writes that take effect together or not at all. */
export interface Transaction extends Sql {
  /** @returns how many rows were inserted, changed or deleted. */
  run<P, R>(statement: Statement<P, R>, parameters: P): Promise<number>;
  /** Milliseconds since 1970, by the clock of the database's side. */
  now(): Promise<number>;
}

/** Milliseconds since 1970. Injected, so that tests and the simulation can drive it. */
export type Clock = () => number;
