// Counts pulls in memory and hands them over in batches: a pull never waits for a write.
import type { ManifestId } from '../metadata/manifests.ts';
import type { PullCount } from '../metadata/pulls.ts';

export class PullCounter {
  #counts = new Map<ManifestId, { count: number; lastAt: number }>();
  readonly #clock: () => number;

  constructor(clock: () => number) {
    this.#clock = clock;
  }

  count(manifest: ManifestId): void {
    const known = this.#counts.get(manifest);
    const lastAt = this.#clock();
    if (known === undefined) this.#counts.set(manifest, { count: 1, lastAt });
    else {
      known.count += 1;
      known.lastAt = lastAt;
    }
  }

  /** Gives all counts to `write`; when that fails they are kept and tried again with the next flush. */
  async flush(write: (pulls: PullCount[]) => Promise<void>): Promise<void> {
    const taken = this.#counts;
    if (taken.size === 0) return;
    this.#counts = new Map();
    try {
      await write([...taken].map(([manifest, pulls]) => ({ manifest, ...pulls })));
    } catch (error) {
      for (const [manifest, pulls] of this.#counts) {
        const before = taken.get(manifest);
        taken.set(manifest, { ...pulls, count: pulls.count + (before?.count ?? 0) });
      }
      this.#counts = taken;
      throw error;
    }
  }
}
