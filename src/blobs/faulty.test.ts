// Planned faults happen where they are planned, and leave what they say they leave.
import { describe, expect, test } from 'bun:test';
import { appendBytes, faultOf, freshKey, patternBytes, readAll } from './blob-store.suite.ts';
import { BlobStoreError } from './blob-store.ts';
import { type BlobOperation, type PlannedFault, withFaults } from './faulty.ts';
import { createMemoryBlobStore } from './memory.ts';

const error = new BlobStoreError('full', 'planned');

function storeWith(operation: BlobOperation, fault: PlannedFault) {
  const inner = createMemoryBlobStore();
  const asked: string[] = [];
  const store = withFaults(inner, (name, subject) => {
    asked.push(`${name} ${subject}`);
    return name === operation ? fault : undefined;
  });
  return { inner, store, asked };
}

describe('planned faults', () => {
  test('before: nothing has happened', async () => {
    const { inner, store } = storeWith('commit', { when: 'before', error });
    const key = freshKey();
    await appendBytes(store, 'u', { offset: 0, chunks: [patternBytes(5)] });
    expect(await faultOf(store.commit('u', key))).toBe('full');
    expect(inner.keys()).toEqual([]);
    expect(await inner.uploadLength('u')).toBe(5);
  });

  test('after: it took effect, and the answer is lost', async () => {
    const { inner, store } = storeWith('commit', { when: 'after', error });
    const key = freshKey();
    await appendBytes(store, 'u', { offset: 0, chunks: [patternBytes(5)] });
    expect(await faultOf(store.commit('u', key))).toBe('full');
    expect(inner.keys()).toEqual([key]);
  });

  test('cut: a write that lost its end', async () => {
    const { inner, store } = storeWith('write', { when: 'cut', bytes: 3, error });
    const appender = await store.append('u', 0);
    expect(await faultOf(appender.write(patternBytes(5)))).toBe('full');
    await appender.close();
    expect(await readAll(inner.readUpload('u'))).toEqual(patternBytes(5).slice(0, 3));
  });

  test('a close that fails has closed', async () => {
    const { inner, store } = storeWith('close', { when: 'before', error });
    const appender = await store.append('u', 0);
    await appender.write(patternBytes(5));
    expect(await faultOf(appender.close())).toBe('full');
    expect(await inner.uploadLength('u')).toBe(5);
  });

  test.each([
    [{ when: 'before', error }, 0],
    [{ when: 'cut', bytes: 70_000, error }, 70_000],
    [{ when: 'after', error }, 100_000],
  ] satisfies [PlannedFault, number][])('a read breaks off: %j', async (fault, expected) => {
    const { inner, store } = storeWith('read', fault);
    const key = freshKey();
    await appendBytes(inner, 'u', { offset: 0, chunks: [patternBytes(100_000)] });
    await inner.commit('u', key);
    const content = await store.open(key);
    if (content.kind !== 'stream') throw new Error('the memory store gives streams');
    const seen: Uint8Array[] = [];
    const read = async () => {
      for await (const chunk of content.open()) seen.push(chunk);
    };
    expect(await faultOf(read())).toBe('full');
    expect(Buffer.concat(seen).equals(patternBytes(100_000).subarray(0, expected))).toBe(true);
  });

  test('every operation asks, with its subject', async () => {
    const { store, asked } = storeWith('check', { when: 'before', error });
    const key = freshKey();
    await appendBytes(store, 'u', { offset: 0, chunks: [patternBytes(5)] });
    await store.uploadLength('u');
    await readAll(store.readUpload('u'));
    await store.fork('u', 'v');
    await Array.fromAsync(store.staleUploads(0));
    await store.commit('u', key);
    const content = await store.open(key);
    if (content.kind === 'stream') await readAll(content.open());
    await readAll(store.read(key));
    await Array.fromAsync(store.contents());
    await store.space();
    await store.reclaim(key, 'u');
    await store.discard('u');
    await store.remove(key);
    expect(await faultOf(store.quarantine(key))).toBe('absent');
    expect(await faultOf(store.check())).toBe('full');
    const operations = [
      'append u',
      'write u',
      'close u',
      'uploadLength u',
      'readUpload u',
      'fork u',
    ];
    const reads = [`open ${key}`, `read ${key}`, `read ${key}`, 'contents ', 'space '];
    const rest = [`reclaim ${key}`, 'discard u', `remove ${key}`, `quarantine ${key}`];
    expect(asked).toEqual([
      ...operations,
      'staleUploads ',
      'commit u',
      ...reads,
      ...rest,
      'check ',
    ]);
  });

  test('a plan that throws stops the operation, and nothing else', async () => {
    const store = withFaults(createMemoryBlobStore(), () => {
      throw new BlobStoreError('failed', 'crash');
    });
    expect(await faultOf(store.append('u', 0))).toBe('failed');
  });
});
