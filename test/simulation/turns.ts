// Makes every operation of a blob store, and every read of a database, wait for its turn.
import type { BlobAppender, BlobContent, BlobStore } from '../../src/blobs/blob-store.ts';
import { streamOf } from '../../src/blobs/byte-stream.ts';
import type { Sql } from '../../src/metadata/sql.ts';

export type Turn = (label: string) => Promise<void>;

export function withTurns(store: BlobStore, turn: Turn): BlobStore {
  const run = async <T>(label: string, work: () => Promise<T>): Promise<T> => {
    await turn(label);
    return work();
  };
  return {
    append: (id, offset) =>
      run(`append ${id} at ${offset}`, async () => appender(await store.append(id, offset), turn)),
    uploadLength: (id) => run(`length of ${id}`, () => store.uploadLength(id)),
    readUpload: (id) => slowStream(() => store.readUpload(id), `read ${id}`, turn),
    fork: (id, copy) => run(`fork ${id} to ${copy}`, () => store.fork(id, copy)),
    discard: (id) => run(`discard ${id}`, () => store.discard(id)),
    async *staleUploads(before) {
      await turn('list stale uploads');
      // All names first: a directory that changes while it is read gives what it had.
      const ids: string[] = [];
      for await (const id of store.staleUploads(before)) ids.push(id);
      for (const id of ids) {
        await turn('next stale upload');
        yield id;
      }
    },
    commit: (id, key) => run(`commit ${id} as ${key.slice(-24)}`, () => store.commit(id, key)),
    reclaim: (key, id) => run(`reclaim ${key.slice(-24)} as ${id}`, () => store.reclaim(key, id)),
    open: (key) => run(`open ${key.slice(-24)}`, async () => content(await store.open(key), turn)),
    remove: (key) => run(`remove ${key.slice(-24)}`, () => store.remove(key)),
    read: (key) => slowStream(() => store.read(key), `read ${key.slice(-24)}`, turn),
    async *contents() {
      await turn('list contents');
      for (const found of await Array.fromAsync(store.contents())) {
        await turn('next content');
        yield found;
      }
    },
    quarantine: (key) => run(`quarantine ${key.slice(-24)}`, () => store.quarantine(key)),
    space: () => store.space(),
    check: () => store.check(),
  };
}

function appender(inner: BlobAppender, turn: Turn): BlobAppender {
  return {
    get offset() {
      return inner.offset;
    },
    async write(chunk) {
      await turn('write');
      await inner.write(chunk);
    },
    async close() {
      await turn('close');
      await inner.close();
    },
  };
}

function content(inner: BlobContent, turn: Turn): BlobContent {
  if (inner.kind === 'file') return inner;
  const open: typeof inner.open = (range) => slowStream(() => inner.open(range), 'read', turn);
  return { kind: 'stream', size: inner.size, open };
}

function slowStream(open: () => ReadableStream<Uint8Array>, label: string, turn: Turn) {
  let chunks: AsyncIterator<Uint8Array> | undefined;
  return streamOf({
    async next() {
      await turn(label);
      chunks ??= open()[Symbol.asyncIterator]();
      const { done, value } = await chunks.next();
      return done === true ? undefined : value;
    },
    async close() {
      await chunks?.return?.();
    },
  });
}

export function sqlWithTurns(sql: Sql, turn: Turn): Sql {
  return {
    engine: sql.engine,
    async all(statement, parameters) {
      await turn('query');
      return sql.all(statement, parameters);
    },
    async first(statement, parameters) {
      await turn('query');
      return sql.first(statement, parameters);
    },
  };
}
