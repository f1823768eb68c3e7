// What the trash and moves of names leave to do in the background: counters of much that has moved, the end
// of what was purged, and of what lay in the trash long enough.
import type { BlobStore } from '../blobs/blob-store.ts';
import type { LifecycleCommands } from '../lifecycle/commands.ts';
import { windowAt } from '../lifecycle/history/remains.ts';
import { MOVED_USAGE_JOB, type MovedUsage } from '../lifecycle/names/move-counters.ts';
import { PURGE_PLACE_JOB, REMOVE_NOW_JOB } from '../lifecycle/trash/purge.command.ts';
import { SYSTEM } from '../metadata/audit.ts';
import type { Commands } from '../metadata/command.ts';
import { blobsHeldBy } from '../metadata/purge-now.ts';
import type { Sql } from '../metadata/sql.ts';
import { oldPlaces, type TrashItem } from '../metadata/trash-items.ts';
import { nextRepositoryAt } from '../metadata/trashed-content.ts';
import type { AddCursor } from '../metadata/usage-moves.ts';
import type { RegistryCommands } from '../registry/commands.ts';
import { type JobContext, type JobKind, JobStopped } from './job-kinds.ts';
import { removeBytes } from './upload-upkeep.ts';

export interface TrashUpkeepParts {
  readonly sql: Sql;
  readonly commands: Commands<LifecycleCommands & RegistryCommands>;
  readonly blobs: BlobStore;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  sleep(ms: number): Promise<void>;
}

const HOUR_MS = 60 * 60 * 1000;
/** Items of one page, or blobs settled in one transaction: a few milliseconds. */
const BATCH = 500;
/** Rows taken away in one transaction: some ten times as dear, and every push waits for it. */
const IN_ONE_TRANSACTION = 50;
/** No policy keeps anything for less. */
const SHORTEST_MS = 24 * HOUR_MS;

export function trashJobs(parts: TrashUpkeepParts): JobKind[] {
  return [
    {
      kind: MOVED_USAGE_JOB,
      everyMs: undefined,
      run: (context, usage) => settleMovedUsage(parts, { context, usage: usage as MovedUsage }),
    },
    {
      kind: PURGE_PLACE_JOB,
      everyMs: undefined,
      run: (context, item) => purgePlace(parts, { context, item: item as PurgedPlace }),
    },
    {
      kind: REMOVE_NOW_JOB,
      everyMs: undefined,
      run: (context) => removeBytes(parts, context),
    },
    { kind: 'empty-trash', everyMs: HOUR_MS, run: (context) => emptyTrash(parts, context) },
    {
      kind: 'trim-aliases',
      everyMs: HOUR_MS,
      run: async () => parts.commands.run('trimAliases', null),
    },
  ];
}

/** Rests as long as the batch took, so that half of the writer's time is left to pushes. */
async function beside<T>(
  { now, sleep }: TrashUpkeepParts,
  context: JobContext,
  batch: () => Promise<T>,
): Promise<T> {
  goOn(context);
  const start = now();
  const result = await batch();
  await context.extend();
  await sleep(Math.max(1, now() - start));
  return result;
}

/** @throws JobStopped at a stop: the job then begins anew, and counts nothing twice. */
function goOn(context: JobContext): void {
  if (context.isStopping()) throw new JobStopped();
}

export async function settleMovedUsage(
  parts: TrashUpkeepParts,
  { context, usage }: { context: JobContext; usage: MovedUsage },
): Promise<void> {
  const { commands } = parts;
  const limit = BATCH;
  for (const scope of usage.left) {
    let after: number | undefined = 0;
    while (after !== undefined) {
      const page: { scope: typeof scope; after: number; limit: number } = { scope, after, limit };
      after = await beside(parts, context, () => commands.run('sweepScope', page));
    }
  }
  if (usage.came === undefined) return;
  let cursor: AddCursor | undefined;
  do {
    const page: { path: string; cursor: AddCursor | undefined; limit: number } = {
      path: usage.came,
      cursor,
      limit,
    };
    cursor = await beside(parts, context, () => commands.run('addMoved', page));
  } while (cursor !== undefined);
}

interface PurgedPlace {
  readonly id: number;
  readonly path: string;
}

/** Repository by repository, and of each its bytes once its rows are gone. */
export async function purgePlace(
  parts: TrashUpkeepParts,
  { context, item }: { context: JobContext; item: PurgedPlace },
): Promise<void> {
  const { sql, commands } = parts;
  const { id, path } = item;
  const limit = IN_ONE_TRANSACTION;
  for (let isDone = false; !isDone; ) {
    const repository = await nextRepositoryAt(sql, { path, after: 0 });
    const blobs = repository === undefined ? [] : await allBlobs(sql, repository);
    do {
      isDone = await beside(parts, context, () =>
        commands.run('purgePlaceBatch', { id, path, limit }),
      );
    } while (!isDone && (await nextRepositoryAt(sql, { path, after: 0 })) === repository);
    for (let from = 0; from < blobs.length; from += limit) {
      const some = blobs.slice(from, from + limit);
      await beside(parts, context, () => commands.run('removeBlobsNow', { blobs: some }));
    }
  }
}

async function allBlobs(sql: Sql, repository: number): Promise<number[]> {
  const blobs: number[] = [];
  for (;;) {
    const page = await blobsHeldBy(sql, { repository, after: blobs.at(-1) ?? 0, limit: BATCH });
    blobs.push(...page);
    if (page.length < BATCH) return blobs;
  }
}

/** Repositories and namespaces; what lies in the trash of a repository ends with the collector. */
export async function emptyTrash(parts: TrashUpkeepParts, context: JobContext): Promise<void> {
  const now = parts.now();
  const windows = new Map<string, number>();
  let after = 0;
  for (;;) {
    const page = await oldPlaces(parts.sql, { before: now - SHORTEST_MS, after, limit: BATCH });
    for (const item of page) {
      after = item.id;
      if (item.deletedAt + (await windowOf(parts.sql, windows, item)) > now) continue;
      await parts.commands.run('purgeTrashItem', { id: item.id, actor: SYSTEM });
    }
    if (page.length < BATCH || context.isStopping()) return;
    await context.extend();
  }
}

async function windowOf(
  sql: Sql,
  windows: Map<string, number>,
  { path }: TrashItem,
): Promise<number> {
  const known = windows.get(path);
  if (known !== undefined) return known;
  const window = await windowAt(sql, path);
  // As many paths as there are repositories: what is remembered is bounded.
  if (windows.size < 10_000) windows.set(path, window);
  return window;
}
