// How fast the scrubber reads. It lives in the thread of requests: a piece of 256 KiB is hashed in some 0.1
// ms, and between two pieces everything else has its turn; at 8 MiB a second that is half a percent of a
// core. A thread of its own would cost a second copy of the program for that.

export interface PaceOptions {
  /** Infinity: as fast as it goes. */
  readonly bytesPerSecond: number;
  /** Milliseconds that only rise. */
  elapsed(): number;
  sleep(ms: number): Promise<void>;
}

/** Shorter rests are saved up. */
const SHORTEST_REST_MS = 5;
/** A look at something small costs as much as to read so many bytes. */
const LEAST_BYTES = 16 * 1024;
/** Time that was not used is not made up for beyond this: after a pause there is no burst. */
const LONGEST_CREDIT_MS = 250;

export class Pace {
  readonly #options: PaceOptions;
  /** Until when what was read keeps the disk busy at this rate. */
  #until = 0;

  constructor(options: PaceOptions) {
    this.#options = options;
  }

  /** Rests after `bytes` were read, as long as the rate wants it. */
  async spend(bytes: number): Promise<void> {
    const { bytesPerSecond, elapsed, sleep } = this.#options;
    if (!Number.isFinite(bytesPerSecond)) {
      // Reads of a database may come without a wait between them.
      await new Promise((resolve) => setImmediate(resolve));
      return;
    }
    const now = elapsed();
    const costMs = (Math.max(bytes, LEAST_BYTES) / bytesPerSecond) * 1000;
    this.#until = Math.max(this.#until, now - LONGEST_CREDIT_MS) + costMs;
    if (this.#until - now >= SHORTEST_REST_MS) await sleep(this.#until - now);
  }
}
