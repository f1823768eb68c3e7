// Bytes that several repositories hold and a plan frees only because it lets go of them in all of them. What
// must be remembered from one repository to the next is bounded, so the sum may be too small, never too large.
import { countHolders } from '../../metadata/retention-facts.ts';
import type { Sql } from '../../metadata/sql.ts';
import type { RetentionDecision } from './decide-retention.ts';
import type { RepositoryFacts } from './facts.ts';

/** Blobs remembered at once: each some bytes of the plan's row, which is written with each page. */
const MOST_REMEMBERED = 2_000;

export class SharedBlobs {
  /** Repositories that still hold a blob, by its id. */
  readonly #left: Map<number, number>;

  /** @param carried what `carry` gave. */
  constructor(carried: string | undefined) {
    this.#left = new Map(carried === undefined ? [] : (JSON.parse(carried) as [number, number][]));
  }

  /** @returns bytes that the last of its repositories lets go of with this decision. */
  async letGo(sql: Sql, facts: RepositoryFacts, decision: RetentionDecision): Promise<number> {
    const shared = sharedThatGo(facts, decision);
    const fresh = shared.filter((id) => !this.#left.has(id));
    const room = Math.max(0, MOST_REMEMBERED - this.#left.size);
    const counted = fresh.slice(0, room);
    if (counted.length > 0) {
      for (const [id, count] of await countHolders(sql, counted)) this.#left.set(id, count);
    }
    let bytes = 0;
    for (const id of shared) {
      const left = this.#left.get(id);
      if (left === undefined) continue;
      if (left > 1) this.#left.set(id, left - 1);
      else {
        this.#left.delete(id);
        bytes += facts.sizes.get(id) ?? 0;
      }
    }
    return bytes;
  }

  carry(): string | undefined {
    return this.#left.size === 0 ? undefined : JSON.stringify([...this.#left]);
  }
}

function sharedThatGo(
  { manifests, heldElsewhere = new Set() }: RepositoryFacts,
  { released, trashed }: RetentionDecision,
): number[] {
  if (heldElsewhere.size === 0 || released.size + trashed.size === 0) return [];
  const going = new Set<number>();
  const staying = new Set<number>();
  for (const { id, blobs } of manifests) {
    const side = released.has(id) || trashed.has(id) ? going : staying;
    for (const blob of blobs) if (heldElsewhere.has(blob)) side.add(blob);
  }
  return [...going].filter((id) => !staying.has(id));
}
