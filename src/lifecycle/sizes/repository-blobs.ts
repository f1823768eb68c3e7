// What a repository occupies by itself: which of its blobs are live, and which only trash and history keep.
import { RIGHT } from '../../metadata/repository-graph.ts';
import type { GraphWalk } from './graph-walk.ts';

export interface HeldBlob {
  readonly id: number;
  /** Bytes. */
  readonly size: number;
  readonly isLive: boolean;
}

/** Each blob once. Live is what quotas count: a counted right, or a live manifest. */
export function* heldBlobs(walk: GraphWalk): Generator<HeldBlob> {
  const { ids, sizes, rights, manifests } = walk.graph.blobs;
  for (let blob = 0; blob < ids.length; blob += 1) {
    const manifest = manifests[blob] as number;
    const right = rights[blob];
    if (manifest < 0 && right === RIGHT.none) continue;
    const isLive = right === RIGHT.counted || walk.isLive(manifest);
    yield { id: ids[blob] as number, size: sizes[blob] as number, isLive };
  }
}

/** What its live images would occupy if each had its layers for itself. */
export function apparentBytes(walk: GraphWalk): number {
  let bytes = 0;
  for (let manifest = 0; manifest < walk.graph.manifests.length; manifest += 1) {
    if (walk.isLive(manifest)) bytes += walk.apparent(manifest);
  }
  return bytes;
}
