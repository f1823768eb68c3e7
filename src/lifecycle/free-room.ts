// Whether there is room for pushes. Below a share of the disk they are refused while there is still room for
// everything else: the log of the database, deletes, purges. Pulls are never asked.
import type { StoreSpace } from '../blobs/blob-store.ts';
import { RegistryError } from '../oci/errors.ts';
import { showBytes } from './quota/amount-text.ts';

export interface FreeRoomOptions {
  /** Percent of a disk that stay free; 0 = pushes are taken until nothing fits any more. */
  readonly leastPercent: number;
  /** One for each disk that pushes write to; undefined where it has no meaning. */
  readonly spaces: readonly (() => Promise<StoreSpace | undefined>)[];
  /** Milliseconds that only rise. */
  elapsed(): number;
  failed(error: unknown): void;
}

/** A fast disk takes some gigabytes meanwhile; what is written then counts the next time. */
const LOOK_EVERY_MS = 3_000;

export class FreeRoom {
  readonly #options: FreeRoomOptions;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #looking: Promise<StoreSpace | undefined> | undefined;

  constructor(options: FreeRoomOptions) {
    this.#options = options;
  }

  /** @throws RegistryError STORAGE_FULL with the numbers and what makes room. */
  async check(): Promise<void> {
    const { leastPercent, elapsed } = this.#options;
    if (leastPercent === 0) return;
    if (this.#looking === undefined || elapsed() - this.#lookedAt >= LOOK_EVERY_MS) {
      this.#lookedAt = elapsed();
      this.#looking = this.#look();
    }
    const short = await this.#looking;
    if (short === undefined) return;
    const { freeBytes, totalBytes } = short;
    throw new RegistryError(
      'STORAGE_FULL',
      `Only ${percentOf(short)} % of the registry's disk is free (${showBytes(freeBytes)} of ${showBytes(totalBytes)}), and below ${leastPercent} % it takes no pushes. Pulling and deleting go on. To make room: delete what nobody needs, empty the trash, or enlarge the disk.`,
      { freeBytes, totalBytes, leastPercent },
    );
  }

  /** The disk that has too little; undefined when all have enough, or cannot be asked. */
  async #look(): Promise<StoreSpace | undefined> {
    const { spaces, leastPercent, failed } = this.#options;
    for (const space of spaces) {
      const found = await space().catch(failed);
      if (found && isShort(found, leastPercent)) return found;
    }
    return undefined;
  }
}

export function isShort({ freeBytes, totalBytes }: StoreSpace, leastPercent: number): boolean {
  return totalBytes > 0 && freeBytes * 100 < totalBytes * leastPercent;
}

/** Rounded down, so that what is just short does not look like enough. */
export function percentOf({ freeBytes, totalBytes }: StoreSpace): number {
  return totalBytes === 0 ? 0 : Math.floor((freeBytes * 1000) / totalBytes) / 10;
}
