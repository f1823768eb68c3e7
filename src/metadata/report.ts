// A long read is a report: a named function with plain arguments that only reads. Not a closure, because it
// runs in another thread: on SQLite the request thread would wait for each read, and on either engine for
// what is worked out from it.
import type { Sql } from './sql.ts';

/**
 * What a report reads with. Each read is of its own instant, and others' turn comes between two: an open
 * snapshot keeps the log of SQLite from being moved into the database. So a long report pages.
 */
export interface ReportSql extends Sql {
  /** Reads that belong together, all of one instant. Some hundred milliseconds at most; not one in another. */
  snapshot<R>(read: (sql: Sql) => Promise<R>): Promise<R>;
}

/** Arguments and result are plain data. Must await nothing but `sql`. */
export type Report<A, R> = (sql: ReportSql, args: A) => Promise<R>;

/** Reports by name. `never` lets reports of any argument stand in one table. */
export type ReportTable = Readonly<Record<string, Report<never, unknown>>>;

type ArgumentsOf<C> = C extends Report<infer A, unknown> ? A : never;
type ResultOf<C> = C extends Report<never, infer R> ? R : never;

/** Runs reports. They see every command that was answered before they began. */
export interface Reports<T extends ReportTable> {
  run<K extends keyof T & string>(name: K, args: ArgumentsOf<T[K]>): Promise<ResultOf<T[K]>>;
}

/** The part of `Reports` that drivers implement: names are checked by the typed face above. */
export interface ReportRunner {
  run(name: string, args: unknown): Promise<unknown>;
  /** What runs is given up at its next read: a report promises nothing. */
  close(): Promise<void>;
}

/** @throws Error for a name that the table lacks: a mistake of the program, not of a client. */
export function reportOf(table: ReportTable, name: string): Report<unknown, unknown> {
  const report = table[name];
  if (report === undefined) throw new Error(`there is no report "${name}"`);
  return report as Report<unknown, unknown>;
}

/** Of a report that was given up. */
export function reportsClosed(): Error {
  return new Error('the reports are closed');
}
