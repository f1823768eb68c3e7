// SQLite: the only file that knows `bun:sqlite`. A connection belongs to one thread.
import { Database, type Statement as Prepared, SQLiteError } from 'bun:sqlite';
import { RegistryError } from '../oci/errors.ts';
import type { Clock, Transaction } from './sql.ts';
import type { SqlValue, Statement } from './statement.ts';

interface Ready {
  readonly prepared: Prepared<unknown, SqlValue[]>;
  bind(parameters: Readonly<Record<string, SqlValue>>): SqlValue[];
}

export class SqliteConnection implements Transaction {
  readonly engine = 'sqlite';
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #ready = new WeakMap<object, Ready>();

  constructor(database: Database, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
  }

  async all<P, R>(statement: Statement<P, R>, parameters: P): Promise<R[]> {
    const ready = this.#prepare(statement);
    return ready.prepared.all(...ready.bind(parameters as never)) as R[];
  }

  async first<P, R>(statement: Statement<P, R>, parameters: P): Promise<R | undefined> {
    const ready = this.#prepare(statement);
    return (ready.prepared.get(...ready.bind(parameters as never)) ?? undefined) as R | undefined;
  }

  async run<P, R>(statement: Statement<P, R>, parameters: P): Promise<number> {
    const ready = this.#prepare(statement);
    return ready.prepared.run(...ready.bind(parameters as never)).changes;
  }

  async now(): Promise<number> {
    return this.#clock();
  }

  /** Runs SQL text as it is: `begin`, `pragma`. Each text is prepared once. */
  execute(sql: string): void {
    this.#database.query(sql).run();
  }

  /** Runs SQL text with positional values and gives its rows; for migrations only. */
  query(sql: string, values: SqlValue[]): unknown[] {
    return this.#database.prepare(sql).all(...values);
  }

  get inTransaction(): boolean {
    return this.#database.inTransaction;
  }

  /** The whole database as bytes: the simulation's picture of a disk. */
  serialize(): Uint8Array {
    return this.#database.serialize();
  }

  close(): void {
    this.#database.close(true);
  }

  #prepare(statement: Statement<unknown, unknown>): Ready {
    const known = this.#ready.get(statement);
    if (known !== undefined) return known;
    const compiled = statement.compile('sqlite');
    const ready = { prepared: this.#database.prepare(compiled.sql), bind: compiled.bind };
    this.#ready.set(statement, ready as Ready);
    return ready as Ready;
  }
}

/** Milliseconds that a connection waits for another process's transaction before it gives up. */
const BUSY_TIMEOUT_MS = 10_000;
/** Tries to switch to the log before a start is given up. */
const WAL_ATTEMPTS = 1_000;

/** Opens the writing connection, creating the file. `:memory:` and serialized bytes are for tests. */
export function openSqliteWriter(source: string | Uint8Array, clock: Clock): SqliteConnection {
  const database =
    typeof source === 'string'
      ? new Database(source, { create: true, readwrite: true })
      : Database.deserialize(source);
  // First of all: another process may be making the same file right now.
  database.run(`pragma busy_timeout = ${BUSY_TIMEOUT_MS}`);
  keepFreePages(database);
  enterWal(database);
  database.run('pragma foreign_keys = on');
  database.run('pragma synchronous = full');
  // Checkpoints are run by the writer between batches, never inside a commit that somebody waits for.
  database.run('pragma wal_autocheckpoint = 0');
  database.run('pragma cache_size = -32768');
  database.run('pragma temp_store = memory');
  return new SqliteConnection(database, clock);
}

/** As `pragma auto_vacuum` answers it. */
const INCREMENTAL = 2;

/** Set before the first table, or it never takes effect. Setting it writes, for which a full disk has no room. */
function keepFreePages(database: Database): void {
  const set = database.query('pragma auto_vacuum').get() as { auto_vacuum: number } | null;
  if (set?.auto_vacuum !== INCREMENTAL) database.run('pragma auto_vacuum = incremental');
}

/**
 * The first switch to the log asks for the whole file, and SQLite does not wait for that when two
 * processes ask at once. Whoever comes second finds it done a moment later.
 */
function enterWal(database: Database): void {
  for (let attempt = 1; ; attempt += 1) {
    try {
      database.run('pragma journal_mode = wal');
      return;
    } catch (error) {
      const isBusy = error instanceof SQLiteError && error.code?.startsWith('SQLITE_BUSY');
      if (!isBusy || attempt === WAL_ATTEMPTS) throw error;
      // A read waits as long as the other one holds the file.
      database.run('select count(*) from sqlite_schema');
    }
  }
}

/** Opens a connection that only reads. The file must exist. */
export function openSqliteReader(path: string, clock: Clock): SqliteConnection {
  const database = new Database(path, { readonly: true });
  database.run(`pragma busy_timeout = ${BUSY_TIMEOUT_MS}`);
  database.run('pragma query_only = on');
  database.run('pragma cache_size = -32768');
  database.run('pragma mmap_size = 268435456');
  return new SqliteConnection(database, clock);
}

export function isSqliteFault(error: unknown): error is Error {
  return error instanceof SQLiteError;
}

/** Turns a fault of SQLite into one that a client and an operator can act on; other errors stay. */
export function explainSqliteFault(error: unknown): unknown {
  if (!(error instanceof SQLiteError)) return error;
  const code = error.code ?? '';
  if (code === 'SQLITE_FULL') {
    return new RegistryError('STORAGE_FULL', undefined, undefined, { cause: error });
  }
  if (code.startsWith('SQLITE_BUSY') || code === 'SQLITE_LOCKED') {
    return new RegistryError('UNAVAILABLE', undefined, undefined, { cause: error });
  }
  if (/^SQLITE_(IOERR|READONLY|CANTOPEN|CORRUPT|PERM|NOTADB)/.test(code)) {
    return new RegistryError('STORAGE_FAILED', undefined, undefined, { cause: error });
  }
  return error;
}
