// The proof that nothing which stays loses a part, made anew from the facts before anything is removed. It
// climbs from what is lost to what holds it; what is to be lost was found by going down (`closure.ts`).
// So a fault in one of the two shows.

import { imageKey, imageOfSignatureTag } from '../signature-tag.ts';
import { graphOf, holdersOf, type ManifestGraph } from './closure.ts';
import type { ManifestFact } from './facts.ts';

interface PointingTag {
  readonly tag: string;
  readonly digest: string;
}

export interface Removal {
  readonly manifests: readonly ManifestFact[];
  readonly keptTags: readonly PointingTag[];
  readonly goingTags: readonly PointingTag[];
  /** Ids of manifests that will have no holder. */
  readonly released: ReadonlySet<number>;
  /** Ids of manifests that will not be there any more. */
  readonly trashed: ReadonlySet<number>;
}

export interface Violation {
  /** What stays: a tag, or `lease NAME`, or the digest of an untagged manifest. */
  readonly holder: string;
  /** What it would lose: a digest or a signature tag. */
  readonly lost: string;
  /** Both in a sentence. */
  readonly message: string;
}

/** @returns the first violation that is found, undefined when there is none. */
export function proveClosed(removal: Removal): Violation | undefined {
  const graph = graphOf(removal.manifests);
  const holders = holdersByManifest(graph, removal.keptTags);
  const lost = new Map<number, string>();
  for (const id of [...removal.released, ...removal.trashed]) {
    lost.set(id, graph.manifests.get(id)?.digest ?? String(id));
  }
  return (
    climb(graph, holders, lost) ??
    climb(graph, holders, lostSignatures(graph, removal)) ??
    lostByUntagged(graph, removal)
  );
}

/** @throws Error that names what would be lost. */
export function assertClosed(removal: Removal): void {
  const violation = proveClosed(removal);
  if (violation !== undefined) throw new Error(violation.message);
}

function holdersByManifest(
  graph: ManifestGraph,
  keptTags: readonly PointingTag[],
): Map<number, string> {
  const holders = new Map<number, string>();
  const ids = new Map<string, number>();
  for (const { id, digest, leasedBy } of graph.manifests.values()) {
    ids.set(digest, id);
    if (leasedBy[0] !== undefined) holders.set(id, `the lease ${leasedBy[0]}`);
  }
  for (const { tag, digest } of keptTags) {
    const id = ids.get(digest);
    if (id !== undefined) holders.set(id, `the tag ${tag}`);
  }
  return holders;
}

/** Up from all that is lost at once, to the first tag or lease that stays. */
function climb(
  graph: ManifestGraph,
  holders: ReadonlyMap<number, string>,
  lost: ReadonlyMap<number, string>,
): Violation | undefined {
  const because = new Map(lost);
  for (const [id, part] of because) {
    const holder = holders.get(id);
    if (holder !== undefined) return violation(holder, part);
    // A map that grows while it is walked is walked to its new end.
    for (const above of holdersOf(graph, id)) if (!because.has(above)) because.set(above, part);
  }
  return undefined;
}

/** By the image that it names, each signature tag that goes. */
function lostSignatures(graph: ManifestGraph, { goingTags }: Removal): Map<number, string> {
  const tags = new Map<string, string>();
  for (const { tag, digest } of goingTags) {
    const key = imageOfSignatureTag(tag);
    if (key !== undefined && key !== imageKey(digest)) tags.set(key, tag);
  }
  const lost = new Map<number, string>();
  if (tags.size === 0) return lost;
  for (const { id, digest } of graph.manifests.values()) {
    const tag = tags.get(imageKey(digest));
    if (tag !== undefined) lost.set(id, `its signature tag ${tag}`);
  }
  return lost;
}

/** What is released stays by digest, and with it all that it holds. */
function lostByUntagged(graph: ManifestGraph, { trashed }: Removal): Violation | undefined {
  for (const id of trashed) {
    const above = holdersOf(graph, id).find((holder) => !trashed.has(holder));
    if (above === undefined) continue;
    const holder = graph.manifests.get(above)?.digest ?? String(above);
    return violation(`the manifest ${holder}`, graph.manifests.get(id)?.digest ?? String(id));
  }
  return undefined;
}

function violation(holder: string, lost: string): Violation {
  return {
    holder,
    lost,
    message: `Nothing was removed: ${holder}, which stays, would lose ${lost}.`,
  };
}
