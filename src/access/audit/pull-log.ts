// Pulls on their way to the audit log, when the setting asks for them. A pull never waits for its record:
// they are gathered in memory and written together once a second. What there is no room for is counted.
import type { Act } from '../../metadata/audit.ts';
import type { RecordPulls } from './audit.command.ts';

/** Pulls of one flush with a row of their own: beyond it the rows would hold up those who push. */
const KEPT = 2_000;
const FLUSH_MS = 1_000;

export interface PullLogParts {
  write(batch: RecordPulls): Promise<void>;
  /** Told when a flush failed; what it held is kept for the next one, as far as there is room. */
  failed(error: unknown): void;
  /** Milliseconds, never set back. */
  now(): number;
  /** Calls `work` again and again until it is told to end. Default: a timer, each second. */
  repeat?(work: () => void): () => void;
}

export interface Pull extends Pick<Act, 'actor' | 'target'> {
  /** What was given. */
  readonly digest: string;
}

interface Waiting extends Pull {
  readonly since: number;
}

function eachSecond(work: () => void): () => void {
  const timer = setInterval(work, FLUSH_MS);
  timer.unref();
  return () => clearInterval(timer);
}

export class PullLog {
  readonly #parts: PullLogParts;
  readonly #end: () => void;
  #waiting: Waiting[] = [];
  #more = 0;
  #flushing: Promise<void> | undefined;

  constructor(parts: PullLogParts) {
    this.#parts = parts;
    this.#end = (parts.repeat ?? eachSecond)(() => void this.flush());
  }

  record({ actor, target, digest }: Pull): void {
    if (this.#waiting.length >= KEPT) this.#more += 1;
    else this.#waiting.push({ actor, target, digest, since: this.#parts.now() });
  }

  /** Writes what waits. Never rejects. */
  flush(): Promise<void> {
    // One at a time: while the database is slow, what comes waits in the bounded buffer.
    this.#flushing ??= this.#write().finally(() => {
      this.#flushing = undefined;
    });
    return this.#flushing;
  }

  async #write(): Promise<void> {
    const [waiting, more] = [this.#waiting, this.#more];
    if (waiting.length === 0 && more === 0) return;
    this.#waiting = [];
    this.#more = 0;
    try {
      const now = this.#parts.now();
      const pulls = waiting.map(({ since, ...pull }) => ({ ...pull, agoMs: now - since }));
      await this.#parts.write({ pulls, more });
    } catch (error) {
      const all = [...waiting, ...this.#waiting];
      this.#waiting = all.slice(0, KEPT);
      this.#more += more + all.length - this.#waiting.length;
      this.#parts.failed(error);
    }
  }

  /** Writes the last ones. Call it when no request can come any more and the database is still open. */
  async close(): Promise<void> {
    this.#end();
    await this.#flushing;
    await this.flush();
  }
}
