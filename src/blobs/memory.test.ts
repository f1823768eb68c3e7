// The memory store loses in a crash what a disk may lose, and keeps what a disk must keep.
import { describe, expect, test } from 'bun:test';
import { appendBytes, contentBytes, faultOf, freshKey, patternBytes } from './blob-store.suite.ts';
import { BlobStoreError } from './blob-store.ts';
import { type CommitStep, createMemoryBlobStore } from './memory.ts';

class Crash extends Error {}

/** Stops the commit at a step, as a power cut would. */
async function crashAt(step: CommitStep) {
  const store = createMemoryBlobStore({
    onStep(reached) {
      if (reached === step) throw new Crash();
    },
  });
  const key = freshKey();
  await appendBytes(store, 'u', { offset: 0, chunks: [patternBytes(100)] });
  await expect(store.commit('u', key)).rejects.toBeInstanceOf(Crash);
  return { store, key };
}

describe('memory store in a crash', () => {
  test('an upload keeps the prefix that was chosen', async () => {
    const store = createMemoryBlobStore();
    await appendBytes(store, 'u', { offset: 0, chunks: [patternBytes(100)] });
    await appendBytes(store, 'v', { offset: 0, chunks: [patternBytes(100)] });
    store.crash({ keep: (name, { length }) => (name === 'u' ? 40 : length) });
    expect(await store.uploadLength('u')).toBe(40);
    expect(await store.uploadLength('v')).toBe(100);
  });

  test('nothing that is not synced survives, when nothing is chosen', async () => {
    const store = createMemoryBlobStore();
    await appendBytes(store, 'u', { offset: 0, chunks: [patternBytes(100)] });
    store.crash();
    expect(await store.uploadLength('u')).toBe(0);
  });

  test('what was committed stays, whatever is chosen', async () => {
    const store = createMemoryBlobStore();
    const key = freshKey();
    await appendBytes(store, 'u', { offset: 0, chunks: [patternBytes(100)] });
    await store.commit('u', key);
    store.crash({ keep: () => 0, keepRename: () => false });
    expect(await contentBytes(await store.open(key))).toEqual(patternBytes(100));
  });

  test('a crash before the data sync leaves an upload that may be short', async () => {
    const { store, key } = await crashAt('sync-data');
    store.crash({ keep: () => 7 });
    expect(await store.uploadLength('u')).toBe(7);
    expect(await faultOf(store.open(key))).toBe('absent');
  });

  test('a crash before the rename leaves the whole upload', async () => {
    const { store, key } = await crashAt('rename');
    store.crash({ keep: () => 0 });
    expect(await store.uploadLength('u')).toBe(100);
    expect(await faultOf(store.open(key))).toBe('absent');
  });

  test.each([true, false])('a crash before the directory sync: rename kept %p', async (kept) => {
    const { store, key } = await crashAt('sync-directory');
    store.crash({ keepRename: () => kept });
    expect(await store.uploadLength('u')).toBe(kept ? undefined : 100);
    expect(store.keys()).toEqual(kept ? [key] : []);
  });

  test('a store that skips the data sync loses bytes of content: the planted fault shows', async () => {
    const store = createMemoryBlobStore({ skip: 'sync-data' });
    const key = freshKey();
    await appendBytes(store, 'u', { offset: 0, chunks: [patternBytes(100)] });
    await store.commit('u', key);
    store.crash();
    expect((await store.open(key)).size).toBe(0);
  });

  test('a store that skips the directory sync loses the name: the planted fault shows', async () => {
    const store = createMemoryBlobStore({ skip: 'sync-directory' });
    const key = freshKey();
    await appendBytes(store, 'u', { offset: 0, chunks: [patternBytes(100)] });
    await store.commit('u', key);
    store.crash();
    expect(await faultOf(store.open(key))).toBe('absent');
  });

  test('a commit that was under way does not go on afterwards', async () => {
    const gate = Promise.withResolvers<void>();
    const store = createMemoryBlobStore({ onStep: () => gate.promise });
    const key = freshKey();
    await appendBytes(store, 'u', { offset: 0, chunks: [patternBytes(5)] });
    const fault = faultOf(store.commit('u', key));
    store.crash({ keep: (_, { length }) => length });
    gate.resolve();
    expect(await fault).toBe('failed');
    expect(store.keys()).toEqual([]);
  });

  test('a writer of the time before cannot write any more', async () => {
    const store = createMemoryBlobStore();
    const writer = await store.append('u', 0);
    store.crash();
    await expect(writer.write(patternBytes(1))).rejects.toBeInstanceOf(BlobStoreError);
    expect(await store.uploadLength('u')).toBe(0);
  });

  test('times come from the clock that was given', async () => {
    let time = 1000;
    const store = createMemoryBlobStore({ now: () => time });
    await appendBytes(store, 'old', { offset: 0, chunks: [patternBytes(1)] });
    time = 2000;
    await appendBytes(store, 'new', { offset: 0, chunks: [patternBytes(1)] });
    expect(await Array.fromAsync(store.staleUploads(1500))).toEqual(['old']);
    expect(await Array.fromAsync(store.staleUploads(1000))).toEqual([]);
  });
});
