// What the scrubber works with.
import type { BlobStore } from '../../blobs/blob-store.ts';
import type { Commands } from '../../metadata/command.ts';
import type { Reports } from '../../metadata/report.ts';
import type { Sql } from '../../metadata/sql.ts';
import type { Pace } from './pace.ts';
import type { ScrubCommands } from './scrub.command.ts';
import type { ScrubReports } from './scrub-reports.ts';

export interface ScrubParts {
  readonly sql: Sql;
  readonly commands: Commands<ScrubCommands>;
  readonly reports: Reports<ScrubReports>;
  readonly blobs: BlobStore;
  readonly pace: Pace;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Makes a name never used before, of [a-z0-9-]. */
  newId(): string;
  /** One line of the log for each damage. */
  warn(message: string): void;
}

/** As jobs have it. */
export interface ScrubContext {
  /** @throws Error when somebody else has the work now. */
  extend(): Promise<void>;
  isStopping(): boolean;
}

/** The work ends here, and goes on another time. */
export class ScrubStopped extends Error {}

const EXTEND_EVERY_MS = 5_000;

/** For long work: to be called after each small step of it. */
export class Attendance {
  readonly #context: ScrubContext;
  readonly #now: () => number;
  #extendedAt: number;

  constructor(context: ScrubContext, now: () => number) {
    this.#context = context;
    this.#now = now;
    this.#extendedAt = now();
  }

  /** @throws ScrubStopped */
  async attend(): Promise<void> {
    if (this.#context.isStopping()) throw new ScrubStopped();
    if (this.#now() - this.#extendedAt < EXTEND_EVERY_MS) return;
    this.#extendedAt = this.#now();
    await this.#context.extend();
  }
}
