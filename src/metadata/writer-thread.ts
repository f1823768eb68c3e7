// The writer of SQLite in a thread of its own: both ends of the conversation.
//
// What crosses is plain data. Commands that are asked for in one turn of the event loop go over in
// one message, and so do the answers of one commit.
import { type ErrorCode, type ErrorDetail, RegistryError } from '../oci/errors.ts';
import type { CommandRunner, CommandTable, CommitObservation } from './command.ts';
import { GroupCommit } from './group-commit.ts';
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

/** An error as plain data: structured clone would lose its class and code. */
interface PlainError {
  readonly code?: ErrorCode;
  readonly message: string;
  readonly detail?: ErrorDetail | undefined;
  readonly cause?: string | undefined;
}

interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: PlainError;
}

type Reply =
  | { readonly kind: 'opened' }
  | { readonly kind: 'failed'; readonly error: PlainError }
  | { readonly kind: 'answers'; readonly answers: readonly Answer[] }
  | { readonly kind: 'commit'; readonly commit: CommitObservation }
  | { readonly kind: 'closed' };

/** The thread's end: called once by the thread's entry file with the table of all commands. */
export function serveCommands(commands: CommandTable): void {
  const port = globalThis as unknown as Worker;
  const post = (reply: Reply) => port.postMessage(reply);
  let writer: GroupCommit | undefined;
  let answers: Answer[] = [];
  const answer = (one: Answer) => {
    if (answers.length === 0) {
      queueMicrotask(() => {
        post({ kind: 'answers', answers });
        answers = [];
      });
    }
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
          observe: (commit) => post({ kind: 'commit', commit }),
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
  /** The thread is gone: nothing can be written any more. */
  failed(error: Error): void;
}

/** The caller's end. Resolves when the thread has opened the database. */
export async function startWriterThread(options: WriterThreadOptions): Promise<CommandRunner> {
  const worker = new Worker(options.entry);
  const pending = new Map<number, Pending>();
  let outgoing: Request[] = [];
  let lastId = 0;
  const opened = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<void>();
  const fail = (error: Error) => {
    opened.reject(error);
    closed.resolve();
    for (const one of pending.values()) one.reject(error);
    pending.clear();
    options.failed(error);
  };
  worker.onerror = (event) => fail(new Error(`the writer thread failed: ${event.message}`));
  worker.onmessage = (event: MessageEvent<Reply>) => {
    const reply = event.data;
    if (reply.kind === 'answers') {
      for (const { id, value, error } of reply.answers) {
        const one = pending.get(id);
        pending.delete(id);
        if (error === undefined) one?.resolve(value);
        else one?.reject(fromPlain(error));
      }
    } else if (reply.kind === 'commit') options.observe?.(reply.commit);
    else if (reply.kind === 'opened') opened.resolve();
    else if (reply.kind === 'failed') opened.reject(fromPlain(reply.error));
    else closed.resolve();
  };
  const send = (message: Message) => worker.postMessage(message);
  send({ kind: 'open', path: options.path });
  await opened.promise;
  return {
    run(name, args) {
      return new Promise((resolve, reject) => {
        const id = ++lastId;
        pending.set(id, { resolve, reject });
        if (outgoing.length === 0) {
          queueMicrotask(() => {
            send({ kind: 'run', requests: outgoing });
            outgoing = [];
          });
        }
        outgoing.push({ id, name, args });
      });
    },
    async close() {
      send({ kind: 'close' });
      await closed.promise;
      worker.terminate();
    },
  };
}

function toPlain(error: unknown): PlainError {
  if (error instanceof RegistryError) {
    const cause = error.cause === undefined ? undefined : String(error.cause);
    return { code: error.code, message: error.message, detail: error.detail, cause };
  }
  return { message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}

function fromPlain(plain: PlainError): Error {
  const options = plain.cause === undefined ? undefined : { cause: plain.cause };
  if (plain.code === undefined) return new Error(plain.message);
  return new RegistryError(plain.code, plain.message, plain.detail, options);
}
