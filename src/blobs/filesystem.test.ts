// What only a store of files does: its tree, its modes, what a kill leaves, and a disk that refuses.
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { chmod, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requires } from '../../test/support/requires.ts';
import {
  appendBytes,
  contentBytes,
  faultOf,
  freshKey,
  patternBytes,
  readAll,
} from './blob-store.suite.ts';
import { BlobStoreError } from './blob-store.ts';
import { openFilesystemBlobStore } from './filesystem.ts';

let parent: string;
let directory: string;

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'entrepot-files-'));
  directory = join(parent, 'deep', 'data');
});
afterEach(() => rm(parent, { recursive: true, force: true }));

async function tree(): Promise<string[]> {
  return (await readdir(parent, { recursive: true })).toSorted();
}

describe('files and folders', () => {
  test('lie where the store draws them, and nowhere else, for their owner only', async () => {
    const store = await openFilesystemBlobStore({ directory });
    const key = freshKey();
    await appendBytes(store, 'u', { offset: 0, chunks: [patternBytes(10)] });
    await store.commit('u', key);
    await appendBytes(store, 'v', { offset: 0, chunks: [patternBytes(10)] });
    await store.fork('v', 'w');
    await store.check();
    const [algorithm = '', folder = ''] = key.split('/');
    expect(await tree()).toEqual(
      [
        'deep',
        'deep/data',
        'deep/data/blobs',
        `deep/data/blobs/${algorithm}`,
        `deep/data/blobs/${algorithm}/${folder}`,
        `deep/data/blobs/${key}`,
        'deep/data/uploads',
        'deep/data/uploads/v',
        'deep/data/uploads/w',
      ].toSorted(),
    );
    for (const path of (await tree()).slice(1)) {
      const found = await stat(join(parent, path));
      expect(found.mode & 0o777).toBe(found.isDirectory() ? 0o700 : 0o600);
    }
  });

  test('open gives the path of the file', async () => {
    const store = await openFilesystemBlobStore({ directory });
    const key = freshKey();
    await appendBytes(store, 'u', { offset: 0, chunks: [patternBytes(10)] });
    await store.commit('u', key);
    expect(await store.open(key)).toEqual({
      kind: 'file',
      path: join(directory, 'blobs', key),
      size: 10,
    });
  });

  test('a second start finds all, and uploads go on', async () => {
    const before = await openFilesystemBlobStore({ directory });
    const [first, second] = [freshKey(), freshKey()];
    await appendBytes(before, 'u', { offset: 0, chunks: [patternBytes(10)] });
    await before.commit('u', first);
    await appendBytes(before, 'v', { offset: 0, chunks: [patternBytes(300_000)] });
    const after = await openFilesystemBlobStore({ directory });
    expect(await contentBytes(await after.open(first))).toEqual(patternBytes(10));
    await appendBytes(after, 'v', { offset: 300_000, chunks: [patternBytes(5, 2)] });
    await after.commit('v', second);
    expect((await after.open(second)).size).toBe(300_005);
  });

  test('what others have put among the uploads is no upload', async () => {
    const store = await openFilesystemBlobStore({ directory });
    await writeFile(join(directory, 'uploads', '.nfs0001'), 'x');
    await mkdir(join(directory, 'uploads', 'folder'));
    await appendBytes(store, 'u', { offset: 0, chunks: [] });
    expect(await Array.fromAsync(store.staleUploads(Date.now() + 3_600_000))).toEqual(['u']);
  });

  test('a file where a folder must be is said', async () => {
    await mkdir(join(parent, 'deep'));
    await writeFile(directory, 'in the way');
    const opened = openFilesystemBlobStore({ directory });
    expect(await faultOf(opened)).toBe('failed');
    await expect(opened).rejects.toThrow(directory);
  });

  test('folders that someone tidied away fail one commit, which loses nothing, and are made again', async () => {
    const store = await openFilesystemBlobStore({ directory });
    await appendBytes(store, 'u', { offset: 0, chunks: [patternBytes(10)] });
    await store.commit('u', freshKey());
    await rm(join(directory, 'blobs', 'sha256'), { recursive: true });
    await appendBytes(store, 'v', { offset: 0, chunks: [patternBytes(10)] });
    expect(await faultOf(store.commit('v', freshKey()))).toBe('failed');
    const key = freshKey();
    await store.commit('v', key);
    expect(await contentBytes(await store.open(key))).toEqual(patternBytes(10));
  });

  test('uploads that turned into a file fail, and content is still served', async () => {
    const store = await openFilesystemBlobStore({ directory });
    const key = freshKey();
    await appendBytes(store, 'u', { offset: 0, chunks: [patternBytes(10)] });
    await store.commit('u', key);
    await rm(join(directory, 'uploads'), { recursive: true });
    await writeFile(join(directory, 'uploads'), '');
    expect(await faultOf(store.append('v', 0))).toBe('failed');
    expect(await faultOf(store.check())).toBe('failed');
    expect(await contentBytes(await store.open(key))).toEqual(patternBytes(10));
  });
});

