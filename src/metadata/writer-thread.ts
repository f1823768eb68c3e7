// The writer of SQLite in a thread of its own: both ends of the conversation.
//
// What crosses is plain data. Commands that are asked for in one turn of the event loop go over in
// one message, and so do the answers of one commit.
import type { CommandRunner, CommandTable, CommitObservation } from './command.ts';
import { GroupCommit } from './group-commit.ts';
import { fromPlain, type PlainError, toPlain } from './plain-error.ts';
import { openSqliteWriter } from './sqlite.ts';

interface Request {
  readonly id: number;
  readonly name: string;
  readonly args: unknown;
}

type Message =
  | { readonly kind: 'open'; readonly path: string }
  | { readonly kind: 'run'; readonly requests: readonly Request[] }
  | { readonly kind: 'close' };

interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: PlainError;
}

type Reply =
  | { readonly kind: 'opened' }
  | { readonly kind: 'failed'; readonly error: PlainError }
  | {
      readonly kind: 'answers';
      readonly answers: readonly Answer[];
      readonly commits: readonly CommitObservation[];
    }
  | { readonly kind: 'checkpoint-failed'; readonly error: PlainError }
  | { readonly kind: 'closed' };

/** The thread's end: called once by the thread's entry file with the table of all commands. */
export function serveCommands(commands: CommandTable): void {
  const port = globalThis as unknown as Worker;
  const post = (reply: Reply) => port.postMessage(reply);
  let writer: GroupCommit | undefined;
  let answers: Answer[] = [];
  let commits: CommitObservation[] = [];
  const flush = () => {
    if (answers.length > 0) post({ kind: 'answers', answers, commits });
    answers = [];
    commits = [];
  };
  const answer = (one: Answer) => {
    if (answers.length === 0) queueMicrotask(flush);
    answers.push(one);
  };
  port.onmessage = async (event: MessageEvent<Message>) => {
    const message = event.data;
    if (message.kind === 'run') {
      for (const { id, name, args } of message.requests) {
        (writer as GroupCommit).run(name, args).then(
          (value) => answer({ id, value }),
          (error) => answer({ id, error: toPlain(error) }),
        );
      }
    } else if (message.kind === 'open') {
      try {
        writer = new GroupCommit({
          connection: openSqliteWriter(message.path, Date.now),
          commands,
          observe: (commit) => void commits.push(commit),
          checkpointFailed: (error) => post({ kind: 'checkpoint-failed', error: toPlain(error) }),
          // Messages that arrived while a commit was syncing are delivered in a turn of the event loop.
          gather: () => new Promise((resolve) => setImmediate(resolve)),
        });
        post({ kind: 'opened' });
      } catch (error) {
        post({ kind: 'failed', error: toPlain(error) });
      }
    } else {
      await writer?.close();
      post({ kind: 'closed' });
    }
  };
}

interface Pending {
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

export interface WriterThreadOptions {
  /** The file that calls `serveCommands`. */
  readonly entry: string | URL;
  readonly path: string;
  observe?(commit: CommitObservation): void;
  /** The log could not be moved into the database; it is tried again, and nothing is lost. */
  checkpointFailed?(error: Error): void;
  /** The thread is gone: nothing can be written any more. */
  failed(error: Error): void;
}

/** The caller's end. Resolves when the thread has opened the database. */
export async function startWriterThread(options: WriterThreadOptions): Promise<CommandRunner> {
  const writer = new ThreadWriter(options);
  await writer.open(options.path);
  return writer;
}

class ThreadWriter implements CommandRunner {
  readonly #options: WriterThreadOptions;
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  readonly #opened = Promise.withResolvers<void>();
  readonly #closed = Promise.withResolvers<void>();
  #outgoing: Request[] = [];
  #lastId = 0;
  /** Why nothing can be run any more. */
  #ended: Error | undefined;

  constructor(options: WriterThreadOptions) {
    this.#options = options;
    this.#worker = new Worker(options.entry);
    this.#worker.onerror = (event) => this.#fail(`the writer thread failed: ${event.message}`);
    this.#worker.addEventListener('close', () => this.#fail('the writer thread has ended'));
    this.#worker.onmessage = (event: MessageEvent<Reply>) => this.#take(event.data);
  }

  async open(path: string): Promise<void> {
    this.#send({ kind: 'open', path });
    try {
      await this.#opened.promise;
    } catch (error) {
      this.#ended ??= new Error('the writer could not be opened');
      this.#worker.terminate();
      throw error;
    }
  }

  run(name: string, args: unknown): Promise<unknown> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      const id = ++this.#lastId;
      this.#pending.set(id, { resolve, reject });
      // After all requests that the network has delivered in this turn: a message costs as much as a command.
      if (this.#outgoing.length === 0) setImmediate(() => this.#flush());
      this.#outgoing.push({ id, name, args });
    });
  }

  async close(): Promise<void> {
    if (this.#ended === undefined) {
      this.#ended = new Error('the writer is closed');
      // What was asked for in this turn goes first, and is answered.
      this.#flush();
      this.#send({ kind: 'close' });
    }
    await this.#closed.promise;
    this.#worker.terminate();
  }

  #flush(): void {
    if (this.#outgoing.length > 0) this.#send({ kind: 'run', requests: this.#outgoing });
    this.#outgoing = [];
  }

  #send(message: Message): void {
    this.#worker.postMessage(message);
  }

  #take(reply: Reply): void {
    if (reply.kind === 'answers') {
      for (const commit of reply.commits) this.#options.observe?.(commit);
      for (const answer of reply.answers) this.#settle(answer);
    } else if (reply.kind === 'opened') this.#opened.resolve();
    else if (reply.kind === 'failed') this.#opened.reject(fromPlain(reply.error));
    else if (reply.kind === 'closed') this.#closed.resolve();
    else this.#options.checkpointFailed?.(fromPlain(reply.error));
  }

  #settle({ id, value, error }: Answer): void {
    const one = this.#pending.get(id);
    this.#pending.delete(id);
    if (error === undefined) one?.resolve(value);
    else one?.reject(fromPlain(error));
  }

  /** The thread is gone: nobody may wait for it, now or later. */
  #fail(message: string): void {
    const error = new Error(message);
    const wasExpected = this.#ended !== undefined;
    this.#ended ??= error;
    this.#opened.reject(error);
    this.#closed.resolve();
    for (const one of this.#pending.values()) one.reject(error);
    this.#pending.clear();
    this.#worker.terminate();
    if (!wasExpected) this.#options.failed(error);
  }
}
