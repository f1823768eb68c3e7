// Takes jobs from the queue and runs them: one at a time, and beside it those that take long. Every node has
// one; the lease decides who works.
import type { Commands } from '../metadata/command.ts';
import type { Job, JobEnd } from '../metadata/jobs.ts';
import type { JobCommands } from './job.command.ts';
import { backOffMs, type JobKind, JobStopped, LEASE_MS, MAX_ATTEMPTS } from './job-kinds.ts';

export interface WorkerParts {
  readonly commands: Commands<JobCommands>;
  readonly kinds: readonly JobKind[];
  /** Names this process. */
  readonly owner: string;
  /** Waits; ends early when `signal` is aborted. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  failed(job: Job, error: unknown): void;
  /** The queue cannot be asked; told once until it can be again. */
  unreachable(error: unknown): void;
}

/** Milliseconds between two looks at an empty queue. */
const POLL_MS = 1_000;

export class JobWorker {
  readonly #parts: WorkerParts;
  readonly #kinds: ReadonlyMap<string, JobKind>;
  readonly #stopping = new AbortController();
  #running: Promise<void> | undefined;
  readonly #long = new Set<Promise<void>>();

  constructor(parts: WorkerParts) {
    this.#parts = parts;
    this.#kinds = new Map(parts.kinds.map((kind) => [kind.kind, kind]));
  }

  /** Adds the jobs that run again and again, and begins to work. */
  async start(): Promise<void> {
    for (const { kind, everyMs, isWanted } of this.#parts.kinds) {
      if (everyMs !== undefined && isWanted === undefined) await this.#addRecurring(kind);
    }
    this.#running = this.#work();
  }

  /** Lets the running job end. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    await Promise.all(this.#long);
  }

  async #work(): Promise<void> {
    const { signal } = this.#stopping;
    let isReachable = true;
    while (!signal.aborted) {
      let hasWorked = false;
      try {
        await this.#addWanted();
        hasWorked = await this.runNext();
        isReachable = true;
      } catch (error) {
        if (isReachable) this.#parts.unreachable(error);
        isReachable = false;
      }
      if (!hasWorked && !signal.aborted) await this.#parts.sleep(POLL_MS, signal);
    }
  }

  async #addWanted(): Promise<void> {
    for (const one of this.#parts.kinds) {
      if (await one.isWanted?.()) await this.#addRecurring(one.kind);
    }
  }

  async #addRecurring(kind: string): Promise<void> {
    const job = { kind, key: `every:${kind}`, arguments: '{}', runAt: 0 };
    await this.#parts.commands.run('addJob', job);
  }

  /** Runs the job that is due first. @returns false when none is due. */
  async runNext(): Promise<boolean> {
    const { commands, owner } = this.#parts;
    const job = await commands.run('leaseJob', { owner, leaseMs: LEASE_MS });
    if (job === undefined) return false;
    const { id, attempts } = job;
    const work = this.#run(job).then((end) => commands.run('endJob', { id, owner, attempts, end }));
    if (this.#kinds.get(job.kind)?.isLong !== true) await work;
    else this.#runBeside(work);
    return true;
  }

  /** Should its end not be written down, its lease ends, and somebody takes it anew. */
  #runBeside(work: Promise<void>): void {
    const beside = work
      .catch((error: unknown) => this.#parts.unreachable(error))
      .finally(() => this.#long.delete(beside));
    this.#long.add(beside);
  }

  async #run(job: Job): Promise<JobEnd> {
    const kind = this.#kinds.get(job.kind);
    try {
      if (kind === undefined)
        throw new Error(`this version knows no job of the kind "${job.kind}"`);
      // It comes round a last time and ends, so that nothing is written from then on.
      if (kind.isWanted !== undefined && !(await kind.isWanted())) return { kind: 'done' };
      await kind.run(this.#contextOf(job), JSON.parse(job.arguments));
    } catch (error) {
      if (error instanceof JobStopped) return { kind: 'again', inMs: 0 };
      this.#parts.failed(job, error);
      const text = error instanceof Error ? error.message : String(error);
      // Work that comes round again is never given up, or a passing fault would end it for good.
      if (job.attempts >= MAX_ATTEMPTS && kind?.everyMs === undefined) {
        return { kind: 'dead', error: text };
      }
      return { kind: 'failed', inMs: backOffMs(job.attempts), error: text };
    }
    return kind.everyMs === undefined ? { kind: 'done' } : { kind: 'again', inMs: kind.everyMs };
  }

  #contextOf(job: Job) {
    const { commands, owner } = this.#parts;
    return {
      isStopping: () => this.#stopping.signal.aborted,
      async extend() {
        const lease = { id: job.id, owner, leaseMs: LEASE_MS };
        if (!(await commands.run('extendLease', lease))) {
          throw new Error('the lease of the job was lost');
        }
      },
    };
  }
}
