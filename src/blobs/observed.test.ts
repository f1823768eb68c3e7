// What an operator's numbers are made of: each operation once, with its bytes and how it ended.
import { describe, expect, test } from 'bun:test';
import { appendBytes, faultOf, freshKey, patternBytes, readAll } from './blob-store.suite.ts';
import { BlobStoreError } from './blob-store.ts';
import { withFaults } from './faulty.ts';
import { createMemoryBlobStore } from './memory.ts';
import { type BlobObservation, withObservation } from './observed.ts';

function observedMemory() {
  const seen: BlobObservation[] = [];
  const store = withObservation(createMemoryBlobStore(), (observation) => seen.push(observation));
  const told = () => seen.map(({ operation, bytes, fault }) => ({ operation, bytes, fault }));
  return { store, seen, told };
}

describe('observation', () => {
  test('an append is told once, with all its bytes', async () => {
    const { store, told } = observedMemory();
    const chunks = [patternBytes(10), patternBytes(20), patternBytes(30)];
    await appendBytes(store, 'u', { offset: 0, chunks });
    expect(told()).toEqual([
      { operation: 'append', bytes: 0, fault: undefined },
      { operation: 'write', bytes: 60, fault: undefined },
    ]);
  });

  test('a read is told at its end, and when the reader goes away', async () => {
    const { store, told } = observedMemory();
    await appendBytes(store, 'u', { offset: 0, chunks: [patternBytes(200_000)] });
    await readAll(store.readUpload('u'));
    const reader = store.readUpload('u').getReader();
    const { value } = await reader.read();
    await reader.cancel();
    expect(told().slice(2)).toEqual([
      { operation: 'read', bytes: 200_000, fault: undefined },
      { operation: 'read', bytes: value?.length ?? 0, fault: undefined },
    ]);
  });

  test('content that is a stream is told as it is read', async () => {
    const { store, told } = observedMemory();
    const key = freshKey();
    await appendBytes(store, 'u', { offset: 0, chunks: [patternBytes(100)] });
    await store.commit('u', key);
    const content = await store.open(key);
    if (content.kind === 'stream') await readAll(content.open({ start: 10, end: 19 }));
    expect(told().slice(2)).toEqual([
      { operation: 'commit', bytes: 0, fault: undefined },
      { operation: 'open', bytes: 0, fault: undefined },
      { operation: 'read', bytes: 10, fault: undefined },
    ]);
  });

  test('faults are told by their kind, and thrown unchanged', async () => {
    const { store, told } = observedMemory();
    expect(await faultOf(store.open(freshKey()))).toBe('absent');
    expect(await faultOf(readAll(store.readUpload('nothing')))).toBe('absent');
    expect(told()).toEqual([
      { operation: 'open', bytes: 0, fault: 'absent' },
      { operation: 'read', bytes: 0, fault: 'absent' },
    ]);
  });

  test('a write that fails is told when the append is closed, with the bytes that went through', async () => {
    const seen: BlobObservation[] = [];
    let writes = 0;
    const broken = withFaults(createMemoryBlobStore(), (operation) => {
      if (operation === 'write') writes += 1;
      const error = new BlobStoreError('full', 'planned');
      return operation === 'write' && writes === 2 ? { when: 'before', error } : undefined;
    });
    const store = withObservation(broken, (observation) => seen.push(observation));
    const appender = await store.append('u', 0);
    await appender.write(patternBytes(7));
    expect(await faultOf(appender.write(patternBytes(5)))).toBe('full');
    await appender.close();
    expect(seen.at(-1)).toMatchObject({ operation: 'write', bytes: 7, fault: 'full' });
  });

  test('the listing is told once, also when it is left early', async () => {
    const { store, told } = observedMemory();
    for (const id of ['a', 'b']) await appendBytes(store, id, { offset: 0, chunks: [] });
    for await (const _ of store.staleUploads(Number.MAX_SAFE_INTEGER)) break;
    expect(told().filter(({ operation }) => operation === 'staleUploads').length).toBe(1);
  });

  test('seconds are numbers of zero or more', async () => {
    const { store, seen } = observedMemory();
    await store.check();
    expect(seen.length).toBe(1);
    for (const { seconds } of seen) expect(seconds).toBeGreaterThanOrEqual(0);
  });
});
