// What a kind of job is: the work, how often, and how patiently it is tried again.

export interface JobContext {
  /** Call at least every few seconds of work. Throws when the lease was lost: somebody else has the job. */
  extend(): Promise<void>;
  /** True once the process is shutting down: end soon, the rest waits for the next turn. */
  isStopping(): boolean;
}

export interface JobKind {
  readonly kind: string;
  /** Milliseconds between two runs; undefined = runs once for each time that it is added. */
  readonly everyMs: number | undefined;
  /**
   * With `everyMs`: comes round only while this says so, asked at each look at the queue. For what must
   * follow soon after a change and write nothing while nothing changes. A cheap read.
   */
  isWanted?(): Promise<boolean>;
  /** It may take hours: other jobs are run meanwhile. */
  readonly isLong?: true;
  run(context: JobContext, args: unknown): Promise<void>;
}

/** Thrown by work that a stop has ended in its middle: it begins again after the next start, and is no failure. */
export class JobStopped extends Error {
  constructor() {
    super('stopped: the rest is done after the next start');
    this.name = 'JobStopped';
  }
}

/** Milliseconds that a job belongs to who took it, unless extended. */
export const LEASE_MS = 60_000;
/** Failures after which a job is laid aside. */
export const MAX_ATTEMPTS = 10;

/** Milliseconds until the next try: doubles from one second to an hour. */
export function backOffMs(attempts: number): number {
  return Math.min(1000 * 2 ** Math.max(0, attempts - 1), 3_600_000);
}
