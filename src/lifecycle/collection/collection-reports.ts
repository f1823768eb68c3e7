// What the collector would do, and how much history and trash take: long reads, in the thread of reports.
import { waitingBlobs } from '../../metadata/collected-blobs.ts';
import {
  BEGINNING,
  type Place,
  waitingManifests,
  waitingRights,
} from '../../metadata/collection.ts';
import { keptForManifests, storedSizes } from '../../metadata/collection-sizes.ts';
import { waitingRemovals } from '../../metadata/removals.ts';
import type { Report, ReportSql } from '../../metadata/report.ts';
import { readWindows } from './windows.ts';

export function collectionReports() {
  return { collectionCutOff, collectionPreview } satisfies Record<string, Report<never, unknown>>;
}

export type CollectionReports = ReturnType<typeof collectionReports>;

/** Rows of one read. */
const PAGE = 1_000;

export interface CutOff {
  /** Bytes stored that nothing live needs. */
  readonly historyBytes: number;
  /** What was released or deleted up to then (ms) must go, the oldest first; 0 = all has room. */
  readonly until: number;
}

/** Up to which instant history and trash must go so that they take no more than `limitBytes`. */
async function collectionCutOff(
  sql: ReportSql,
  { limitBytes }: { limitBytes: number },
): Promise<CutOff> {
  const historyBytes = await bytesOfHistory(sql);
  let excess = historyBytes - limitBytes;
  let until = 0;
  const seen = new Set<number>();
  const queue = new OldestManifests(sql);
  while (excess > 0) {
    const batch = await queue.next();
    if (batch.length === 0) break;
    const sizes = new Map<number, number>();
    for (const { manifest, id, size } of await keptForManifests(
      sql,
      batch.map(({ id }) => id),
    )) {
      if (seen.has(id)) continue;
      seen.add(id);
      sizes.set(manifest, (sizes.get(manifest) ?? 0) + size);
    }
    for (const { id, since } of batch) {
      if (excess <= 0) break;
      until = since;
      excess -= sizes.get(id) ?? 0;
    }
  }
  return { historyBytes, until };
}

async function bytesOfHistory(sql: ReportSql): Promise<number> {
  let bytes = 0;
  for (let after = 0; ; ) {
    const page = await storedSizes(sql, { after, limit: PAGE });
    for (const { size, isLive } of page) bytes += isLive ? 0 : size;
    if (page.length < PAGE) return bytes;
    after = page.at(-1)?.id ?? after;
  }
}

interface Waiting {
  readonly id: number;
  readonly since: number;
}

/** Released and deleted manifests in one order, by when. */
class OldestManifests {
  readonly #sql: ReportSql;
  readonly #lists = {
    released: { place: BEGINNING, rows: [] as Waiting[], isOver: false },
    trashed: { place: BEGINNING, rows: [] as Waiting[], isOver: false },
  };

  constructor(sql: ReportSql) {
    this.#sql = sql;
  }

  async next(): Promise<Waiting[]> {
    const found: Waiting[] = [];
    while (found.length < PAGE) {
      const heads = [await this.#head('released'), await this.#head('trashed')];
      const [released, trashed] = heads;
      const isReleased = (released?.since ?? Infinity) <= (trashed?.since ?? Infinity);
      const first = isReleased ? released : trashed;
      if (first === undefined) break;
      found.push(first);
      this.#lists[isReleased ? 'released' : 'trashed'].rows.shift();
    }
    return found;
  }

  async #head(kind: 'released' | 'trashed'): Promise<Waiting | undefined> {
    const list = this.#lists[kind];
    if (list.rows.length === 0 && !list.isOver) {
      const before = Number.MAX_SAFE_INTEGER;
      const page = { place: list.place, before, limit: PAGE };
      list.rows = await waitingManifests(this.#sql, kind, page);
      const last = list.rows.at(-1);
      list.isOver = list.rows.length < PAGE;
      if (last !== undefined) list.place = { since: last.since, after: last.id };
    }
    return list.rows[0];
  }
}

export interface PreviewStep {
  readonly count: number;
  /** Apparent: what another still holds is not freed. 0 for manifests. */
  readonly bytes: number;
}

/** What waits for the collector now. `due`: the next run looks at it; `later`: it has time left. */
export interface CollectionPreview {
  readonly releasedManifests: { readonly due: number; readonly later: number };
  readonly trashedManifests: { readonly due: number; readonly later: number };
  readonly rights: PreviewStep & { readonly later: number };
  readonly blobs: PreviewStep;
  /** Bytes let go of, that still lie in the blob store. */
  readonly removals: PreviewStep;
  readonly historyBytes: number;
}

async function collectionPreview(
  sql: ReportSql,
  { now, graceMs }: { now: number; graceMs: number },
): Promise<CollectionPreview> {
  const windows = await readWindows(sql);
  const manifests = async (kind: 'released' | 'trashed') => {
    const counts = { due: 0, later: 0 };
    await eachPage(
      (place) => waitingManifests(sql, kind, { place, before: now, limit: PAGE }),
      ({ name, since }) => {
        counts[since < now - windows.at(name) ? 'due' : 'later'] += 1;
      },
    );
    return counts;
  };
  const rights = { count: 0, bytes: 0, later: 0 };
  await eachPage(
    (place) => waitingRights(sql, { place, before: Number.MAX_SAFE_INTEGER, limit: PAGE }),
    ({ since, size }) => {
      if (since >= now - graceMs) rights.later += 1;
      else {
        rights.count += 1;
        rights.bytes += size;
      }
    },
  );
  const blobs = { count: 0, bytes: 0 };
  await eachPage(
    (place) => waitingBlobs(sql, { place, limit: PAGE }),
    ({ size }) => {
      blobs.count += 1;
      blobs.bytes += size;
    },
  );
  return {
    releasedManifests: await manifests('released'),
    trashedManifests: await manifests('trashed'),
    rights,
    blobs,
    removals: await waitingRemovals(sql),
    historyBytes: await bytesOfHistory(sql),
  };
}

async function eachPage<T extends Waiting & { readonly repository?: number }>(
  read: (place: Place) => Promise<readonly T[]>,
  take: (row: T) => void,
): Promise<void> {
  let place = BEGINNING;
  for (;;) {
    const page = await read(place);
    for (const row of page) take(row);
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return;
    place = { since: last.since, after: last.id, repository: last.repository ?? 0 };
  }
}
