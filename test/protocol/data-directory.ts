// What lies in and around the data directory of a registry: nothing may be written beside its own files.
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const OWN_FILES = [
  /^entrepot\.db(-wal|-shm)?$/,
  /^uploads$/,
  /^uploads\/[a-z0-9-]+$/,
  /^blobs$/,
  /^blobs\/sha(256|512)$/,
  /^blobs\/sha(256|512)\/[0-9a-f]{2}$/,
  /^blobs\/sha(256\/[0-9a-f]{2}\/[0-9a-f]{64}|512\/[0-9a-f]{2}\/[0-9a-f]{128})\.[a-z0-9-]+$/,
];

export interface WatchedDirectory {
  /** For `startTestRegistry({ directory })`. */
  readonly directory: string;
  /** Files in the directory that are not a registry's, and everything beside it. */
  strayFiles(): string[];
  /** Names of the files of uploads. */
  uploadFiles(): string[];
  /** Storage keys of the files of blobs. */
  blobFiles(): string[];
  remove(): void;
}

/** A data directory several levels deep, so that a way out of it by `../..` ends in what is watched. */
export function watchedDirectory(): WatchedDirectory {
  const root = mkdtempSync(join(tmpdir(), 'entrepot-watched-'));
  const directory = join(root, 'a', 'b', 'data');
  mkdirSync(directory, { recursive: true });
  const within = (path: string) => readdirSync(path, { recursive: true }) as string[];
  return {
    directory,
    strayFiles() {
      const own = within(directory).filter((file) => !OWN_FILES.some((name) => name.test(file)));
      const beside = within(root).filter(
        (file) => !['a', 'a/b', 'a/b/data'].includes(file) && !file.startsWith('a/b/data/'),
      );
      return [...own, ...beside];
    },
    uploadFiles: () => readdirSync(join(directory, 'uploads')),
    blobFiles: () => within(join(directory, 'blobs')).filter((file) => file.includes('.')),
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}