describe('a kill in the middle', () => {
  test('leaves uploads whose bytes are those that were sent, and that go on', async () => {
    const script = join(parent, 'writer.ts');
    const store = join(import.meta.dir, 'filesystem.ts');
    await writeFile(
      script,
      `import { openFilesystemBlobStore } from ${JSON.stringify(store)};
       const store = await openFilesystemBlobStore({ directory: ${JSON.stringify(directory)} });
       const writer = await store.append('u', 0);
       const piece = new Uint8Array(65_536).fill(7);
       for (let turn = 0; turn < 2_000; turn += 1) {
         await writer.write(piece);
         if (turn === 500) console.log('half');
       }
       // Neither closed nor ended: only a kill gets it out of here.
       setInterval(() => {}, 60_000);`,
    );
    const child = Bun.spawn([process.execPath, script], { stdout: 'pipe', stderr: 'inherit' });
    const { value } = await child.stdout.getReader().read();
    expect(new TextDecoder().decode(value)).toBe('half\n');
    child.kill('SIGKILL');
    await child.exited;

    const after = await openFilesystemBlobStore({ directory });
    const length = (await after.uploadLength('u')) ?? 0;
    // All but the two buffers that were still on their way.
    expect(length).toBeGreaterThanOrEqual(500 * 65_536 - 2 * 262_144);
    const held = await readAll(after.readUpload('u'));
    expect(held.every((byte) => byte === 7)).toBe(true);
    await appendBytes(after, 'u', { offset: length, chunks: [patternBytes(3)] });
    const key = freshKey();
    await after.commit('u', key);
    expect((await after.open(key)).size).toBe(length + 3);
  });
});

/** A small disk of its own, which only root can mount. */
function mountSmallDisk(path: string): string | undefined {
  const mounted = Bun.spawnSync(['mount', '-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', path]);
  return mounted.success ? undefined : mounted.stderr.toString().trim();
}

async function probeMount(): Promise<string | undefined> {
  if (process.platform !== 'linux') return 'small disks are mounted on Linux only';
  if (process.getuid?.() !== 0) return 'only root can mount a small disk';
  const probe = await mkdtemp(join(tmpdir(), 'entrepot-mount-'));
  try {
    const reason = mountSmallDisk(probe);
    if (reason === undefined) Bun.spawnSync(['umount', probe]);
    return reason;
  } finally {
    await rm(probe, { recursive: true, force: true });
  }
}

const cannotMount = await probeMount();
const testOnDisk = requires('a small disk', cannotMount === undefined, cannotMount ?? '');

describe('a disk that refuses', () => {
  let disk: string;
  beforeEach(async () => {
    disk = join(parent, 'disk');
    await mkdir(disk);
    expect(mountSmallDisk(disk)).toBeUndefined();
  });
  afterEach(() => {
    const unmounted = Bun.spawnSync(['umount', disk]).success;
    // A handle that was left open keeps it busy: the test fails, but leaves no disk behind.
    if (!unmounted) Bun.spawnSync(['umount', '--lazy', disk]);
    expect(unmounted).toBe(true);
  });

  testOnDisk(
    'full: the writer is told, what was there is served, and room that is freed is used',
    async () => {
      const store = await openFilesystemBlobStore({ directory: disk });
      const key = freshKey();
      await appendBytes(store, 'kept', { offset: 0, chunks: [patternBytes(100_000)] });
      await store.commit('kept', key);
      const push = appendBytes(store, 'u', { offset: 0, chunks: [patternBytes(3_000_000)] });
      expect(await faultOf(push)).toBe('full');
      await expect(push).rejects.toThrow(/upload u\b.*disk .* is full/);
      expect(await contentBytes(await store.open(key))).toEqual(patternBytes(100_000));
      expect(await faultOf(store.fork('u', 'copy'))).toBe('full');
      expect(await store.uploadLength('copy')).toBeUndefined();
      await store.discard('u');
      await appendBytes(store, 'v', { offset: 0, chunks: [patternBytes(1_000_000)] });
      await store.commit('v', freshKey());
      await store.check();
    },
  );

  testOnDisk(
    'read-only: writing is denied with a sentence, and the store opens and serves',
    async () => {
      const writable = await openFilesystemBlobStore({ directory: disk });
      const key = freshKey();
      await appendBytes(writable, 'u', { offset: 0, chunks: [patternBytes(10)] });
      await writable.commit('u', key);
      expect(Bun.spawnSync(['mount', '-o', 'remount,ro', disk]).success).toBe(true);
      for (const store of [writable, await openFilesystemBlobStore({ directory: disk })]) {
        expect(await faultOf(store.append('v', 0))).toBe('denied');
        expect(await faultOf(store.remove(key))).toBe('denied');
        expect(await faultOf(store.check())).toBe('denied');
        await expect(store.check()).rejects.toThrow(/read-only/);
        expect(await contentBytes(await store.open(key))).toEqual(patternBytes(10));
      }
    },
  );
});

const isRoot = process.getuid?.() === 0;
const testAsUser = requires('a user without all rights', !isRoot, 'root may write everywhere');
testAsUser('a folder without permission is denied', async () => {
  const store = await openFilesystemBlobStore({ directory });
  await chmod(join(directory, 'uploads'), 0o500);
  try {
    expect(await faultOf(store.append('u', 0))).toBe('denied');
    await expect(store.check()).rejects.toBeInstanceOf(BlobStoreError);
  } finally {
    await chmod(join(directory, 'uploads'), 0o700);
  }
});
