// Manifests in an order in which each stands after all that hold it.
import { graphOf, heldBy, holdersOf } from './closure.ts';
import type { ManifestFact } from './facts.ts';

/** Those of `wanted`, holders first. Where they hold each other in a circle, in the order of the facts. */
export function holdersFirst(
  manifests: readonly ManifestFact[],
  wanted: ReadonlyMap<number, unknown>,
): number[] {
  if (wanted.size === 0) return [];
  const graph = graphOf(manifests);
  const waiting = new Map<number, number>();
  for (const id of wanted.keys()) {
    const holders = holdersOf(graph, id).filter((holder) => wanted.has(holder));
    waiting.set(id, new Set(holders).size);
  }
  const ordered = [...waiting.keys()].filter((id) => waiting.get(id) === 0);
  // What is added while it is walked is walked too.
  for (const id of ordered) {
    for (const held of new Set(heldBy(graph, id))) {
      const left = waiting.get(held);
      if (left === undefined) continue;
      waiting.set(held, left - 1);
      if (left === 1) ordered.push(held);
    }
  }
  const placed = new Set(ordered);
  return [...ordered, ...[...wanted.keys()].filter((id) => !placed.has(id))];
}
