// What unfinished uploads leave behind: expired sessions, bytes queued for removal, files without a row.
import type { BlobStore } from '../blobs/blob-store.ts';
import type { Commands } from '../metadata/command.ts';
import { isStillNamed, nextRemovals, type Removal } from '../metadata/removals.ts';
import type { Sql } from '../metadata/sql.ts';
import { isUploadFile, staleUploads } from '../metadata/uploads.ts';
import { LIMITS } from '../oci/limits.ts';
import type { RegistryCommands } from '../registry/commands.ts';
import type { JobContext, JobKind } from './job-kinds.ts';

export interface UpkeepParts {
  readonly sql: Sql;
  readonly commands: Commands<RegistryCommands>;
  readonly blobs: BlobStore;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Milliseconds that an upload may rest. */
  readonly uploadAgeMs: number;
  /** Bytes that are really gone; for metrics. */
  freed?(bytes: number): void;
  /** Is a request of this process writing to it? */
  isWriting(upload: string): boolean;
}

type RemovalParts = Pick<UpkeepParts, 'sql' | 'commands' | 'blobs' | 'now' | 'freed'>;

const MINUTE_MS = 60_000;
/** Rows in one look: bounds each transaction and the time between two looks at the lease. */
const BATCH = 100;
/** A file without a row may belong to a request that is just making the row. */
const ORPHAN_AGE_MS = 60 * MINUTE_MS;
/** Events deleted in one transaction. */
const OUTBOX_BATCH = 1_000;
/** Events that nobody consumes are kept so long. */
const OUTBOX_AGE_MS = 30 * 24 * 60 * MINUTE_MS;

export function upkeepJobs(parts: UpkeepParts): JobKind[] {
  return [
    { kind: 'expire-uploads', everyMs: MINUTE_MS, run: (context) => expireUploads(parts, context) },
    { kind: 'remove-bytes', everyMs: MINUTE_MS / 2, run: (context) => removeBytes(parts, context) },
    {
      kind: 'sweep-uploads',
      everyMs: 60 * MINUTE_MS,
      run: (context) => sweepUploads(parts, context),
    },
    {
      kind: 'trim-outbox',
      everyMs: 60 * MINUTE_MS,
      run: (context) => forgetEvents(parts, context),
    },
  ];
}

/** Ends uploads that nobody continued. */
export async function expireUploads(parts: UpkeepParts, context: JobContext): Promise<void> {
  const before = parts.now() - parts.uploadAgeMs;
  // Those that a request is writing to since long ago must not hide the others.
  const limit = LIMITS.concurrentUploads + BATCH;
  for (;;) {
    let expired = 0;
    for (const id of await staleUploads(parts.sql, { before, limit })) {
      if (parts.isWriting(id)) continue;
      if (await parts.commands.run('expireUpload', { id, before })) expired += 1;
    }
    if (expired === 0 || context.isStopping()) return;
    await context.extend();
  }
}

/**
 * Removes the bytes that no row names, each looked up again at the moment of removal. What cannot be
 * removed is tried again with the next run, and does not stand in the way of the others.
 */
export async function removeBytes(parts: RemovalParts, context: JobContext): Promise<void> {
  let after = 0;
  const faults: unknown[] = [];
  for (;;) {
    const removals = await nextRemovals(parts.sql, { after, now: parts.now(), limit: BATCH });
    for (const removal of removals) {
      after = removal.id;
      await removeOne(parts, removal).catch((error) => faults.push(error));
    }
    if (removals.length === 0 || context.isStopping()) break;
    await context.extend();
  }
  if (faults.length > 0) throw faults[0];
}

async function removeOne(parts: RemovalParts, removal: Removal): Promise<void> {
  const { id, kind, key, size } = removal;
  const isFree = !(await isStillNamed(parts.sql, removal));
  if (isFree && kind === 'upload') await parts.blobs.discard(key);
  else if (isFree) await parts.blobs.remove(key);
  await parts.commands.run('forgetRemoval', { id, bytes: isFree ? size : 0 });
  if (isFree) parts.freed?.(size);
}

/** Removes files of the upload area that a crash left without a row. */
export async function sweepUploads(parts: UpkeepParts, context: JobContext): Promise<void> {
  for await (const file of parts.blobs.staleUploads(parts.now() - ORPHAN_AGE_MS)) {
    if (context.isStopping()) return;
    await context.extend();
    if (!(await isUploadFile(parts.sql, file))) await parts.blobs.discard(file);
  }
}

/** Forgets events that are too old to be of use. */
async function forgetEvents(parts: UpkeepParts, context: JobContext): Promise<void> {
  const trim = { before: parts.now() - OUTBOX_AGE_MS, limit: OUTBOX_BATCH };
  while ((await parts.commands.run('trimOutbox', trim)) > 0 && !context.isStopping()) {
    await context.extend();
  }
}
