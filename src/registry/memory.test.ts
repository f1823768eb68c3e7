// What a process remembers: bytes that cannot change, counts of pulls, uploads between and during requests.
import { describe, expect, test } from 'bun:test';
import { createHasher } from '../blobs/hasher.ts';
import type { PullCount } from '../metadata/pulls.ts';
import { LIMITS } from '../oci/limits.ts';
import { ByteCache } from './byte-cache.ts';
import { LiveUploads } from './live-uploads.ts';
import { PullCounter } from './pull-counter.ts';
import { refusalOf, SentBody } from './suite-registry.ts';

describe('the cache of bytes', () => {
  const bytes = (n: number) => new Uint8Array(100).fill(n);

  test('forgets what was used least recently', () => {
    const cache = new ByteCache(800);
    for (let id = 0; id < 8; id += 1) cache.put(id, bytes(id));
    expect(cache.get(0)).toEqual(bytes(0));
    cache.put(8, bytes(8));
    expect(cache.get(1)).toBeUndefined();
    expect(cache.get(0)).toEqual(bytes(0));
    expect(cache.get(8)).toEqual(bytes(8));
  });

  test('counts the same bytes once, and takes nothing that would push out much', () => {
    const cache = new ByteCache(800);
    for (let n = 0; n < 100; n += 1) cache.put(1, bytes(1));
    for (let id = 2; id < 9; id += 1) cache.put(id, bytes(id));
    expect(cache.get(1)).toEqual(bytes(1));
    cache.put(99, new Uint8Array(101));
    expect(cache.get(99)).toBeUndefined();
    expect(cache.get(2)).toEqual(bytes(2));
  });
});

describe('the counter of pulls', () => {
  const flushed = async (counter: PullCounter) => {
    const seen: PullCount[] = [];
    await counter.flush(async (pulls) => void seen.push(...pulls));
    return seen;
  };

  test('adds up, and starts anew after a flush', async () => {
    let now = 10;
    const counter = new PullCounter(() => now);
    counter.count(1);
    now = 20;
    counter.count(1);
    counter.count(2);
    expect(await flushed(counter)).toEqual([
      { manifest: 1, count: 2, lastAt: 20 },
      { manifest: 2, count: 1, lastAt: 20 },
    ]);
    let isAsked = false;
    await counter.flush(async () => {
      isAsked = true;
    });
    expect(isAsked).toBe(false);
  });

  test('keeps what could not be written, with what came meanwhile', async () => {
    let now = 10;
    const counter = new PullCounter(() => now);
    counter.count(1);
    counter.count(2);
    const failing = counter.flush(async () => {
      now = 30;
      counter.count(1);
      counter.count(3);
      throw new Error('no database');
    });
    await expect(failing).rejects.toThrow('no database');
    expect(await flushed(counter)).toEqual([
      { manifest: 1, count: 2, lastAt: 30 },
      { manifest: 2, count: 1, lastAt: 10 },
      { manifest: 3, count: 1, lastAt: 30 },
    ]);
  });
});

describe('live uploads', () => {
  test('give a hash back only for just the bytes and the request that it stands for', () => {
    const live = new LiveUploads();
    const hasher = createHasher('sha256');
    const keep = () => live.keepHash('u', { hasher, offset: 5, fence: 2 });
    keep();
    expect(live.takeHash('u', { offset: 5, fence: 2 })).toBe(hasher);
    expect(live.takeHash('u', { offset: 5, fence: 2 })).toBeUndefined();
    for (const other of [
      { offset: 6, fence: 2 },
      { offset: 5, fence: 3 },
    ]) {
      keep();
      expect(live.takeHash('u', other)).toBeUndefined();
      // What does not fit once never will.
      expect(live.takeHash('u', { offset: 5, fence: 2 })).toBeUndefined();
    }
    keep();
    live.forget('u');
    expect(live.takeHash('u', { offset: 5, fence: 2 })).toBeUndefined();
  });

  test('keep a bounded number of hashes', () => {
    const live = new LiveUploads();
    const hasher = createHasher('sha256');
    for (let n = 0; n < 2_000; n += 1) live.keepHash(`u${n}`, { hasher, offset: 0, fence: 0 });
    expect(live.takeHash('u0', { offset: 0, fence: 0 })).toBeUndefined();
    expect(live.takeHash('u1999', { offset: 0, fence: 0 })).toBe(hasher);
  });

  test('let one request write at a time, and end it when asked to', async () => {
    const live = new LiveUploads();
    const body = new SentBody();
    const first = refusalOf(live.write('u', body, () => body.next()));
    expect(live.isWriting('u')).toBe(true);
    expect(live.receiving).toBe(1);
    const second = live.write('u', new SentBody(), async () => undefined);
    expect(await refusalOf(second)).toBe('RANGE_INVALID');
    await live.interrupt('u');
    expect(live.isWriting('u')).toBe(false);
    expect(await first).toBe('RANGE_INVALID');
    expect(live.receiving).toBe(0);
    await live.interrupt('u');
  });

  test('are limited in number, and a place that is left is free again', async () => {
    const live = new LiveUploads();
    const ending = Promise.withResolvers<void>();
    const all = Array.from({ length: LIMITS.concurrentUploads }, (_, n) =>
      live.write(`u${n}`, new SentBody(), () => ending.promise),
    );
    const more = () => refusalOf(live.write('more', new SentBody(), async () => {}));
    expect(await more()).toBe('TOOMANYREQUESTS');
    ending.resolve();
    await Promise.all(all);
    expect(await more()).toBe('none');
  });
});
