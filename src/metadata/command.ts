// A write is a command: a named function with plain arguments that runs inside a transaction. Not a
// closure, because on SQLite it runs in another thread (the request thread never waits for the disk).
import type { Transaction } from './sql.ts';

/**
 * `synced`: what it wrote is on stable storage before the caller is answered.
 * `relaxed`: it survives the end of the process at any instant, but not the loss of power. For what
 * only serves an unfinished upload: nobody was promised that it stays.
 */
export type Durability = 'synced' | 'relaxed';

export interface Command<A, R> {
  readonly durability: Durability;
  /** Throws to undo all it did; the error reaches the caller. Must await nothing but the transaction. */
  run(tx: Transaction, args: A): Promise<R>;
}

export function synced<A, R>(run: Command<A, R>['run']): Command<A, R> {
  return { durability: 'synced', run };
}

export function relaxed<A, R>(run: Command<A, R>['run']): Command<A, R> {
  return { durability: 'relaxed', run };
}

/** Commands by name. `never` lets commands of any argument stand in one table. */
export type CommandTable = Readonly<Record<string, Command<never, unknown>>>;

type ArgumentsOf<C> = C extends Command<infer A, unknown> ? A : never;
type ResultOf<C> = C extends Command<never, infer R> ? R : never;

/** Runs commands, each wholly or not at all; one that fails takes nothing of another's with it. */
export interface Commands<T extends CommandTable> {
  run<K extends keyof T & string>(name: K, args: ArgumentsOf<T[K]>): Promise<ResultOf<T[K]>>;
}

/** The part of `Commands` that drivers implement: names are checked by the typed face above. */
export interface CommandRunner {
  run(name: string, args: unknown): Promise<unknown>;
  /** Waits for what runs, then ends. */
  close(): Promise<void>;
}

/** One transaction of the engine that carried some commands; for metrics. */
export interface CommitObservation {
  readonly commands: number;
  readonly synced: boolean;
  readonly seconds: number;
}

/** @throws Error for a name that the table lacks: a mistake of the program, not of a client. */
export function commandOf(table: CommandTable, name: string): Command<unknown, unknown> {
  const command = table[name];
  if (command === undefined) throw new Error(`there is no command "${name}"`);
  return command as Command<unknown, unknown>;
}
