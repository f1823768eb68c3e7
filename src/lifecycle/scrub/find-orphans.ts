// Stored bytes that no row names: left by a crash, or by a database that was put back to an older state.
//
//   seen, older than 24 h, no row names them ──► noted ──24 h later seen again──► no row names them, in the
//   transaction that hands them to the job `remove-bytes` ──► which looks a last time ──► removed
import type { StoredContent } from '../../blobs/blob-store.ts';
import { BlobStoreError } from '../../blobs/blob-store.ts';
import { firstSeen, listOrphans, namedKeys, type Orphan } from '../../metadata/orphans.ts';
import type { Attendance, ScrubParts } from './scrub-parts.ts';

const DAY_MS = 24 * 3_600_000;
/** Keys looked up at once. */
const BATCH = 100;
/** Removed after one look; the rest waits for the next day. Bounds what is held in memory. */
const MOST_REMOVED = 10_000;
/** Fewer than these may be more than what is named: a small registry that was emptied. */
const FEW = 20;

export interface OrphansFound {
  /** Files looked at. */
  readonly files: number;
  readonly orphans: number;
  readonly orphanBytes: number;
  readonly removed: number;
}

/**
 * One look at everything that is stored. @throws ScrubStopped, before anything is removed.
 */
export async function findOrphans(
  parts: ScrubParts,
  attendance: Attendance,
): Promise<OrphansFound> {
  const now = parts.now();
  await forgetGone(parts, attendance);
  const ripe: Orphan[] = [];
  const tally = { files: 0, orphans: 0, orphanBytes: 0 };
  for await (const unnamed of unnamedContents(parts, attendance, tally)) {
    const seen = await firstSeen(
      parts.sql,
      unnamed.map(({ key }) => key),
    );
    const fresh = unnamed.filter(({ key }) => !seen.has(key));
    if (fresh.length > 0) await parts.commands.run('noteOrphans', fresh.map(orphanOf));
    for (const { key, size, modifiedAt } of unnamed) {
      const isOld = modifiedAt <= now - DAY_MS && (seen.get(key) ?? now) <= now - DAY_MS;
      if (isOld && ripe.length < MOST_REMOVED) ripe.push({ key, size });
    }
  }
  checkProportion(tally, ripe.length);
  const removed = await giveUp(parts, { ripe, seenBefore: now - DAY_MS });
  await parts.commands.run('noteOrphansLooked', {});
  return { ...tally, removed };
}

const orphanOf = ({ key, size }: StoredContent): Orphan => ({ key, size });

/** @throws Error with a sentence when most of what is stored has no row: then the rows are wrong. */
function checkProportion({ files, orphans }: { files: number; orphans: number }, ripe: number) {
  if (ripe < FEW || orphans * 2 <= files) return;
  throw new Error(
    `No row names ${orphans} of ${files} stored files: was the database put back to an older state? None of them was removed.`,
  );
}

async function giveUp(
  parts: ScrubParts,
  { ripe, seenBefore }: { ripe: readonly Orphan[]; seenBefore: number },
): Promise<number> {
  let removed = 0;
  for (let at = 0; at < ripe.length; at += BATCH) {
    const orphans = ripe.slice(at, at + BATCH);
    removed += (await parts.commands.run('giveUpOrphans', { orphans, seenBefore })).count;
  }
  return removed;
}

/** Batches of what no row names. */
export async function* unnamedContents(
  parts: Pick<ScrubParts, 'sql' | 'blobs' | 'pace'>,
  attendance: Attendance,
  tally: { files: number; orphans: number; orphanBytes: number },
): AsyncGenerator<StoredContent[]> {
  let batch: StoredContent[] = [];
  const look = async (): Promise<StoredContent[]> => {
    const named = await namedKeys(
      parts.sql,
      batch.map(({ key }) => key),
    );
    const unnamed = batch.filter(({ key }) => !named.has(key));
    tally.files += batch.length;
    tally.orphans += unnamed.length;
    for (const { size } of unnamed) tally.orphanBytes += size;
    batch = [];
    return unnamed;
  };
  for await (const content of parts.blobs.contents()) {
    batch.push(content);
    await parts.pace.spend(0);
    await attendance.attend();
    if (batch.length === BATCH) yield await look();
  }
  if (batch.length > 0) yield await look();
}

/** Notes whose bytes are gone, or named again, go. */
async function forgetGone(parts: ScrubParts, attendance: Attendance): Promise<void> {
  for (let after = ''; ; ) {
    const page = await listOrphans(parts.sql, { after, limit: BATCH });
    const last = page.at(-1);
    if (last === undefined) return;
    after = last.key;
    const named = await namedKeys(
      parts.sql,
      page.map(({ key }) => key),
    );
    const gone: string[] = [];
    for (const { key } of page) {
      if (named.has(key) || !(await isThere(parts, key))) gone.push(key);
      await parts.pace.spend(0);
      await attendance.attend();
    }
    if (gone.length > 0) await parts.commands.run('forgetOrphans', gone);
  }
}

async function isThere({ blobs }: ScrubParts, key: string): Promise<boolean> {
  try {
    await blobs.open(key);
    return true;
  } catch (error) {
    if (error instanceof BlobStoreError && error.fault === 'absent') return false;
    throw error;
  }
}
