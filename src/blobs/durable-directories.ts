// Folders whose own names are on stable storage before anything is put in them. Knows no blobs.
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { DirectorySync } from './directory-sync.ts';
import { storageError, systemCode } from './filesystem-errors.ts';

export class DurableDirectories {
  readonly #root: string;
  readonly #shared = new DirectorySync(syncDirectory);
  /** Folders that this process has made sure of. At most one for each two digits of each algorithm. */
  readonly #sure = new Map<string, Promise<void>>();

  private constructor(root: string) {
    this.#root = root;
    this.#sure.set(root, Promise.resolve());
  }

  static async open(root: string): Promise<DurableDirectories> {
    const directories = new DurableDirectories(root);
    const made = await mkdir(root, { recursive: true, mode: 0o700 });
    if (made === undefined) return directories;
    const first = resolve(made);
    for (let path = root; path.length >= first.length; path = dirname(path)) {
      await syncDirectory(dirname(path));
    }
    return directories;
  }

  /** Makes `path`, a folder below the root, and what lies between; one caller does it for all. */
  ensure(path: string): Promise<void> {
    const known = this.#sure.get(path);
    if (known !== undefined) return known;
    const sure = this.#make(path);
    this.#sure.set(path, sure);
    sure.catch(() => this.#sure.delete(path));
    return sure;
  }

  /** After a folder was found missing that had been made: whoever needs one makes sure anew. */
  forget(): void {
    this.#sure.clear();
    this.#sure.set(this.#root, Promise.resolve());
  }

  /** Resolves when all names that stood in `path` before the call are on stable storage. */
  sync(path: string): Promise<void> {
    return this.#shared.sync(path);
  }

  async #make(path: string): Promise<void> {
    if (!path.startsWith(`${this.#root}/`)) throw new Error(`${path} lies outside ${this.#root}`);
    await this.ensure(dirname(path));
    try {
      await mkdir(path, { mode: 0o700 });
    } catch (error) {
      // Also one that is there already is synced: its maker may have been killed before it could.
      if (systemCode(error) !== 'EEXIST') throw storageError(error, `make the folder ${path}`);
    }
    await this.sync(dirname(path));
  }
}

async function syncDirectory(path: string): Promise<void> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, 'r');
    await handle.sync();
  } catch (error) {
    throw storageError(error, `sync the folder ${path}`);
  } finally {
    await handle?.close();
  }
}
