// What hangs together in one repository: an index holds its children, a subject its referrers. Held by
// holding there may be circles (an index may be the referrer of its own child), so all walks remember
// where they were.
import type { ManifestFact } from './facts.ts';

export interface ManifestGraph {
  readonly manifests: ReadonlyMap<number, ManifestFact>;
  /** By the id of the subject, also of subjects that are not here. */
  readonly referrers: ReadonlyMap<number, readonly number[]>;
  /** The indexes that name a manifest as a child. */
  readonly parents: ReadonlyMap<number, readonly number[]>;
}

export function graphOf(facts: readonly ManifestFact[]): ManifestGraph {
  const manifests = new Map(facts.map((fact) => [fact.id, fact]));
  const referrers = new Map<number, number[]>();
  const parents = new Map<number, number[]>();
  for (const { id, children, subject } of facts) {
    for (const child of children) if (manifests.has(child)) add(parents, child, id);
    if (subject !== undefined) add(referrers, subject, id);
  }
  return { manifests, referrers, parents };
}

function add(lists: Map<number, number[]>, key: number, value: number): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}

/** The manifests that a manifest holds: children that are here, and referrers. */
export function heldBy(graph: ManifestGraph, id: number): number[] {
  const children = graph.manifests.get(id)?.children ?? [];
  const here = children.filter((child) => graph.manifests.has(child));
  return here.concat(graph.referrers.get(id) ?? []);
}

/** The manifests that hold a manifest: indexes that name it, and its subject. */
export function holdersOf(graph: ManifestGraph, id: number): number[] {
  const holders = [...(graph.parents.get(id) ?? [])];
  const subject = graph.manifests.get(id)?.subject;
  if (subject !== undefined && graph.manifests.has(subject)) holders.push(subject);
  return holders;
}

/**
 * Adds to `reached` the manifests of `roots` and all that they hold, at any depth.
 * @returns those that were added.
 */
export function reach(
  graph: ManifestGraph,
  roots: Iterable<number>,
  reached: Set<number>,
): number[] {
  const added: number[] = [];
  const visit = (id: number) => {
    if (reached.has(id) || !graph.manifests.has(id)) return;
    reached.add(id);
    added.push(id);
  };
  for (const root of roots) visit(root);
  // What is added while this goes on is walked too.
  for (const id of added) for (const held of heldBy(graph, id)) visit(held);
  return added;
}

/** The manifests of `roots` and all that they hold. */
export function closureOf(graph: ManifestGraph, roots: Iterable<number>): Set<number> {
  const reached = new Set<number>();
  reach(graph, roots, reached);
  return reached;
}

/**
 * Names of leases by manifest: its own, and those on its children at any depth, because a cluster may name
 * the image of its platform where the tag points at the index.
 */
export function leasesByManifest(graph: ManifestGraph): Map<number, string[]> {
  const leases = new Map<number, Set<string>>();
  for (const { id, leasedBy } of graph.manifests.values()) {
    if (leasedBy.length === 0) continue;
    const above = [id];
    const seen = new Set(above);
    for (const at of above) {
      const names = leases.get(at) ?? new Set();
      leases.set(at, names);
      for (const name of leasedBy) names.add(name);
      for (const parent of graph.parents.get(at) ?? []) {
        if (seen.has(parent)) continue;
        seen.add(parent);
        above.push(parent);
      }
    }
  }
  return new Map([...leases].map(([id, names]) => [id, [...names].sort()]));
}

/** Those of `ids` that no other of them holds; of a circle that nothing else holds, the first one. */
export function topsOf(graph: ManifestGraph, ids: readonly number[]): number[] {
  const inside = new Set(ids);
  const tops = ids.filter((id) => !holdersOf(graph, id).some((holder) => inside.has(holder)));
  const reached = closureOf(graph, tops);
  for (const id of ids) {
    if (reached.has(id)) continue;
    tops.push(id);
    reach(graph, [id], reached);
  }
  return tops;
}
