// The bytes that a retention decision frees: each part alone, and all together.
import { type ManifestGraph, topsOf } from './closure.ts';
import type { ManifestDecision } from './decide-untagged.ts';
import type { RepositoryFacts } from './facts.ts';
import { bytesFreed, exclusiveBytes } from './freed-bytes.ts';

export interface FreedBytes {
  /** In the order of the facts. */
  readonly byTag: readonly number[];
  /** In the order of the fates. */
  readonly byUntagged: readonly number[];
  readonly together: {
    /** By how much less the repository uses: what is live now and is not afterwards. */
    readonly live: number;
    /** By how much less is stored, once the times of history and trash have passed. */
    readonly stored: number;
  };
}

interface Measured {
  readonly facts: RepositoryFacts;
  readonly graph: ManifestGraph;
  readonly idOf: (digest: string) => number;
  readonly leased: readonly number[];
  /** Of untagged manifests. */
  readonly fates: readonly ManifestDecision[];
  readonly live: ReadonlySet<number>;
  readonly released: ReadonlySet<number>;
  readonly trashed: ReadonlySet<number>;
}

export function measureFreed(measured: Measured): FreedBytes {
  const { facts, graph, idOf, leased, fates, live, released, trashed } = measured;
  const { sizes, heldElsewhere } = facts;
  const contents = { graph, sizes, heldElsewhere };
  const tagged = facts.tags.map(({ digest }) => idOf(digest));
  const neverReleased = fates.filter(({ id }) => graph.manifests.get(id)?.releasedAt === undefined);
  const liveUntagged = neverReleased.map(({ id }) => id);
  const byTag = exclusiveBytes(contents, [...tagged, ...leased, ...liveUntagged]);

  const due = fates.filter(({ isDue }) => isDue).map(({ id }) => id);
  const early = fates.filter(({ isDue }) => !isDue).map(({ id }) => id);
  const roots = [...topsOf(graph, due), ...tagged, ...leased, ...early];
  const stored = exclusiveBytes(contents, roots);
  // The tops come first among the roots; a manifest that is due stands there once at most.
  const dueBytes = new Map<number, number>();
  for (const [at, id] of roots.entries()) {
    if (!dueBytes.has(id)) dueBytes.set(id, stored[at] ?? 0);
  }

  const gone = [...released, ...trashed];
  const lost = new Set(gone);
  const liveGone = gone.filter(
    (id) => released.has(id) || graph.manifests.get(id)?.releasedAt === undefined,
  );
  const others = [...graph.manifests.keys()].filter((id) => !lost.has(id));
  return {
    byTag: byTag.slice(0, tagged.length),
    byUntagged: fates.map(({ id }) => dueBytes.get(id) ?? 0),
    together: {
      live: bytesFreed(contents, { going: liveGone, staying: live }),
      stored: bytesFreed(contents, { going: gone, staying: others }),
    },
  };
}
