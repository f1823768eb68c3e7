// Says that this node is there, and writes down its counts of pulls: every few seconds, and at once when a
// retention run wants to rely on them.
import type { Commands } from '../metadata/command.ts';
import { pullsWantedAt } from '../metadata/nodes.ts';
import type { Sql } from '../metadata/sql.ts';
import type { nodeCommands } from './node.command.ts';

export interface PresenceParts {
  readonly sql: Sql;
  readonly commands: Commands<ReturnType<typeof nodeCommands>>;
  readonly instance: string;
  /** Writes down the counts that are in memory. */
  flushPulls(): Promise<void>;
  /** Milliseconds, of any origin. */
  readonly now: () => number;
  failed(error: unknown): void;
}

/** Milliseconds between two looks whether counts are wanted: so long a run waits for them. */
const LOOK_MS = 1_000;
/** Milliseconds between two flushes of the counts: so much of them a crash loses. */
const FLUSH_MS = 5_000;
/** Milliseconds between two signs of life. */
const SEEN_MS = 60_000;

export class NodePresence {
  readonly #parts: PresenceParts;
  #timer: ReturnType<typeof setInterval> | undefined;
  #flushedAt: number;
  #seenAt = Number.NEGATIVE_INFINITY;
  #flushedFor = 0;
  #looking: Promise<void> | undefined;

  constructor(parts: PresenceParts) {
    this.#parts = parts;
    this.#flushedAt = parts.now();
  }

  /** From here on no run fails to wait for this node. */
  async start(): Promise<void> {
    await this.look();
    this.#timer = setInterval(() => {
      // One that takes long is not joined by the next.
      this.#looking ??= this.look()
        .catch((error: unknown) => this.#parts.failed(error))
        .finally(() => {
          this.#looking = undefined;
        });
    }, LOOK_MS);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
    try {
      await this.#parts.flushPulls();
      await this.#parts.commands.run('forgetNode', this.#parts.instance);
    } catch (error) {
      this.#parts.failed(error);
    }
  }

  /** What is done each second. */
  async look(): Promise<void> {
    const { sql, commands, instance, flushPulls, now } = this.#parts;
    if (now() - this.#seenAt >= SEEN_MS) {
      await commands.run('noteNode', instance);
      this.#seenAt = now();
    }
    const wantedAt = await pullsWantedAt(sql);
    const isWanted = wantedAt > this.#flushedFor;
    if (!isWanted && now() - this.#flushedAt < FLUSH_MS) return;
    await flushPulls();
    this.#flushedAt = now();
    if (!isWanted) return;
    await commands.run('noteFlush', instance);
    this.#flushedFor = wantedAt;
  }
}
