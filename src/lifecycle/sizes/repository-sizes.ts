// What a repository occupies, live and in trash and history apart, and what deleting it would free.
import { holdersOutside } from '../../metadata/blob-holders.ts';
import type { ReportSql } from '../../metadata/report.ts';
import { readRepositoryGraph } from '../../metadata/repository-graph.ts';
import { GraphWalk } from './graph-walk.ts';
import { apparentBytes, heldBlobs } from './repository-blobs.ts';
import { type Share, ShareSum } from './share.ts';

export interface RepositorySizes {
  readonly live: LiveSizes;
  /** Held here by trash and history alone. */
  readonly history: Share;
}

export interface LiveSizes extends Share {
  /** Every image with all its layers, as if nothing were shared. */
  readonly apparent: number;
  readonly tags: number;
}

/** What else holds a blob is what is outside of the repository. */
export async function repositorySizes(
  sql: ReportSql,
  { repository }: { repository: number },
): Promise<RepositorySizes> {
  const walk = new GraphWalk(await readRepositoryGraph(sql, repository));
  const held = [...heldBlobs(walk)];
  const blobs = held.map(({ id }) => id);
  const outside = await holdersOutside(sql, { blobs, inside: { repository } });
  const live = new ShareSum();
  const history = new ShareSum();
  for (const { id, size, isLive } of held) {
    (isLive ? live : history).add(size, outside.get(id) ?? 'nobody');
  }
  const tags = walk.graph.tags.length;
  return {
    live: { apparent: apparentBytes(walk), tags, ...live.share },
    history: history.share,
  };
}

export interface RepositoryUsage {
  readonly bytes: number;
  readonly apparent: number;
  readonly blobs: number;
  readonly tags: number;
}

/** The live part alone, for what is written down once a day. */
export async function repositoryUsage(
  sql: ReportSql,
  { repository }: { repository: number },
): Promise<RepositoryUsage> {
  const walk = new GraphWalk(await readRepositoryGraph(sql, repository));
  let bytes = 0;
  let blobs = 0;
  for (const { size, isLive } of heldBlobs(walk)) {
    if (!isLive) continue;
    bytes += size;
    blobs += 1;
  }
  return { bytes, apparent: apparentBytes(walk), blobs, tags: walk.graph.tags.length };
}
