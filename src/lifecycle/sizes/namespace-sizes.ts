// What a namespace occupies: its repositories one after the other, each within its own snapshot, with a mark
// for each blob that was met. What is pushed meanwhile may be in the figures or not.
import {
  type Holder,
  hiddenPathsWithin,
  holdersOutside,
  type Inside,
  repositoriesWithin,
} from '../../metadata/blob-holders.ts';
import type { ReportSql } from '../../metadata/report.ts';
import { readRepositoryGraph } from '../../metadata/repository-graph.ts';
import { BlobMarks } from './blob-marks.ts';
import { GraphWalk } from './graph-walk.ts';
import { apparentBytes, type HeldBlob, heldBlobs } from './repository-blobs.ts';
import type { LiveSizes } from './repository-sizes.ts';
import { type Share, ShareSum } from './share.ts';

export interface NamespaceSizes {
  readonly live: LiveSizes & { readonly repositories: number };
  /** Held here by trash and history alone, deleted repositories included. */
  readonly history: Share;
}

/** What else holds a blob is what is outside of the path. */
export async function namespaceSizes(
  sql: ReportSql,
  { path }: { path: string },
): Promise<NamespaceSizes> {
  const hidden = await hiddenPathsWithin(sql, path);
  const sum = new NamespaceSum(sql, { path, hidden });
  await walk(sql, path, (repository) => sum.add(repository, { isDeleted: false }));
  for (const at of hidden) {
    await walk(sql, at, (repository) => sum.add(repository, { isDeleted: true }));
  }
  return sum.sizes;
}

/** Names read at once. */
const PAGE = 200;

async function walk(
  sql: ReportSql,
  path: string,
  each: (repository: { id: number; listed: number }) => Promise<void>,
): Promise<void> {
  for (let after = ''; ; ) {
    const page = await repositoriesWithin(sql, { path, after, limit: PAGE });
    for (const repository of page) {
      after = repository.name;
      await each(repository);
    }
    if (page.length < PAGE) return;
  }
}

const HOLDERS: readonly Holder[] = ['nobody', 'history', 'live'];
/** Added to the place in `HOLDERS` in the mark of a blob that is live here. */
const LIVE = 4;

class NamespaceSum {
  readonly #sql: ReportSql;
  readonly #inside: Inside;
  readonly #marks = new BlobMarks();
  readonly #live = new ShareSum();
  readonly #history = new ShareSum();
  #apparent = 0;
  #tags = 0;
  #repositories = 0;

  constructor(sql: ReportSql, inside: Inside) {
    this.#sql = sql;
    this.#inside = inside;
  }

  async add(
    { id, listed }: { id: number; listed: number },
    { isDeleted }: { isDeleted: boolean },
  ): Promise<void> {
    const walk = new GraphWalk(await readRepositoryGraph(this.#sql, id));
    if (!isDeleted) {
      this.#apparent += apparentBytes(walk);
      this.#tags += walk.graph.tags.length;
      if (listed === 1) this.#repositories += 1;
    }
    const held = [...heldBlobs(walk)].map((blob) => ({
      ...blob,
      isLive: blob.isLive && !isDeleted,
    }));
    const met = held.filter((blob) => this.#marks.get(blob.id) === undefined);
    const blobs = met.map((blob) => blob.id);
    const outside = await holdersOutside(this.#sql, { blobs, inside: this.#inside });
    for (const blob of held) this.#mark(blob, outside.get(blob.id));
  }

  #mark({ id, size, isLive }: HeldBlob, met: Holder | undefined): void {
    const mark = this.#marks.get(id);
    if (mark === undefined) {
      const holder = met ?? 'nobody';
      this.#marks.set(id, HOLDERS.indexOf(holder) + (isLive ? LIVE : 0));
      (isLive ? this.#live : this.#history).add(size, holder);
    } else if (isLive && mark < LIVE) {
      const holder = HOLDERS[mark] as Holder;
      this.#marks.set(id, mark + LIVE);
      this.#history.remove(size, holder);
      this.#live.add(size, holder);
    }
  }

  get sizes(): NamespaceSizes {
    const live = {
      apparent: this.#apparent,
      tags: this.#tags,
      repositories: this.#repositories,
      ...this.#live.share,
    };
    return { live, history: this.#history.share };
  }
}
