// What is gathered in memory goes to the database once a second, one write at a time, and the last of it at
// the end. What is gathered, and what of it there is room for, is its owner's affair.

const PERIOD_MS = 1_000;

/** What a gathering needs to write its batches. */
export interface GatheringParts<Batch> {
  write(batch: Batch): Promise<void>;
  /** Told when a write failed; what it held is kept for the next one, as far as there is room. */
  failed(error: unknown): void;
  /** Milliseconds, never set back. */
  now(): number;
  repeat?: Repeat;
}

/** Calls `work` again and again until it is told to end. Default: a timer, each second. */
type Repeat = (work: () => void) => () => void;

export class RegularWrite {
  readonly #write: () => Promise<void>;
  readonly #end: () => void;
  #writing: Promise<void> | undefined;

  /** `write`: of all that waits. Never rejects. */
  constructor(write: () => Promise<void>, repeat: Repeat = eachSecond) {
    this.#write = write;
    this.#end = repeat(() => void this.flush());
  }

  /** Writes what waits. Never rejects. */
  flush(): Promise<void> {
    // One at a time: while the database is slow, what comes waits where it is gathered.
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
    });
    return this.#writing;
  }

  /** Writes the last ones. Call it when no request can come any more and the database is still open. */
  async close(): Promise<void> {
    this.#end();
    await this.#writing;
    await this.flush();
  }
}

function eachSecond(work: () => void): () => void {
  const timer = setInterval(work, PERIOD_MS);
  timer.unref();
  return () => clearInterval(timer);
}
