// What a tag occupies, and what deleting it would free; the platforms of an index one by one.
import { type Holder, holdersOutside } from '../../metadata/blob-holders.ts';
import { readPayload } from '../../metadata/blobs.ts';
import type { ReportSql } from '../../metadata/report.ts';
import { readRepositoryGraph } from '../../metadata/repository-graph.ts';
import type { Sql } from '../../metadata/sql.ts';
import type { Digest } from '../../oci/digest.ts';
import { GraphWalk } from './graph-walk.ts';
import { platformsOf } from './platforms.ts';
import { type Share, ShareSum } from './share.ts';

export interface TagSizes extends Share {
  readonly digest: Digest;
  readonly mediaType: string;
  /** Every image with all its layers, as if nothing were shared. */
  readonly apparent: number;
  /** Of an index, in its order, the first ones; those that the repository does not hold are left out. */
  readonly platforms: readonly PlatformSizes[];
}

export interface PlatformSizes extends Share {
  readonly digest: Digest;
  /** Such as `linux/arm64/v8`; undefined when the index does not say. */
  readonly platform: string | undefined;
  readonly apparent: number;
}

/** Each is compared with all that the repository holds; no build makes so many. */
const MOST_PLATFORMS = 100;

/** @returns undefined when there is no such tag. */
export async function tagSizes(
  sql: ReportSql,
  { repository, tag }: { repository: number; tag: string },
): Promise<TagSizes | undefined> {
  const walk = new GraphWalk(await readRepositoryGraph(sql, repository));
  const { tags, manifests, blobs } = walk.graph;
  const root = tags.find(({ name }) => name === tag)?.manifest;
  const manifest = root === undefined ? undefined : manifests[root];
  if (root === undefined || manifest === undefined) return undefined;
  const platforms: PlatformSizes[] = [];
  const payload = await readPayload(sql, blobs.ids[manifest.blob] as number);
  for (const { digest, platform } of platformsOf(payload).slice(0, MOST_PLATFORMS)) {
    const place = manifests.findIndex((one) => one.digest === digest);
    if (!walk.isLive(place)) continue;
    const share = await shareOf(sql, walk, {
      closure: walk.closure(place),
      released: walk.released(place, root),
    });
    const apparent = apparentOf(walk, walk.closure(place));
    platforms.push({ digest, platform, apparent, ...share });
  }
  const closure = walk.closure(root);
  const share = await shareOf(sql, walk, { closure, released: walk.released(root) });
  return {
    digest: manifest.digest,
    mediaType: manifest.mediaType,
    apparent: apparentOf(walk, closure),
    ...share,
    platforms,
  };
}

function apparentOf(walk: GraphWalk, closure: ReadonlySet<number>): number {
  let bytes = 0;
  for (const manifest of closure) bytes += walk.apparent(manifest);
  return bytes;
}

/** Of the blobs of a closure: who else has them, once `released` is gone. */
async function shareOf(
  sql: Sql,
  walk: GraphWalk,
  { closure, released }: { closure: ReadonlySet<number>; released: ReadonlySet<number> },
): Promise<Share> {
  const { manifests, blobs, repository } = walk.graph;
  const all = new Set<number>();
  for (const manifest of closure) {
    all.add(manifests[manifest]?.blob as number);
    for (const part of walk.parts(manifest)) all.add(part);
  }
  const byLive = new Set<number>();
  const byHistory = new Set<number>();
  for (let manifest = 0; manifest < manifests.length; manifest += 1) {
    if (released.has(manifest)) continue;
    const named = walk.isLive(manifest) ? byLive : byHistory;
    for (const blob of walk.named(manifest)) if (all.has(blob)) named.add(blob);
  }
  const open = [...all].filter((blob) => !byLive.has(blob));
  const outside = await holdersOutside(sql, {
    blobs: open.map((blob) => blobs.ids[blob] as number),
    inside: { repository },
  });
  const sum = new ShareSum();
  for (const blob of all) {
    const elsewhere = outside.get(blobs.ids[blob] as number) ?? 'nobody';
    const here: Holder = byHistory.has(blob) ? 'history' : 'nobody';
    const holder = byLive.has(blob) ? 'live' : elsewhere === 'nobody' ? here : elsewhere;
    sum.add(blobs.sizes[blob] as number, holder);
  }
  return sum.share;
}
