// Several transactions at once on a real PostgreSQL, each stopped before every statement and before its
// commit. The seed says whose turn it is. Who waits for a lock does not come back: the others go on.
import type { Sql, Transaction } from '../../../src/metadata/sql.ts';
import type { Statement } from '../../../src/metadata/statement.ts';
import type { Random } from '../random.ts';

/** A statement takes a fraction of a millisecond: who needs more waits for somebody. */
const LONGEST_MS = 8;
/** Nobody moves any more, and the server has broken no deadlock. */
const STUCK_MS = 20_000;
const MOST_TURNS = 5_000;

interface Actor {
  readonly name: string;
  go: (() => void) | undefined;
  isDone: boolean;
}

export class Pauses {
  readonly trace: string[] = [];
  readonly #random: Random;
  readonly #actors: Actor[] = [];
  #stopped = Promise.withResolvers<void>();

  constructor(random: Random) {
    this.#random = random;
  }

  /** Runs all of them to their end. */
  async run(actors: readonly { name: string; work(turn: Turn): Promise<void> }[]): Promise<void> {
    const running = actors.map(async ({ name, work }) => {
      const actor: Actor = { name, go: undefined, isDone: false };
      this.#actors.push(actor);
      try {
        await work((label) => this.#turn(actor, label));
      } finally {
        actor.isDone = true;
        this.#stopped.resolve();
      }
    });
    const all = Promise.all(running);
    all.catch(() => this.#stopped.resolve());
    for (let turns = 0; !this.#actors.every(({ isDone }) => isDone); turns += 1) {
      if (turns > MOST_TURNS) throw new Error(`no end after ${MOST_TURNS} turns`);
      await this.#giveTurn();
    }
    await all;
  }

  #turn(actor: Actor, label: string): Promise<void> {
    return new Promise((go) => {
      actor.go = () => {
        this.trace.push(`${actor.name}: ${label}`);
        go();
      };
      this.#stopped.resolve();
    });
  }

  async #giveTurn(): Promise<void> {
    const waiting = this.#actors.filter(({ go }) => go !== undefined);
    this.#stopped = Promise.withResolvers<void>();
    if (waiting.length === 0) {
      if (this.#actors.every(({ isDone }) => isDone)) return;
      if ((await this.#comesToAStop(STUCK_MS)) === 'late') throw new Error('everybody waits');
      return;
    }
    const actor = this.#random.pick(waiting);
    const { go } = actor;
    actor.go = undefined;
    go?.();
    // Whoever comes to a stop: the one that moved, or one that it has freed.
    if ((await this.#comesToAStop(LONGEST_MS)) === 'late') this.trace.push(`${actor.name} waits`);
  }

  async #comesToAStop(ms: number): Promise<'stopped' | 'late'> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(() => resolve('late'), ms);
    });
    const first = await Promise.race([this.#stopped.promise.then(() => 'stopped' as const), late]);
    clearTimeout(timer);
    return first;
  }
}

export type Turn = (label: string) => Promise<void>;

/** Stops before each statement. */
export function paused(tx: Transaction, turn: Turn): Transaction {
  const label = (statement: Statement<never, unknown>) =>
    statement.compile('postgres').sql.replaceAll(/\s+/g, ' ').slice(0, 110);
  const stop = (statement: unknown) => turn(label(statement as Statement<never, unknown>));
  const reads: Sql = {
    engine: tx.engine,
    async all(statement, parameters) {
      await stop(statement);
      return tx.all(statement, parameters);
    },
    async first(statement, parameters) {
      await stop(statement);
      return tx.first(statement, parameters);
    },
  };
  return {
    ...reads,
    async run(statement, parameters) {
      await stop(statement);
      return tx.run(statement, parameters);
    },
    now: () => tx.now(),
  };
}
