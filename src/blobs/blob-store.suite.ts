// What every blob store does. One suite for each driver and each wrapper; what differs between
// drivers is tested beside the driver. A bug found in one driver becomes a case here first.
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import {
  type BlobAppender,
  type BlobContent,
  type BlobFault,
  type BlobStore,
  BlobStoreError,
  type StorageKey,
  type UploadId,
} from './blob-store.ts';
import { hashBytes } from './hasher.ts';

export interface OpenedStore {
  readonly store: BlobStore;
  /** Removes all that the store has left. */
  close(): Promise<void>;
}

const HEX = '5e'.repeat(32);
let keysMade = 0;

/** A key that was never used, all of one digest unless another is given. */
export function freshKey(hex = HEX): StorageKey {
  keysMade += 1;
  return `${hex.length === 64 ? 'sha256' : 'sha512'}/${hex.slice(0, 2)}/${hex}.${keysMade}`;
}

/** Bytes that differ from place to place, so that a shift or a swap shows. */
export function patternBytes(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0, state = seed; at < length; at += 1) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    bytes[at] = state >>> 16;
  }
  return bytes;
}

export async function readAll(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Read as the HTTP host would: the file itself, or the stream. */
export async function contentBytes(content: BlobContent): Promise<Uint8Array> {
  if (content.kind === 'file') return Bun.file(content.path).bytes();
  return readAll(content.open());
}

export async function faultOf(work: Promise<unknown>): Promise<BlobFault | 'none'> {
  try {
    await work;
    return 'none';
  } catch (error) {
    if (error instanceof BlobStoreError) return error.fault;
    throw error;
  }
}

export async function appendBytes(
  store: BlobStore,
  id: UploadId,
  { offset, chunks }: { offset: number; chunks: readonly Uint8Array[] },
): Promise<void> {
  const appender = await store.append(id, offset);
  for (const chunk of chunks) await appender.write(chunk);
  await appender.close();
}

export function describeBlobStore(name: string, open: () => Promise<OpenedStore>): void {
  describe(name, () => {
    let opened: OpenedStore;
    const context: SuiteContext = {
      get store() {
        return opened.store;
      },
      upload: (id, bytes) => appendBytes(opened.store, id, { offset: 0, chunks: [bytes] }),
      uploadBytes: (id) => readAll(opened.store.readUpload(id)),
      blobBytes: async (key) => contentBytes(await opened.store.open(key)),
    };
    beforeEach(async () => {
      opened = await open();
    });
    afterEach(() => opened.close());
    describe('appending', () => appendCases(context));
    describe('taking over', () => takeOverCases(context));
    describe('uploads', () => uploadCases(context));
    describe('committing', () => commitCases(context));
    describe('content', () => contentCases(context));
    describe('upkeep', () => upkeepCases(context));
    describe('names', () => nameCases(context));
  });
}

interface SuiteContext {
  readonly store: BlobStore;
  upload(id: UploadId, bytes: Uint8Array): Promise<void>;
  uploadBytes(id: UploadId): Promise<Uint8Array>;
  blobBytes(key: StorageKey): Promise<Uint8Array>;
}

function appendCases(suite: SuiteContext): void {
  test('an upload that is opened and closed holds nothing, and is there', async () => {
    await appendBytes(suite.store, 'u', { offset: 0, chunks: [] });
    expect(await suite.store.uploadLength('u')).toBe(0);
    expect((await suite.uploadBytes('u')).length).toBe(0);
  });

  test('pieces follow each other, and offset counts them', async () => {
    const appender = await suite.store.append('u', 0);
    expect(appender.offset).toBe(0);
    await appender.write(patternBytes(10));
    expect(appender.offset).toBe(10);
    await appender.write(new Uint8Array(0));
    await appender.write(patternBytes(5, 2));
    expect(appender.offset).toBe(15);
    await appender.close();
    expect(await suite.uploadBytes('u')).toEqual(joined(patternBytes(10), patternBytes(5, 2)));
  });

  test('a chunk may be reused as soon as write() resolves', async () => {
    const appender = await suite.store.append('u', 0);
    const chunk = patternBytes(300_000);
    await appender.write(chunk);
    chunk.fill(0);
    await appender.close();
    expect(await suite.uploadBytes('u')).toEqual(patternBytes(300_000));
  });

  test('an upload goes on at its end', async () => {
    await suite.upload('u', patternBytes(100));
    const appender = await suite.store.append('u', 100);
    expect(appender.offset).toBe(100);
    await appender.write(patternBytes(50, 2));
    await appender.close();
    expect(await suite.uploadBytes('u')).toEqual(joined(patternBytes(100), patternBytes(50, 2)));
  });

  test('bytes beyond the offset are cut off', async () => {
    await suite.upload('u', patternBytes(100));
    await appendBytes(suite.store, 'u', { offset: 40, chunks: [] });
    expect(await suite.store.uploadLength('u')).toBe(40);
    await appendBytes(suite.store, 'u', { offset: 30, chunks: [patternBytes(3, 9)] });
    expect(await suite.uploadBytes('u')).toEqual(
      joined(patternBytes(100).subarray(0, 30), patternBytes(3, 9)),
    );
  });

  test('offset 0 starts over', async () => {
    await suite.upload('u', patternBytes(100));
    await suite.upload('u', patternBytes(7, 3));
    expect(await suite.uploadBytes('u')).toEqual(patternBytes(7, 3));
  });

  test('an offset beyond the length is absent, and changes nothing', async () => {
    await suite.upload('u', patternBytes(100));
    expect(await faultOf(suite.store.append('u', 101))).toBe('absent');
    expect(await suite.uploadBytes('u')).toEqual(patternBytes(100));
  });

  test('an unknown upload at an offset is absent, and is not made', async () => {
    expect(await faultOf(suite.store.append('u', 1))).toBe('absent');
    expect(await suite.store.uploadLength('u')).toBeUndefined();
  });

  test('8 MiB in odd pieces come back as they were', async () => {
    const whole = patternBytes(8 * 1024 * 1024 + 13);
    const appender = await suite.store.append('u', 0);
    const sizes = [1, 65_537, 262_144, 16_384, 524_289, 262_143, 3];
    for (let at = 0, turn = 0; at < whole.length; turn += 1) {
      const size = sizes[turn % sizes.length] ?? 1;
      await appender.write(whole.subarray(at, at + size));
      at += size;
    }
    expect(appender.offset).toBe(whole.length);
    await appender.close();
    const key = freshKey();
    await suite.store.commit('u', key);
    const bytes = await suite.blobBytes(key);
    expect(bytes.length).toBe(whole.length);
    expect(hashBytes('sha256', bytes)).toBe(hashBytes('sha256', whole));
  });

  test('many uploads at once do not mix', async () => {
    const ids = Array.from({ length: 20 }, (_, index) => `u${index}`);
    await Promise.all(
      ids.map((id, index) =>
        appendBytes(suite.store, id, {
          offset: 0,
          chunks: [patternBytes(300_001, index), patternBytes(index, 7)],
        }),
      ),
    );
    for (const [index, id] of ids.entries()) {
      const expected = joined(patternBytes(300_001, index), patternBytes(index, 7));
      expect(hashBytes('sha256', await suite.uploadBytes(id))).toBe(hashBytes('sha256', expected));
    }
  });
}

function takeOverCases(suite: SuiteContext): void {
  test('a writer that goes on after another has reopened the upload is shut out', async () => {
    await suite.upload('u', patternBytes(10));
    const older = await suite.store.append('u', 10);
    await older.write(patternBytes(20, 2));
    const newer = await suite.store.append('u', 10);
    await newer.write(patternBytes(5, 3));
    expect(await faultOf(writeUntilRefused(older))).toBe('superseded');
    expect(await faultOf(older.close())).toBe('none');
    await newer.write(patternBytes(5, 4));
    await newer.close();
    expect(await suite.uploadBytes('u')).toEqual(
      joined(patternBytes(10), patternBytes(5, 3), patternBytes(5, 4)),
    );
  });

  test('a writer that is shut out learns it at the latest when it closes', async () => {
    const older = await suite.store.append('u', 0);
    await older.write(patternBytes(20));
    const newer = await suite.store.append('u', 0);
    expect(await faultOf(older.close())).toBe('superseded');
    await newer.close();
    expect(await suite.store.uploadLength('u')).toBe(0);
  });

  test('of many that open one upload at once, one is left', async () => {
    const appenders = await Promise.all(
      Array.from({ length: 8 }, () => suite.store.append('u', 0)),
    );
    const faults = await Promise.all(
      appenders.map((appender, index) =>
        faultOf(appender.write(patternBytes(400_000, index)).finally(() => appender.close())),
      ),
    );
    expect(faults.filter((fault) => fault === 'none').length).toBe(1);
    const winner = faults.indexOf('none');
    expect(hashBytes('sha256', await suite.uploadBytes('u'))).toBe(
      hashBytes('sha256', patternBytes(400_000, winner)),
    );
  });

  test('a writer cannot reach what was committed behind its back', async () => {
    await suite.upload('u', patternBytes(10));
    const writer = await suite.store.append('u', 10);
    const key = freshKey();
    await suite.store.commit('u', key);
    expect(await faultOf(writeUntilRefused(writer))).toBe('superseded');
    await writer.close();
    expect(await suite.blobBytes(key)).toEqual(patternBytes(10));
    expect(await suite.store.uploadLength('u')).toBeUndefined();
  });

  test('a writer cannot bring back what was discarded', async () => {
    const writer = await suite.store.append('u', 0);
    await writer.write(patternBytes(10));
    await suite.store.discard('u');
    expect(await faultOf(writer.close())).toBe('superseded');
    expect(await suite.store.uploadLength('u')).toBeUndefined();
  });
}

function uploadCases(suite: SuiteContext): void {
  test('the length of an unknown upload is undefined', async () => {
    expect(await suite.store.uploadLength('nothing')).toBeUndefined();
  });

  test('reading an unknown upload is absent', async () => {
    expect(await faultOf(readAll(suite.store.readUpload('nothing')))).toBe('absent');
  });

  test('reading an upload may stop in the middle', async () => {
    await suite.upload('u', patternBytes(1_000_000));
    const reader = suite.store.readUpload('u').getReader();
    const { value } = await reader.read();
    expect(value?.length).toBeGreaterThan(0);
    await reader.cancel();
    expect(await suite.store.uploadLength('u')).toBe(1_000_000);
  });

  test('a fork has the bytes, and later writes to either do not reach the other', async () => {
    await suite.upload('u', patternBytes(100));
    await suite.store.fork('u', 'copy');
    await appendBytes(suite.store, 'u', { offset: 50, chunks: [patternBytes(9, 5)] });
    expect(await suite.uploadBytes('copy')).toEqual(patternBytes(100));
    await appendBytes(suite.store, 'copy', { offset: 100, chunks: [patternBytes(1, 6)] });
    expect(await suite.uploadBytes('u')).toEqual(
      joined(patternBytes(100).subarray(0, 50), patternBytes(9, 5)),
    );
  });

  test('the fork of an unknown upload is absent, and makes none', async () => {
    expect(await faultOf(suite.store.fork('nothing', 'copy'))).toBe('absent');
    expect(await suite.store.uploadLength('copy')).toBeUndefined();
  });

  test('a fork never replaces an upload', async () => {
    await suite.upload('u', patternBytes(10));
    await suite.upload('other', patternBytes(20, 2));
    expect(await faultOf(suite.store.fork('u', 'other'))).toBe('exists');
    expect(await suite.uploadBytes('other')).toEqual(patternBytes(20, 2));
  });

  test('discard removes, may be asked again, and leaves others', async () => {
    await suite.upload('u', patternBytes(10));
    await suite.upload('v', patternBytes(11));
    await suite.store.discard('u');
    await suite.store.discard('u');
    expect(await suite.store.uploadLength('u')).toBeUndefined();
    expect(await suite.store.uploadLength('v')).toBe(11);
  });

  test('an id that was discarded can be used again, and is empty', async () => {
    await suite.upload('u', patternBytes(10));
    await suite.store.discard('u');
    await suite.upload('u', patternBytes(3, 2));
    expect(await suite.uploadBytes('u')).toEqual(patternBytes(3, 2));
  });

  test('staleUploads gives those that were last written before the time, and no others', async () => {
    await suite.upload('u', patternBytes(1));
    await suite.upload('v', patternBytes(1));
    await suite.upload('w', patternBytes(1));
    await suite.store.commit('w', freshKey());
    const hour = 3_600_000;
    expect(await staleIds(suite.store, Date.now() - hour)).toEqual([]);
    expect(await staleIds(suite.store, Date.now() + hour)).toEqual(['u', 'v']);
  });

  test('staleUploads may stop in the middle, and what it gives may be discarded on the way', async () => {
    for (const id of ['a', 'b', 'c', 'd']) await suite.upload(id, patternBytes(1));
    for await (const id of suite.store.staleUploads(Date.now() + 3_600_000)) {
      await suite.store.discard(id);
      break;
    }
    expect((await staleIds(suite.store, Date.now() + 3_600_000)).length).toBe(3);
    for await (const id of suite.store.staleUploads(Date.now() + 3_600_000)) {
      await suite.store.discard(id);
    }
    expect(await staleIds(suite.store, Date.now() + 3_600_000)).toEqual([]);
  });
}

function commitCases(suite: SuiteContext): void {
  test('commit makes the bytes content, and the upload is gone', async () => {
    await suite.upload('u', patternBytes(70_000));
    const key = freshKey();
    await suite.store.commit('u', key);
    expect((await suite.store.open(key)).size).toBe(70_000);
    expect(await suite.blobBytes(key)).toEqual(patternBytes(70_000));
    expect(await suite.store.uploadLength('u')).toBeUndefined();
    expect(await faultOf(suite.store.append('u', 70_000))).toBe('absent');
  });

  test('an empty blob is a blob', async () => {
    await suite.upload('u', new Uint8Array(0));
    const key = freshKey();
    await suite.store.commit('u', key);
    expect((await suite.store.open(key)).size).toBe(0);
    expect((await suite.blobBytes(key)).length).toBe(0);
  });

  test('a sha512 key is as good', async () => {
    await suite.upload('u', patternBytes(5));
    const key = freshKey('c3'.repeat(64));
    await suite.store.commit('u', key);
    expect(await suite.blobBytes(key)).toEqual(patternBytes(5));
  });

  test('the commit of an unknown upload is absent, and makes nothing', async () => {
    const key = freshKey();
    expect(await faultOf(suite.store.commit('nothing', key))).toBe('absent');
    expect(await faultOf(suite.store.open(key))).toBe('absent');
  });

  test('a second commit of one upload is absent, and the first stays', async () => {
    await suite.upload('u', patternBytes(5));
    const [first, second] = [freshKey(), freshKey()];
    await suite.store.commit('u', first);
    expect(await faultOf(suite.store.commit('u', second))).toBe('absent');
    expect(await suite.blobBytes(first)).toEqual(patternBytes(5));
    expect(await faultOf(suite.store.open(second))).toBe('absent');
  });

  test('the commit to a key in use is refused, and neither side loses a byte', async () => {
    const key = freshKey();
    await suite.upload('u', patternBytes(5));
    await suite.store.commit('u', key);
    await suite.upload('v', patternBytes(6, 2));
    expect(await faultOf(suite.store.commit('v', key))).toBe('exists');
    expect(await suite.blobBytes(key)).toEqual(patternBytes(5));
    expect(await suite.uploadBytes('v')).toEqual(patternBytes(6, 2));
    const other = freshKey();
    await suite.store.commit('v', other);
    expect(await suite.blobBytes(other)).toEqual(patternBytes(6, 2));
  });

  test('of two commits to one key at once, one wins and the other keeps its upload', async () => {
    const key = freshKey();
    await suite.upload('u', patternBytes(5));
    await suite.upload('v', patternBytes(6, 2));
    const faults = await Promise.all(['u', 'v'].map((id) => faultOf(suite.store.commit(id, key))));
    expect(faults.toSorted()).toEqual(['exists', 'none']);
    const [won, lost] = faults[0] === 'none' ? ([5, 'v'] as const) : ([6, 'u'] as const);
    expect((await suite.store.open(key)).size).toBe(won);
    expect(await suite.store.uploadLength(lost)).toBe(lost === 'v' ? 6 : 5);
  });

  test('of two commits of one upload at once, one wins', async () => {
    await suite.upload('u', patternBytes(5));
    const keys = [freshKey(), freshKey()];
    const faults = await Promise.all(keys.map((key) => faultOf(suite.store.commit('u', key))));
    expect(faults.toSorted()).toEqual(['absent', 'none']);
    const winner = keys[faults.indexOf('none')] ?? '';
    expect(await suite.blobBytes(winner)).toEqual(patternBytes(5));
  });

  test('many commits at once all arrive', async () => {
    const pushes = Array.from({ length: 40 }, (_, index) => {
      const hex = hashBytes('sha256', patternBytes(8, index)).slice(7);
      // Half of them share a folder, half have one of their own.
      return { id: `u${index}`, key: freshKey(index % 2 ? hex : HEX), seed: index };
    });
    await Promise.all(
      pushes.map(async ({ id, key, seed }) => {
        await suite.upload(id, patternBytes(100 + seed, seed));
        await suite.store.commit(id, key);
      }),
    );
    for (const { key, seed } of pushes) {
      expect(await suite.blobBytes(key)).toEqual(patternBytes(100 + seed, seed));
    }
  });

  test('reclaim makes content an upload again, which can go on and be committed elsewhere', async () => {
    const [first, second] = [freshKey(), freshKey()];
    await suite.upload('u', patternBytes(50));
    await suite.store.commit('u', first);
    await suite.store.reclaim(first, 'u');
    expect(await faultOf(suite.store.open(first))).toBe('absent');
    expect(await suite.uploadBytes('u')).toEqual(patternBytes(50));
    await appendBytes(suite.store, 'u', { offset: 50, chunks: [patternBytes(2, 2)] });
    await suite.store.commit('u', second);
    expect(await suite.blobBytes(second)).toEqual(joined(patternBytes(50), patternBytes(2, 2)));
  });

  test('reclaim of an unknown key is absent, and leaves an upload alone', async () => {
    await suite.upload('u', patternBytes(4));
    expect(await faultOf(suite.store.reclaim(freshKey(), 'u'))).toBe('absent');
    expect(await suite.uploadBytes('u')).toEqual(patternBytes(4));
  });

  test('reclaim never replaces an upload', async () => {
    const key = freshKey();
    await suite.upload('u', patternBytes(4));
    await suite.store.commit('u', key);
    await suite.upload('u', patternBytes(9, 2));
    expect(await faultOf(suite.store.reclaim(key, 'u'))).toBe('exists');
    expect(await suite.uploadBytes('u')).toEqual(patternBytes(9, 2));
    expect(await suite.blobBytes(key)).toEqual(patternBytes(4));
  });
}

function contentCases(suite: SuiteContext): void {
  test('opening an unknown key is absent', async () => {
    expect(await faultOf(suite.store.open(freshKey()))).toBe('absent');
  });

  test('content can be read many times, and by many at once', async () => {
    const key = freshKey();
    await suite.upload('u', patternBytes(200_000));
    await suite.store.commit('u', key);
    const content = await suite.store.open(key);
    const reads = await Promise.all(Array.from({ length: 5 }, () => contentBytes(content)));
    for (const bytes of reads) expect(bytes).toEqual(patternBytes(200_000));
  });

  test('a stream gives just the range, with both ends', async () => {
    const key = freshKey();
    const whole = patternBytes(200_000);
    await suite.upload('u', whole);
    await suite.store.commit('u', key);
    const content = await suite.store.open(key);
    // A file has no ranges of its own: the HTTP host cuts it.
    if (content.kind === 'file') return expect(content.size).toBe(200_000);
    const ranges = [
      { start: 0, end: 0 },
      { start: 0, end: 199_999 },
      { start: 199_999, end: 199_999 },
      { start: 65_530, end: 131_080 },
    ];
    for (const range of ranges) {
      expect(await readAll(content.open(range))).toEqual(whole.slice(range.start, range.end + 1));
    }
  });

  test('remove removes, and may be asked again', async () => {
    const key = freshKey();
    await suite.upload('u', patternBytes(4));
    await suite.store.commit('u', key);
    await suite.store.remove(key);
    await suite.store.remove(key);
    expect(await faultOf(suite.store.open(key))).toBe('absent');
  });

  test('remove leaves other keys of the same digest', async () => {
    const [gone, kept] = [freshKey(), freshKey()];
    await suite.upload('u', patternBytes(4));
    await suite.upload('v', patternBytes(4));
    await suite.store.commit('u', gone);
    await suite.store.commit('v', kept);
    await suite.store.remove(gone);
    expect(await suite.blobBytes(kept)).toEqual(patternBytes(4));
  });

  test('an upload id never reads content, and discarding it removes none', async () => {
    const key = freshKey();
    await suite.upload('u', patternBytes(4));
    await suite.store.commit('u', key);
    await suite.store.discard('u');
    expect(await faultOf(readAll(suite.store.readUpload('u')))).toBe('absent');
    expect(await suite.blobBytes(key)).toEqual(patternBytes(4));
  });

  test('check() finds nothing wrong, and leaves nothing', async () => {
    await suite.store.check();
    expect(await staleIds(suite.store, Date.now() + 3_600_000)).toEqual([]);
  });
}

function upkeepCases(suite: SuiteContext): void {
  const stored = async (bytes: Uint8Array, key = freshKey()) => {
    await suite.upload(`for-${key.split('.')[1]}`, bytes);
    await suite.store.commit(`for-${key.split('.')[1]}`, key);
    return key;
  };
  const contents = async () => {
    const all = await Array.fromAsync(suite.store.contents());
    return all.toSorted((a, b) => (a.key < b.key ? -1 : 1));
  };

  test('read gives all bytes of a key, and is absent without them', async () => {
    const key = await stored(patternBytes(300_000));
    expect(await readAll(suite.store.read(key))).toEqual(patternBytes(300_000));
    expect(await faultOf(readAll(suite.store.read(freshKey())))).toBe('absent');
  });

  test('contents names what is committed, of every algorithm, and nothing else', async () => {
    expect(await contents()).toEqual([]);
    const before = Date.now();
    const first = await stored(patternBytes(10));
    const second = await stored(patternBytes(20), freshKey('ab'.repeat(64)));
    const gone = await stored(patternBytes(30));
    await suite.store.remove(gone);
    await suite.upload('still-coming', patternBytes(40));
    const all = await contents();
    expect(all.map(({ key, size }) => [key, size])).toEqual([
      [first, 10],
      [second, 20],
    ]);
    for (const { modifiedAt } of all) {
      expect(modifiedAt).toBeGreaterThan(before - 60_000);
      expect(modifiedAt).toBeLessThan(Date.now() + 60_000);
    }
  });

  test('what goes to quarantine is content no more, and the key stays free of it', async () => {
    const [key, other] = [await stored(patternBytes(10)), await stored(patternBytes(20))];
    const place = await suite.store.quarantine(key);
    expect(place).toContain('quarantine');
    expect(await faultOf(suite.store.open(key))).toBe('absent');
    expect(await faultOf(readAll(suite.store.read(key)))).toBe('absent');
    expect((await contents()).map((found) => found.key)).toEqual([other]);
    // Somebody crashed before they could write down where the bytes lie.
    expect(await suite.store.quarantine(key)).toBe(place);
    await suite.store.remove(key);
    expect(await suite.store.quarantine(key)).toBe(place);
    expect(await faultOf(suite.store.quarantine(freshKey()))).toBe('absent');
  });

  test('space is unknown, or a part of a whole', async () => {
    const space = await suite.store.space();
    if (space === undefined) return;
    expect(space.freeBytes).toBeGreaterThanOrEqual(0);
    expect(space.totalBytes).toBeGreaterThanOrEqual(space.freeBytes);
    expect(space.totalBytes).toBeGreaterThan(0);
  });
}

const ILLEGAL_IDS = [
  '',
  '.',
  '..',
  '../x',
  'a/b',
  '/etc/passwd',
  'a\0b',
  'A',
  'a.b',
  'é',
  'a\n',
  'x'.repeat(129),
];
const ILLEGAL_KEYS = [
  '',
  '..',
  '../uploads/u',
  '/etc/passwd',
  `sha256/5e/${HEX}`,
  `sha256/5e/${HEX}.`,
  `sha256/5e/${HEX}.a/../../x`,
  `sha256/5e/${HEX}.a\0`,
  `sha256/5e/${HEX}.a\n`,
  `sha256/00/${HEX}.a`,
  `sha256/5E/${HEX.toUpperCase()}.a`,
  `sha256/../${HEX}.a`,
  `sha512/5e/${HEX}.a`,
  `md5/5e/${HEX}.a`,
  `sha256/5e/${HEX}.${'r'.repeat(65)}`,
];

function nameCases(suite: SuiteContext): void {
  test.each(ILLEGAL_IDS)('the upload id %j is refused by every method', async (id) => {
    const { store } = suite;
    await suite.upload('u', patternBytes(4));
    const key = freshKey();
    await suite.upload('v', patternBytes(4));
    await store.commit('v', key);
    const attempts: (() => Promise<unknown>)[] = [
      () => store.append(id, 0),
      () => store.uploadLength(id),
      async () => readAll(store.readUpload(id)),
      () => store.fork(id, 'copy'),
      () => store.fork('u', id),
      () => store.discard(id),
      () => store.commit(id, freshKey()),
      () => store.reclaim(key, id),
    ];
    for (const attempt of attempts) expect(await faultOf(attempt())).toBe('failed');
    expect(await staleIds(store, Date.now() + 3_600_000)).toEqual(['u']);
    expect(await suite.blobBytes(key)).toEqual(patternBytes(4));
  });

  test.each(ILLEGAL_KEYS)('the key %j is refused by every method', async (key) => {
    const { store } = suite;
    await suite.upload('u', patternBytes(4));
    const attempts: (() => Promise<unknown>)[] = [
      () => store.commit('u', key),
      () => store.reclaim(key, 'w'),
      () => store.open(key),
      async () => readAll(store.read(key)),
      () => store.remove(key),
      () => store.quarantine(key),
    ];
    for (const attempt of attempts) expect(await faultOf(attempt())).toBe('failed');
    expect(await suite.uploadBytes('u')).toEqual(patternBytes(4));
  });
}

/** Bounded: a driver that gathers bytes may refuse only when it hands them on. */
async function writeUntilRefused(appender: BlobAppender): Promise<void> {
  for (let turn = 0; turn < 16; turn += 1) await appender.write(patternBytes(100_000, turn));
}

async function staleIds(store: BlobStore, before: number): Promise<UploadId[]> {
  return (await Array.fromAsync(store.staleUploads(before))).toSorted();
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}
