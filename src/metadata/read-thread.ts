// Reports in a thread of their own: both ends of the conversation.
//
// The thread starts with the first report and ends when there was none for a while, so that a registry that
// is asked for none carries no second copy of the program. When it dies, those who wait are told, and the
// next report starts another.
import { RegistryError } from '../oci/errors.ts';
import { fromPlain, type PlainError, toPlain } from './plain-error.ts';
import { type ReportRunner, reportsClosed } from './report.ts';

type Message =
  | { readonly kind: 'open'; readonly database: unknown }
  | { readonly kind: 'run'; readonly id: number; readonly name: string; readonly args: unknown }
  | { readonly kind: 'close' };

type Reply =
  | { readonly kind: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'error'; readonly id: number; readonly error: PlainError }
  | { readonly kind: 'closed' };

/** The thread's end: called once by the thread's entry file. `open` gets the `database` of the other end. */
export function serveReports<D>(open: (database: D) => Promise<ReportRunner>): void {
  const port = globalThis as unknown as Worker;
  const post = (reply: Reply) => port.postMessage(reply);
  let opening: Promise<ReportRunner> | undefined;
  port.onmessage = async (event: MessageEvent<Message>) => {
    const message = event.data;
    if (message.kind === 'open') {
      opening = open(message.database as D);
      // Whoever runs a report hears of it.
      opening.catch(() => {});
    } else if (message.kind === 'run') {
      const { id, name, args } = message;
      try {
        const runner = (await opening) as ReportRunner;
        post({ kind: 'answer', id, value: await runner.run(name, args) });
      } catch (error) {
        post({ kind: 'error', id, error: toPlain(error) });
      }
    } else {
      await opening?.then((runner) => runner.close()).catch(() => {});
      post({ kind: 'closed' });
    }
  };
}

export interface ThreadReportsOptions {
  /** The file that calls `serveReports`. */
  readonly entry: string | URL;
  /** Plain data that tells it what to open. */
  readonly database: unknown;
  /** Milliseconds without a report after which the thread ends. */
  readonly idleMs?: number;
}

/** Long enough for somebody who looks at one page after the other. */
const IDLE_MS = 60_000;
/** Reports that run and wait at once: more would only make all of them late. */
const MOST_REPORTS = 64;
/** Milliseconds that a report gets to come to its next read when all ends. */
const CLOSING_MS = 5_000;

/** The caller's end. */
export class ThreadReports implements ReportRunner {
  readonly #options: ThreadReportsOptions;
  #thread: ReadThread | undefined;
  /** Threads that were told to end, and have not yet. */
  readonly #ending = new Set<Promise<void>>();
  #idle: ReturnType<typeof setTimeout> | undefined;
  #running = 0;
  #isClosed = false;

  constructor(options: ThreadReportsOptions) {
    this.#options = options;
  }

  async run(name: string, args: unknown): Promise<unknown> {
    if (this.#isClosed) throw reportsClosed();
    if (this.#running >= MOST_REPORTS) {
      throw new RegistryError(
        'TOOMANYREQUESTS',
        'Too many long reads at once. Try again in a moment.',
      );
    }
    clearTimeout(this.#idle);
    this.#running += 1;
    try {
      if (this.#thread === undefined || this.#thread.hasEnded) {
        this.#thread = new ReadThread(this.#options);
      }
      return await this.#thread.run(name, args);
    } finally {
      this.#running -= 1;
      if (this.#running === 0 && !this.#isClosed) this.#endWhenIdle();
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#idle);
    this.#end();
    await Promise.all(this.#ending);
  }

  #endWhenIdle(): void {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.#end(), this.#options.idleMs ?? IDLE_MS);
    this.#idle.unref?.();
  }

  #end(): void {
    const thread = this.#thread;
    this.#thread = undefined;
    if (thread === undefined) return;
    const ended = thread.close().finally(() => this.#ending.delete(ended));
    this.#ending.add(ended);
  }
}

interface Pending {
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

class ReadThread {
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  readonly #closed = Promise.withResolvers<void>();
  #lastId = 0;
  hasEnded = false;

  constructor({ entry, database }: ThreadReportsOptions) {
    this.#worker = new Worker(entry);
    this.#worker.onerror = (event) => this.#fail(`the thread of reports failed: ${event.message}`);
    this.#worker.addEventListener('close', () => this.#fail('the thread of reports has ended'));
    this.#worker.onmessage = (event: MessageEvent<Reply>) => this.#take(event.data);
    this.#send({ kind: 'open', database });
  }

  run(name: string, args: unknown): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const id = ++this.#lastId;
      this.#pending.set(id, { resolve, reject });
      this.#send({ kind: 'run', id, name, args });
    });
  }

  async close(): Promise<void> {
    if (this.hasEnded) return;
    this.#send({ kind: 'close' });
    // One that computes without reading would keep the process from ending.
    const limit = setTimeout(() => this.#closed.resolve(), CLOSING_MS);
    await this.#closed.promise;
    clearTimeout(limit);
    this.#fail(reportsClosed().message);
  }

  #send(message: Message): void {
    this.#worker.postMessage(message);
  }

  #take(reply: Reply): void {
    if (reply.kind === 'closed') this.#closed.resolve();
    else {
      const one = this.#pending.get(reply.id);
      this.#pending.delete(reply.id);
      if (reply.kind === 'answer') one?.resolve(reply.value);
      else one?.reject(fromPlain(reply.error));
    }
  }

  /** The thread is gone, or goes now: nobody may wait for it. */
  #fail(message: string): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    this.#closed.resolve();
    for (const one of this.#pending.values()) one.reject(new Error(message));
    this.#pending.clear();
    this.#worker.terminate();
  }
}
