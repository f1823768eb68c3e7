// A blob store that fails when it is told to: for tests and the simulation. Knows no driver.
// The caller decides at each operation, so one seed can drive every fault.
import type {
  BlobAppender,
  BlobContent,
  BlobStore,
  BlobStoreError,
  ByteRange,
} from './blob-store.ts';
import { streamOf } from './byte-stream.ts';

export type BlobOperation = Exclude<keyof BlobStore, symbol> | 'write' | 'close';

/**
 * `before`: nothing happened. `after`: it took effect, and the answer is lost. `cut`: of a write or a
 * read only the first `bytes` went through; anything else fails as with `before`.
 */
export type PlannedFault =
  | { readonly when: 'before' | 'after'; readonly error: BlobStoreError }
  | { readonly when: 'cut'; readonly bytes: number; readonly error: BlobStoreError };

/** `subject`: the upload id or the storage key; empty for what is about neither. */
export type FaultPlan = (operation: BlobOperation, subject: string) => PlannedFault | undefined;

export function withFaults(store: BlobStore, plan: FaultPlan): BlobStore {
  const run = async <T>(operation: BlobOperation, subject: string, work: () => Promise<T>) =>
    runWith(plan(operation, subject), work);
  return {
    append: (id, offset) =>
      run('append', id, async () => faultyAppender(await store.append(id, offset), id, plan)),
    uploadLength: (id) => run('uploadLength', id, () => store.uploadLength(id)),
    readUpload: (id) => faultyStream(store.readUpload(id), plan('readUpload', id)),
    fork: (id, copy) => run('fork', id, () => store.fork(id, copy)),
    discard: (id) => run('discard', id, () => store.discard(id)),
    staleUploads: (before) => faultyListing(store.staleUploads(before), plan('staleUploads', '')),
    commit: (id, key) => run('commit', id, () => store.commit(id, key)),
    reclaim: (key, id) => run('reclaim', key, () => store.reclaim(key, id)),
    open: (key) => run('open', key, async () => faultyContent(await store.open(key), key, plan)),
    remove: (key) => run('remove', key, () => store.remove(key)),
    read: (key) => faultyStream(store.read(key), plan('read', key)),
    contents: () => faultyListing(store.contents(), plan('contents', '')),
    quarantine: (key) => run('quarantine', key, () => store.quarantine(key)),
    space: () => run('space', '', () => store.space()),
    check: () => run('check', '', () => store.check()),
  };
}

async function runWith<T>(fault: PlannedFault | undefined, work: () => Promise<T>): Promise<T> {
  if (fault === undefined) return work();
  if (fault.when === 'after') await work();
  throw fault.error;
}

function faultyAppender(appender: BlobAppender, id: string, plan: FaultPlan): BlobAppender {
  return {
    get offset() {
      return appender.offset;
    },
    async write(chunk) {
      const fault = plan('write', id);
      if (fault?.when !== 'cut') return runWith(fault, () => appender.write(chunk));
      return runWith({ when: 'after', error: fault.error }, () =>
        appender.write(chunk.subarray(0, fault.bytes)),
      );
    },
    async close() {
      const fault = plan('close', id);
      // Also a close that fails gives back what it holds, as that of a real file does.
      await appender.close();
      if (fault !== undefined) throw fault.error;
    },
  };
}

function faultyContent(content: BlobContent, key: string, plan: FaultPlan): BlobContent {
  // A file is sent by the HTTP host, which no wrapper sees.
  if (content.kind === 'file') return content;
  return {
    kind: 'stream',
    size: content.size,
    open: (range?: ByteRange) => faultyStream(content.open(range), plan('read', key)),
  };
}

async function* faultyListing<T>(listing: AsyncIterable<T>, fault: PlannedFault | undefined) {
  if (fault !== undefined && fault.when !== 'after') throw fault.error;
  yield* listing;
  if (fault !== undefined) throw fault.error;
}

function faultyStream(
  stream: ReadableStream<Uint8Array>,
  fault: PlannedFault | undefined,
): ReadableStream<Uint8Array> {
  if (fault === undefined) return stream;
  const reader = stream.getReader();
  let left = fault.when === 'before' ? 0 : fault.when === 'cut' ? fault.bytes : Infinity;
  return streamOf({
    async next() {
      if (left <= 0) throw fault.error;
      const { value } = await reader.read();
      if (value === undefined) throw fault.error;
      const chunk = value.subarray(0, left);
      left -= chunk.length;
      return chunk;
    },
    close: () => reader.cancel(),
  });
}
