// The bytes that a retention decision frees: each part alone, and all together.
import { closureOf, type ManifestGraph, topsOf } from './closure.ts';
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
  const liveRoots = [...tagged, ...leased, ...neverReleased.map(({ id }) => id)];
  const byTag = exclusiveBytes(contents, liveRoots);
  const before = closureOf(graph, liveRoots);

  const idsOf = (stays: boolean) =>
    fates.filter((fate) => fate.stays === stays).map(({ id }) => id);
  const tops = [...topsOf(graph, idsOf(false)), ...topsOf(graph, idsOf(true))];
  const stored = tops.length === 0 ? [] : exclusiveBytes(contents, [...tops, ...tagged, ...leased]);
  const byTop = new Map(tops.map((id, at) => [id, stored[at] ?? 0]));

  const gone = new Set([...released, ...trashed]);
  const others = [...graph.manifests.keys()].filter((id) => !gone.has(id));
  return {
    byTag: byTag.slice(0, tagged.length),
    byUntagged: fates.map(({ id }) => byTop.get(id) ?? 0),
    together: {
      live: bytesFreed(contents, {
        going: [...before].filter((id) => !live.has(id)),
        staying: live,
      }),
      stored: bytesFreed(contents, { going: gone, staying: others }),
    },
  };
}
