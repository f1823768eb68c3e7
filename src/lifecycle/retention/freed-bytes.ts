// What goes frees: bytes that nothing else in the repository needs. Content counts once, however many
// manifests name it. All walks look at each edge at most twice.
import { heldBy, type ManifestGraph } from './closure.ts';

export interface Contents {
  readonly graph: ManifestGraph;
  readonly sizes: ReadonlyMap<number, number>;
  /** Frees nothing here, because something outside needs it. */
  readonly heldElsewhere?: ReadonlySet<number> | undefined;
}

/** Bytes of what `going` manifests name, themselves included, and no manifest of `staying` does. */
export function bytesFreed(
  contents: Contents,
  { going, staying }: { going: Iterable<number>; staying: Iterable<number> },
): number {
  const { graph } = contents;
  const counted = new Set<number>();
  for (const id of staying) for (const content of contentOf(graph, id)) counted.add(content);
  let bytes = 0;
  for (const id of going) {
    for (const content of contentOf(graph, id)) {
      if (counted.has(content)) continue;
      counted.add(content);
      bytes += sizeOf(contents, content);
    }
  }
  return bytes;
}

/** More than one root needs it. */
const SHARED = -1;

/**
 * For each root, a manifest, the bytes that only it needs: what it frees when it goes alone. A manifest
 * that stands twice among the roots (two tags of it) frees nothing by either.
 */
export function exclusiveBytes(contents: Contents, roots: readonly number[]): number[] {
  const { graph } = contents;
  const owners = ownersOf(graph, roots);
  const contentOwners = new Map<number, number>();
  for (const [id, owner] of owners) {
    for (const content of contentOf(graph, id)) {
      const other = contentOwners.get(content);
      contentOwners.set(content, other === undefined || other === owner ? owner : SHARED);
    }
  }
  const bytes = roots.map(() => 0);
  for (const [content, owner] of contentOwners) {
    if (owner !== SHARED) bytes[owner] = (bytes[owner] ?? 0) + sizeOf(contents, content);
  }
  return bytes;
}

/** For each manifest that a root reaches the root's index, or SHARED. */
function ownersOf(graph: ManifestGraph, roots: readonly number[]): Map<number, number> {
  const owners = new Map<number, number>();
  const visit = (id: number, owner: number, changed: number[]) => {
    if (!graph.manifests.has(id)) return;
    const other = owners.get(id);
    if (other === owner || other === SHARED) return;
    owners.set(id, other === undefined ? owner : SHARED);
    changed.push(id);
  };
  for (const [index, root] of roots.entries()) {
    const changed: number[] = [];
    visit(root, index, changed);
    // A manifest comes here at most twice: with its first owner, and when it becomes shared.
    for (const id of changed) {
      const owner = owners.get(id) ?? SHARED;
      for (const held of heldBy(graph, id)) visit(held, owner, changed);
    }
  }
  return owners;
}

function contentOf(graph: ManifestGraph, id: number): readonly number[] {
  const manifest = graph.manifests.get(id);
  if (manifest === undefined) return [];
  // A child that is no manifest here may be a blob: buildx keeps layers of its cache in an index.
  const absent = manifest.children.filter((child) => !graph.manifests.has(child));
  return [id].concat(manifest.blobs, absent);
}

function sizeOf({ sizes, heldElsewhere }: Contents, content: number): number {
  return heldElsewhere?.has(content) === true ? 0 : (sizes.get(content) ?? 0);
}
