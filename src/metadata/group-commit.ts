// Many commands, one transaction, one sync: the writer of SQLite.
//
// All commands that wait are taken together, each runs in a savepoint of its own, one commit makes
// them durable, then everyone is answered. A command that fails is rolled back to its savepoint and
// takes nothing of another's with it.
import {
  type CommandRunner,
  type CommandTable,
  type CommitObservation,
  commandOf,
  type Durability,
} from './command.ts';
import type { Transaction } from './sql.ts';
import { explainSqliteFault, type SqliteConnection } from './sqlite.ts';
import type { Statement } from './statement.ts';

interface Waiting {
  readonly name: string;
  readonly args: unknown;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

type Outcome = { readonly value: unknown } | { readonly error: unknown };

export interface GroupCommitOptions {
  readonly connection: SqliteConnection;
  readonly commands: CommandTable;
  observe?(commit: CommitObservation): void;
  /** Waits until commands that are on their way have arrived; absent = the ones present are the batch. */
  gather?(): Promise<void>;
  /** The log could not be moved into the database: a full or failing disk. Nothing is lost. */
  checkpointFailed?(error: unknown): void;
}

/** Commands in one transaction: bounds how long a reader of the log waits and how much one fault undoes. */
const BATCH_COMMANDS = 256;
/** Commits between two looks at the log: at 4 KiB a page and a few pages a commit, some megabytes. */
const COMMITS_PER_CHECKPOINT = 500;

export class GroupCommit implements CommandRunner {
  readonly #options: GroupCommitOptions;
  readonly #waiting: Waiting[] = [];
  #draining: Promise<void> | undefined;
  #synchronous: Durability = 'synced';
  #commitsSinceCheckpoint = 0;
  #closed = false;

  constructor(options: GroupCommitOptions) {
    this.#options = options;
  }

  run(name: string, args: unknown): Promise<unknown> {
    if (this.#closed) return Promise.reject(new Error('the writer is closed'));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ name, args, resolve, reject });
      this.#draining ??= this.#drain();
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#draining;
    this.#checkpoint('truncate');
    this.#options.connection.close();
  }

  async #drain(): Promise<void> {
    // Awaits in any case, so that `#draining` is set before the last step below clears it.
    await this.#options.gather?.();
    while (this.#waiting.length > 0) {
      await this.#commitBatch(this.#waiting.splice(0, BATCH_COMMANDS));
      await this.#options.gather?.();
      this.#checkpointWhenDue();
    }
    // In the same step as the last look at the queue: a command that came in between would wait for ever.
    this.#draining = undefined;
  }

  async #commitBatch(batch: readonly Waiting[]): Promise<void> {
    const started = performance.now();
    const { connection, commands } = this.#options;
    const isSynced = batch.some((w) => commands[w.name]?.durability !== 'relaxed');
    let outcomes: Outcome[] = [];
    try {
      this.#setSynchronous(isSynced ? 'synced' : 'relaxed');
      connection.execute('begin immediate');
      for (const waiting of batch) outcomes.push(await this.#runInSavepoint(waiting));
      connection.execute('commit');
    } catch (cause) {
      // The transaction as a whole failed: nobody's command took effect.
      if (batch.length > 1 && outcomes.length < batch.length && !connection.inTransaction) {
        // One command did that, on a full disk: the others are run again, each by itself.
        for (const waiting of batch) await this.#commitBatch([waiting]);
        return;
      }
      rollBack(connection);
      const error = explainSqliteFault(cause);
      outcomes = batch.map(() => ({ error }));
    }
    const seconds = (performance.now() - started) / 1000;
    this.#options.observe?.({ commands: batch.length, synced: isSynced, seconds });
    batch.forEach((waiting, index) => {
      const outcome = outcomes[index] as Outcome;
      if ('value' in outcome) waiting.resolve(outcome.value);
      else waiting.reject(outcome.error);
    });
  }

  async #runInSavepoint(waiting: Waiting): Promise<Outcome> {
    const { connection, commands } = this.#options;
    connection.execute('savepoint command');
    try {
      const tx = new CommandTransaction(connection);
      const value = await commandOf(commands, waiting.name).run(tx, waiting.args);
      connection.execute('release command');
      return { value };
    } catch (error) {
      // On a full disk SQLite may have ended the whole transaction by itself: then all of it failed.
      if (!connection.inTransaction) throw error;
      connection.execute('rollback to command');
      connection.execute('release command');
      return { error: explainSqliteFault(error) };
    }
  }

  /** A batch is synced when any of its commands asks for it; the log is one file, so a sync covers all before. */
  #setSynchronous(durability: Durability): void {
    if (this.#synchronous === durability) return;
    const mode = durability === 'synced' ? 'full' : 'normal';
    this.#options.connection.execute(`pragma synchronous = ${mode}`);
    this.#synchronous = durability;
  }

  #checkpointWhenDue(): void {
    this.#commitsSinceCheckpoint += 1;
    if (this.#commitsSinceCheckpoint < COMMITS_PER_CHECKPOINT) return;
    this.#commitsSinceCheckpoint = 0;
    this.#checkpoint('passive');
  }

  /** Moves the log into the database. What fails here is safe in the log, and is tried again later. */
  #checkpoint(mode: 'passive' | 'truncate'): void {
    try {
      this.#options.connection.execute(`pragma wal_checkpoint(${mode})`);
    } catch (error) {
      this.#options.checkpointFailed?.(error);
    }
  }
}

/** One for each command, so that what is remembered of a transaction is not taken for another's. */
class CommandTransaction implements Transaction {
  readonly engine = 'sqlite';
  readonly #connection: SqliteConnection;

  constructor(connection: SqliteConnection) {
    this.#connection = connection;
  }

  all<P, R>(statement: Statement<P, R>, parameters: P): Promise<R[]> {
    return this.#connection.all(statement, parameters);
  }

  first<P, R>(statement: Statement<P, R>, parameters: P): Promise<R | undefined> {
    return this.#connection.first(statement, parameters);
  }

  run<P, R>(statement: Statement<P, R>, parameters: P): Promise<number> {
    return this.#connection.run(statement, parameters);
  }

  now(): Promise<number> {
    return this.#connection.now();
  }
}

function rollBack(connection: SqliteConnection): void {
  try {
    if (connection.inTransaction) connection.execute('rollback');
  } catch {
    // The next `begin` says what is wrong; the fault that led here is the one to tell.
  }
}
