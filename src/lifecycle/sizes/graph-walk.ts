// Walks through the graph of one repository: what a live manifest holds, and what would be released if it
// lost a holder. The same rules as in src/metadata/liveness.ts, without changing anything. A manifest is its
// place in the graph, and so is a blob.
import { REFERENCE_KINDS, type RepositoryGraph, RIGHT } from '../../metadata/repository-graph.ts';

const MANIFEST = REFERENCE_KINDS.indexOf('manifest');
const SUBJECT = REFERENCE_KINDS.indexOf('subject');

export class GraphWalk {
  readonly graph: RepositoryGraph;
  /** Live referrers by the blob of their subject. */
  readonly #referrers = new Map<number, number[]>();
  /** Live indexes by the child. */
  readonly #parents = new Map<number, number[]>();
  /** How many tags point at a manifest. */
  readonly #tags = new Map<number, number>();

  constructor(graph: RepositoryGraph) {
    this.graph = graph;
    graph.manifests.forEach(({ subject }, manifest) => {
      if (!this.isLive(manifest)) return;
      if (subject !== undefined) addTo(this.#referrers, subject, manifest);
      for (const child of this.#children(manifest)) addTo(this.#parents, child, manifest);
    });
    for (const { manifest } of graph.tags) {
      this.#tags.set(manifest, (this.#tags.get(manifest) ?? 0) + 1);
    }
  }

  isLive(manifest: number): boolean {
    const one = this.graph.manifests[manifest];
    return one !== undefined && one.deletedAt === undefined && one.releasedAt === undefined;
  }

  /** Blobs that a manifest names and the repository holds as blobs, each once. */
  parts(manifest: number): Set<number> {
    const { references, blobs } = this.graph;
    const parts = new Set<number>();
    for (const at of this.#references(manifest)) {
      const child = references.children[at] as number;
      const kind = references.kinds[at];
      if (kind === SUBJECT) continue;
      // The child of an index that is a manifest has its own place.
      if (kind === MANIFEST && (blobs.manifests[child] as number) >= 0) continue;
      if ((blobs.rights[child] as number) >= RIGHT.uncounted) parts.add(child);
    }
    return parts;
  }

  /** What a manifest names, whether the repository holds it or not: nothing of it is free while this one is. */
  *named(manifest: number): Generator<number> {
    const { references, manifests } = this.graph;
    yield (manifests[manifest] as { blob: number }).blob;
    for (const at of this.#references(manifest)) {
      if (references.kinds[at] !== SUBJECT) yield references.children[at] as number;
    }
  }

  /** A live manifest and all live ones that it holds, at any depth: children and referrers. */
  closure(manifest: number): Set<number> {
    const reached = new Set([manifest]);
    // A set gives what is added to it while it is walked.
    for (const at of reached) for (const held of this.#held(at)) reached.add(held);
    return reached;
  }

  /** The image of a manifest with all its layers, as if it shared nothing. */
  apparent(manifest: number): number {
    const { blobs, manifests } = this.graph;
    let bytes = manifests[manifest]?.size ?? 0;
    for (const part of this.parts(manifest)) bytes += blobs.sizes[part] as number;
    return bytes;
  }

  /**
   * What nothing would hold any more if a manifest lost one tag, or its place in one index.
   * @param lost the index; undefined = a tag.
   */
  released(manifest: number, lost?: number): Set<number> {
    const candidates = this.closure(manifest);
    const held = new Set<number>();
    const heldBy = new Map<number, number[]>();
    for (const candidate of candidates) {
      const own = candidate === manifest && lost === undefined ? 1 : 0;
      const tags = (this.#tags.get(candidate) ?? 0) - own;
      if (tags > 0 || this.graph.manifests[candidate]?.isLeased) held.add(candidate);
      for (const holder of this.#holders(candidate)) {
        if (candidate === manifest && holder === lost) continue;
        if (candidates.has(holder)) addTo(heldBy, holder, candidate);
        else held.add(candidate);
      }
    }
    for (const holder of held) for (const one of heldBy.get(holder) ?? []) held.add(one);
    return new Set([...candidates].filter((one) => !held.has(one)));
  }

  *#references(manifest: number): Generator<number> {
    const { first } = this.graph.references;
    const end = first[manifest + 1] as number;
    for (let at = first[manifest] as number; at < end; at += 1) yield at;
  }

  /** Live manifests that an index names. */
  *#children(manifest: number): Generator<number> {
    const { references, blobs } = this.graph;
    for (const at of this.#references(manifest)) {
      if (references.kinds[at] !== MANIFEST) continue;
      const child = blobs.manifests[references.children[at] as number] as number;
      if (this.isLive(child)) yield child;
    }
  }

  *#held(manifest: number): Generator<number> {
    yield* this.#children(manifest);
    yield* this.#referrers.get(this.graph.manifests[manifest]?.blob ?? -1) ?? [];
  }

  *#holders(manifest: number): Generator<number> {
    yield* this.#parents.get(manifest) ?? [];
    const subject = this.graph.manifests[manifest]?.subject;
    if (subject === undefined) return;
    const holder = this.graph.blobs.manifests[subject] as number;
    if (this.isLive(holder)) yield holder;
  }
}

function addTo(lists: Map<number, number[]>, key: number, value: number): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}
