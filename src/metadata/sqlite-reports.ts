// Reports on SQLite, in the thread that this runs in: each with a connection of its own, several taking turns.
import {
  type ReportRunner,
  type ReportSql,
  type ReportTable,
  reportOf,
  reportsClosed,
} from './report.ts';
import type { Sql } from './sql.ts';
import { explainSqliteFault, type SqliteConnection } from './sqlite.ts';
import type { Statement } from './statement.ts';

export interface SqliteReportsOptions {
  readonly reports: ReportTable;
  /** A connection that only reads. */
  open(): SqliteConnection;
}

/** Reports at once: a plan over a namespace in the background must not hold up the size of a tag. */
const CONNECTIONS = 4;
/** Milliseconds after which another's turn comes: about one page of a report. */
const TURN_MS = 10;

export class SqliteReports implements ReportRunner {
  readonly #options: SqliteReportsOptions;
  readonly #turns = new Turns();
  readonly #resting: SqliteConnection[] = [];
  readonly #waiting: (() => void)[] = [];
  readonly #running = new Set<Promise<unknown>>();
  #places = CONNECTIONS;

  constructor(options: SqliteReportsOptions) {
    this.#options = options;
  }

  run(name: string, args: unknown): Promise<unknown> {
    const running = this.#run(name, args);
    const settled = running.catch(() => {}).finally(() => this.#running.delete(settled));
    this.#running.add(settled);
    return running;
  }

  async close(): Promise<void> {
    this.#turns.isClosed = true;
    await Promise.all(this.#running);
    for (const connection of this.#resting.splice(0)) connection.close();
  }

  async #run(name: string, args: unknown): Promise<unknown> {
    const report = reportOf(this.#options.reports, name);
    if (this.#places === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#places -= 1;
    let connection: SqliteConnection | undefined;
    try {
      connection = this.#resting.pop() ?? this.#options.open();
      return await report(new TurnTakingSql(connection, this.#turns), args);
    } catch (error) {
      throw explainSqliteFault(error);
    } finally {
      if (connection !== undefined) this.#resting.push(connection);
      const next = this.#waiting.shift();
      // The place goes over; nobody who comes at this moment takes it.
      if (next === undefined) this.#places += 1;
      else next();
    }
  }
}

/** When the thread has last looked at what arrived, for all of its reports. */
class Turns {
  isClosed = false;
  #began = performance.now();

  /** @throws Error once the reports are closed. */
  async take(): Promise<void> {
    if (performance.now() - this.#began > TURN_MS) {
      await new Promise((resolve) => setImmediate(resolve));
      this.#began = performance.now();
    }
    if (this.isClosed) throw reportsClosed();
  }
}

class TurnTakingSql implements ReportSql {
  readonly engine = 'sqlite';
  readonly #connection: SqliteConnection;
  readonly #turns: Turns;

  constructor(connection: SqliteConnection, turns: Turns) {
    this.#connection = connection;
    this.#turns = turns;
  }

  async all<P, R>(statement: Statement<P, R>, parameters: P): Promise<R[]> {
    await this.#turns.take();
    return this.#connection.all(statement, parameters);
  }

  async first<P, R>(statement: Statement<P, R>, parameters: P): Promise<R | undefined> {
    await this.#turns.take();
    return this.#connection.first(statement, parameters);
  }

  async snapshot<R>(read: (sql: Sql) => Promise<R>): Promise<R> {
    await this.#turns.take();
    this.#connection.execute('begin');
    try {
      // Without turns: the sooner it ends, the better.
      return await read(this.#connection);
    } finally {
      this.#connection.execute('rollback');
    }
  }
}
