// The disk of a history: the memory store, its faults, its turns, its power cuts. Remembers every key
// that was ever given to bytes, and which of them a power cut may have left without a row.
import { type BlobStore, BlobStoreError, type StorageKey } from '../../src/blobs/blob-store.ts';
import { type PlannedFault, withFaults } from '../../src/blobs/faulty.ts';
import { createMemoryBlobStore, type MemoryBlobStore } from '../../src/blobs/memory.ts';
import { isUploadId } from '../../src/blobs/storage-names.ts';
import type { Random } from './random.ts';
import { type Turn, withTurns } from './turns.ts';
import { Violation } from './violation.ts';

export interface DiskOptions {
  readonly random: Random;
  now(): number;
  /** Probability of a fault at each operation. */
  faultRate(): number;
  /** A sync that is left out on purpose. */
  readonly skip: 'sync-data' | 'sync-directory' | undefined;
  readonly violated: (violation: Violation) => void;
}

export class SimulatedDisk {
  readonly store: MemoryBlobStore;
  /** Content renamed before a power cut: the row of its upload may be older than the name. */
  readonly strayKeys = new Set<StorageKey>();
  readonly #options: DiskOptions;
  readonly #given = new Set<StorageKey>();
  readonly #committing = new Map<StorageKey, Turn>();

  constructor(options: DiskOptions) {
    this.#options = options;
    this.store = createMemoryBlobStore({
      now: options.now,
      ...(options.skip && { skip: options.skip }),
      onStep: async (step, _id, key) => {
        await this.#committing.get(key)?.(`commit: ${step}`);
        if (step === 'rename') this.#give(key);
      },
    });
  }

  /** The disk as one process sees it: every operation waits for its turn, and may fail. */
  forProcess(turn: Turn): BlobStore {
    const { store } = this;
    const own: BlobStore = {
      append: (id, offset) => store.append(id, offset),
      uploadLength: (id) => store.uploadLength(id),
      readUpload: (id) => store.readUpload(id),
      fork: (id, copy) => store.fork(id, copy),
      discard: (id) => store.discard(id),
      staleUploads: (before) => store.staleUploads(before),
      commit: async (id, key) => {
        this.#committing.set(key, turn);
        // A sync that fails: nobody knows what the disk holds, so the upload is gone.
        const fault = this.#fault();
        if (fault !== undefined) {
          await store.discard(id);
          throw fault.error;
        }
        await store.commit(id, key);
      },
      reclaim: (key, id) => store.reclaim(key, id),
      open: (key) => store.open(key),
      read: (key) => store.read(key),
      remove: (key) => store.remove(key),
      contents: () => store.contents(),
      quarantine: (key) => store.quarantine(key),
      space: () => store.space(),
      check: () => store.check(),
    };
    return withTurns(
      withFaults(own, () => this.#fault()),
      turn,
    );
  }

  /** Keeps of what was not synced a part, and of that part sometimes the length but not the bytes. */
  async powerCut(): Promise<void> {
    const { random } = this.#options;
    const doubtful: { id: string; synced: number; kept: number }[] = [];
    for (const key of this.store.keys()) this.strayKeys.add(key);
    this.store.crash({
      keep(name, { synced, length }) {
        const kept = random.chance(0.4) ? length : synced + random.below(length - synced + 1);
        if (isUploadId(name) && kept > synced) doubtful.push({ id: name, synced, kept });
        return kept;
      },
      keepRename: () => random.chance(0.5),
    });
    for (const { id, synced, kept } of doubtful) {
      if (!random.chance(0.4)) continue;
      const zeros = await this.store.append(id, synced);
      await zeros.write(new Uint8Array(kept - synced));
      await zeros.close();
    }
  }

  #give(key: StorageKey): void {
    if (this.#given.has(key)) {
      this.#options.violated(new Violation(`the storage key ${key} was given twice`));
    }
    this.#given.add(key);
  }

  #fault(): PlannedFault | undefined {
    const { random } = this.#options;
    const rate = this.#options.faultRate();
    if (rate === 0 || !random.chance(rate)) return undefined;
    const fault = random.pick(['full', 'denied', 'failed'] as const);
    const error = new BlobStoreError(fault, 'a fault of the simulated disk');
    const when = random.pick(['before', 'after', 'cut'] as const);
    return when === 'cut' ? { when, bytes: random.below(4096), error } : { when, error };
  }
}
