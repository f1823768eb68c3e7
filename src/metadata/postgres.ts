// PostgreSQL: the only file that knows the `postgres` driver. Commands run in pooled transactions.
import postgres from 'postgres';
import { RegistryError } from '../oci/errors.ts';
import {
  type CommandRunner,
  type CommandTable,
  type CommitObservation,
  commandOf,
} from './command.ts';
import { type ReportRunner, type ReportSql, type ReportTable, reportOf } from './report.ts';
import type { Sql, Transaction } from './sql.ts';
import type { SqlValue, Statement } from './statement.ts';

/** bigint columns come back as numbers: ids and sizes stay below 2^53 (schema.ts). */
const WHOLE_NUMBER = {
  to: 20,
  from: [20],
  serialize: (value: number) => String(value),
  parse(text: string): number {
    const value = Number(text);
    if (!Number.isSafeInteger(value)) throw new Error(`the database holds ${text}, beyond 2^53`);
    return value;
  },
};

type Pool = postgres.Sql<{ bigint: number }>;
type Connection = Pool | postgres.TransactionSql<{ bigint: number }>;

/** Opens a pool; nothing is connected before the first query. */
export function openPostgresPool(url: string, connections: number): Pool {
  return postgres(url, {
    max: connections,
    types: { bigint: WHOLE_NUMBER },
    onnotice: () => {},
    connection: { application_name: 'entrepot' },
  }) as Pool;
}

export class PostgresSql implements Sql {
  readonly engine = 'postgres';
  protected readonly connection: Connection;

  constructor(connection: Connection) {
    this.connection = connection;
  }

  async all<P, R>(statement: Statement<P, R>, parameters: P): Promise<R[]> {
    return (await this.query(statement, parameters)) as unknown as R[];
  }

  async first<P, R>(statement: Statement<P, R>, parameters: P): Promise<R | undefined> {
    return (await this.query(statement, parameters))[0] as R | undefined;
  }

  protected async query<P, R>(statement: Statement<P, R>, parameters: P) {
    const { sql, bind } = statement.compile('postgres');
    const values = bind(parameters as Readonly<Record<string, SqlValue>>);
    try {
      return await this.connection.unsafe(sql, values, { prepare: true });
    } catch (error) {
      throw explainPostgresFault(error);
    }
  }
}

class PostgresTransaction extends PostgresSql implements Transaction {
  async run<P, R>(statement: Statement<P, R>, parameters: P): Promise<number> {
    return (await this.query(statement, parameters)).count;
  }

  /** The clock of the database: many nodes, one time. */
  async now(): Promise<number> {
    const rows = await this.connection.unsafe(
      'select (extract(epoch from clock_timestamp()) * 1000)::bigint as now',
      [],
      { prepare: true },
    );
    return rows[0]?.now as number;
  }
}

/** Tries again after a deadlock or a serialisation failure: the transaction took no effect. */
const ATTEMPTS = 5;

export class PostgresCommands implements CommandRunner {
  readonly #pool: Pool;
  readonly #commands: CommandTable;
  readonly #observe: ((commit: CommitObservation) => void) | undefined;

  constructor(pool: Pool, commands: CommandTable, observe?: (commit: CommitObservation) => void) {
    this.#pool = pool;
    this.#commands = commands;
    this.#observe = observe;
  }

  async run(name: string, args: unknown): Promise<unknown> {
    const command = commandOf(this.#commands, name);
    for (let attempt = 1; ; attempt += 1) {
      const started = performance.now();
      try {
        const value = await this.#pool.begin(async (connection) => {
          if (command.durability === 'relaxed') {
            await connection.unsafe('set local synchronous_commit = off');
          }
          return { value: await command.run(new PostgresTransaction(connection), args) };
        });
        const seconds = (performance.now() - started) / 1000;
        this.#observe?.({ commands: 1, synced: command.durability === 'synced', seconds });
        return (value as { value: unknown }).value;
      } catch (error) {
        if (attempt < ATTEMPTS && isWorthAnotherTry(error)) continue;
        throw explainPostgresFault(error);
      }
    }
  }

  async close(): Promise<void> {
    await this.#pool.end({ timeout: 10 });
  }
}

class PostgresReportSql extends PostgresSql implements ReportSql {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    super(pool);
    this.#pool = pool;
  }

  async snapshot<R>(read: (sql: Sql) => Promise<R>): Promise<R> {
    const kind = 'isolation level repeatable read read only';
    const done = await this.#pool.begin(kind, async (connection) => ({
      value: await read(new PostgresSql(connection)),
    }));
    return (done as { value: R }).value;
  }
}

/** Reports, in the thread that this runs in, with a pool of their own. */
export class PostgresReports implements ReportRunner {
  readonly #pool: Pool;
  readonly #reports: ReportTable;

  constructor(pool: Pool, reports: ReportTable) {
    this.#pool = pool;
    this.#reports = reports;
  }

  async run(name: string, args: unknown): Promise<unknown> {
    try {
      return await reportOf(this.#reports, name)(new PostgresReportSql(this.#pool), args);
    } catch (error) {
      throw explainPostgresFault(error);
    }
  }

  /** Ends at once: whoever still reads is refused. */
  async close(): Promise<void> {
    await this.#pool.end({ timeout: 0 });
  }
}

/** Runs `work` in one transaction that holds the lock of migrations, alone among all nodes. */
export async function withMigrationLock<R>(
  pool: Pool,
  work: (execute: (sql: string, values?: SqlValue[]) => Promise<readonly unknown[]>) => Promise<R>,
): Promise<R> {
  const done = await pool.begin(async (connection) => {
    // Any number, the same for ever.
    await connection.unsafe('select pg_advisory_xact_lock(5077921934)');
    return { result: await work((sql, values) => connection.unsafe(sql, values ?? [])) };
  });
  return (done as { result: R }).result;
}

function errorCode(error: unknown): string {
  if (error instanceof RegistryError) return errorCode(error.cause);
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : '';
}

function isWorthAnotherTry(error: unknown): boolean {
  // Serialisation failure, deadlock, two first inserts of one key at once, and a row that the collector
  // took away just before something was to refer to it.
  return ['40001', '40P01', '23505', '23503'].includes(errorCode(error));
}

/** Turns a fault of the connection or the server into one that can be acted on; other errors stay. */
function explainPostgresFault(error: unknown): unknown {
  const code = errorCode(error);
  if (error instanceof RegistryError) return error;
  if (code === '53100') {
    return new RegistryError('STORAGE_FULL', undefined, undefined, { cause: error });
  }
  const away = /^(CONNECT|ECONN|ETIMEDOUT|EPIPE|ENOTFOUND|57P0|53300|08|40001|40P01)/;
  if (away.test(code)) {
    return new RegistryError('UNAVAILABLE', undefined, undefined, { cause: error });
  }
  return error;
}
