// A blob store that tells how long each operation took and how it ended: for metrics. Changes nothing.
// Writes are told once an append and reads once a stream: a call for each chunk would cost more than
// some chunks do. Their seconds are those spent in the store, not those that a slow client took.
import {
  type BlobAppender,
  type BlobContent,
  type BlobFault,
  type BlobStore,
  BlobStoreError,
  type ByteRange,
} from './blob-store.ts';
import { streamOf } from './byte-stream.ts';

export type ObservedOperation = Exclude<keyof BlobStore, symbol | 'readUpload'> | 'write';

export interface BlobObservation {
  readonly operation: ObservedOperation;
  readonly seconds: number;
  /** Bytes written or read; 0 for other operations. */
  readonly bytes: number;
  /** How it failed; `absent` and `exists` are answers as often as faults. Undefined: it went well. */
  readonly fault: BlobFault | undefined;
}

export type Observe = (observation: BlobObservation) => void;

export function withObservation(store: BlobStore, observe: Observe): BlobStore {
  const run = <T>(operation: ObservedOperation, work: () => Promise<T>): Promise<T> => {
    const tally = new Tally(operation, observe);
    return tally.time(work).finally(() => tally.tell());
  };
  return {
    append: (id, offset) =>
      run('append', async () => observedAppender(await store.append(id, offset), observe)),
    uploadLength: (id) => run('uploadLength', () => store.uploadLength(id)),
    readUpload: (id) => observedStream(store.readUpload(id), observe),
    fork: (id, copy) => run('fork', () => store.fork(id, copy)),
    discard: (id) => run('discard', () => store.discard(id)),
    staleUploads: (before) => observedListing('staleUploads', store.staleUploads(before), observe),
    commit: (id, key) => run('commit', () => store.commit(id, key)),
    reclaim: (key, id) => run('reclaim', () => store.reclaim(key, id)),
    open: (key) => run('open', async () => observedContent(await store.open(key), observe)),
    remove: (key) => run('remove', () => store.remove(key)),
    read: (key) => observedStream(store.read(key), observe),
    contents: () => observedListing('contents', store.contents(), observe),
    quarantine: (key) => run('quarantine', () => store.quarantine(key)),
    space: () => run('space', () => store.space()),
    check: () => run('check', () => store.check()),
  };
}

/** Adds up the calls that make one operation. */
class Tally {
  readonly #operation: ObservedOperation;
  readonly #observe: Observe;
  #milliseconds = 0;
  #fault: BlobFault | undefined;
  bytes = 0;

  constructor(operation: ObservedOperation, observe: Observe) {
    this.#operation = operation;
    this.#observe = observe;
  }

  async time<T>(work: () => Promise<T>): Promise<T> {
    const began = performance.now();
    try {
      return await work();
    } catch (error) {
      this.#fault ??= error instanceof BlobStoreError ? error.fault : 'failed';
      throw error;
    } finally {
      this.#milliseconds += performance.now() - began;
    }
  }

  tell(): void {
    this.#observe({
      operation: this.#operation,
      seconds: this.#milliseconds / 1000,
      bytes: this.bytes,
      fault: this.#fault,
    });
  }
}

function observedAppender(appender: BlobAppender, observe: Observe): BlobAppender {
  const tally = new Tally('write', observe);
  return {
    get offset() {
      return appender.offset;
    },
    async write(chunk) {
      await tally.time(() => appender.write(chunk));
      tally.bytes += chunk.length;
    },
    close: () => tally.time(() => appender.close()).finally(() => tally.tell()),
  };
}

function observedContent(content: BlobContent, observe: Observe): BlobContent {
  // A file is sent by the HTTP host, which counts what it sends.
  if (content.kind === 'file') return content;
  return {
    kind: 'stream',
    size: content.size,
    open: (range?: ByteRange) => observedStream(content.open(range), observe),
  };
}

function observedStream(
  stream: ReadableStream<Uint8Array>,
  observe: Observe,
): ReadableStream<Uint8Array> {
  const tally = new Tally('read', observe);
  const reader = stream.getReader();
  return streamOf({
    async next() {
      const { value } = await tally.time(() => reader.read());
      tally.bytes += value?.length ?? 0;
      return value;
    },
    async close() {
      tally.tell();
      await reader.cancel();
    },
  });
}

async function* observedListing<T>(
  operation: ObservedOperation,
  listing: AsyncIterable<T>,
  observe: Observe,
) {
  const tally = new Tally(operation, observe);
  const items = listing[Symbol.asyncIterator]();
  try {
    for (;;) {
      const { done, value } = await tally.time(() => items.next());
      if (done) return;
      yield value as T;
    }
  } finally {
    await items.return?.();
    tally.tell();
  }
}
