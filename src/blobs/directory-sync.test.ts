// A waiter is released only by a sync that began after its call, and by no other.
import { describe, expect, test } from 'bun:test';
import { DirectorySync } from './directory-sync.ts';

/** A sync that runs until the test ends it. */
class FakeDisk {
  readonly syncs: { directory: string; done: PromiseWithResolvers<void> }[] = [];
  readonly sync = (directory: string): Promise<void> => {
    const done = Promise.withResolvers<void>();
    this.syncs.push({ directory, done });
    return done.promise;
  };

  end(index: number, error?: Error): void {
    const done = this.syncs[index]?.done;
    if (done === undefined) throw new Error(`sync ${index} has not begun`);
    if (error === undefined) done.resolve();
    else done.reject(error);
  }
}

/** Lets everything happen that waits for nothing but promises. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}

function watch(promise: Promise<void>): { state: 'waiting' | 'released' | 'failed' } {
  const watched: { state: 'waiting' | 'released' | 'failed' } = { state: 'waiting' };
  promise.then(
    () => {
      watched.state = 'released';
    },
    () => {
      watched.state = 'failed';
    },
  );
  return watched;
}

describe('directory sync', () => {
  test('the first waiter begins a sync, and is released when it ends', async () => {
    const disk = new FakeDisk();
    const waiter = watch(new DirectorySync(disk.sync).sync('d'));
    await settle();
    expect(disk.syncs.length).toBe(1);
    expect(waiter.state).toBe('waiting');
    disk.end(0);
    await settle();
    expect(waiter.state).toBe('released');
  });

  test('a waiter that comes while one runs is not released by it, but by the next', async () => {
    const disk = new FakeDisk();
    const directorySync = new DirectorySync(disk.sync);
    const early = watch(directorySync.sync('d'));
    const late = watch(directorySync.sync('d'));
    await settle();
    expect(disk.syncs.length).toBe(1);
    disk.end(0);
    await settle();
    expect([early.state, late.state]).toEqual(['released', 'waiting']);
    expect(disk.syncs.length).toBe(2);
    disk.end(1);
    await settle();
    expect(late.state).toBe('released');
  });

  test('all that come while one runs share the next', async () => {
    const disk = new FakeDisk();
    const directorySync = new DirectorySync(disk.sync);
    const waiters = Array.from({ length: 100 }, () => watch(directorySync.sync('d')));
    disk.end(0);
    await settle();
    disk.end(1);
    await settle();
    expect(disk.syncs.length).toBe(2);
    expect(waiters.every((waiter) => waiter.state === 'released')).toBe(true);
  });

  test('a waiter that comes while the next runs waits for a third', async () => {
    const disk = new FakeDisk();
    const directorySync = new DirectorySync(disk.sync);
    directorySync.sync('d');
    directorySync.sync('d');
    disk.end(0);
    await settle();
    const late = watch(directorySync.sync('d'));
    disk.end(1);
    await settle();
    expect(late.state).toBe('waiting');
    disk.end(2);
    await settle();
    expect(late.state).toBe('released');
  });

  test('a waiter that comes when none runs begins a new one', async () => {
    const disk = new FakeDisk();
    const directorySync = new DirectorySync(disk.sync);
    directorySync.sync('d');
    disk.end(0);
    await settle();
    const late = watch(directorySync.sync('d'));
    await settle();
    expect(disk.syncs.length).toBe(2);
    expect(late.state).toBe('waiting');
  });

  test('folders do not wait for each other', async () => {
    const disk = new FakeDisk();
    const directorySync = new DirectorySync(disk.sync);
    const [a, b] = [watch(directorySync.sync('a')), watch(directorySync.sync('b'))];
    expect(disk.syncs.map((sync) => sync.directory)).toEqual(['a', 'b']);
    disk.end(1);
    await settle();
    expect([a.state, b.state]).toEqual(['waiting', 'released']);
  });

  test('a failed sync fails those that waited for it, and the next goes its own way', async () => {
    const disk = new FakeDisk();
    const directorySync = new DirectorySync(disk.sync);
    const early = watch(directorySync.sync('d'));
    const late = watch(directorySync.sync('d'));
    disk.end(0, new Error('disk fault'));
    await settle();
    expect([early.state, late.state]).toEqual(['failed', 'waiting']);
    disk.end(1);
    await settle();
    expect(late.state).toBe('released');
  });

  test('whatever the order of calls and ends: released only by a sync that began after the call', async () => {
    for (let seed = 1; seed <= 200; seed += 1) {
      const disk = new FakeDisk();
      const directorySync = new DirectorySync(disk.sync);
      let state = seed;
      const random = () => {
        state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
        return state / 2 ** 32;
      };
      let ended = 0;
      const waiters: { begunBefore: number; watched: ReturnType<typeof watch> }[] = [];
      for (let step = 0; step < 40; step += 1) {
        if (random() < 0.5) {
          waiters.push({ begunBefore: disk.syncs.length, watched: watch(directorySync.sync('d')) });
        } else if (ended < disk.syncs.length) {
          disk.end(ended);
          ended += 1;
        }
        if (random() < 0.5) await settle();
        for (const { begunBefore, watched } of waiters) {
          if (watched.state === 'released') expect(ended).toBeGreaterThan(begunBefore);
        }
      }
      await settle();
      while (ended < disk.syncs.length) {
        disk.end(ended);
        ended += 1;
        await settle();
      }
      expect(waiters.every(({ watched }) => watched.state === 'released')).toBe(true);
    }
  });
});
