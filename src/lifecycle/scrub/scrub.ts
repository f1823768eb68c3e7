// The scrubber: reads all stored bytes once a week, a part of the disk's time, and goes on after a restart
// where it was. Looks for bytes that nothing names once a day. Knows no HTTP and no jobs.

import { SYSTEM } from '../../metadata/audit.ts';
import { isPassOpen, readScrubState, type ScrubState } from '../../metadata/scrub.ts';
import { listScrubRuns } from '../../metadata/scrub-runs.ts';
import type { Sql } from '../../metadata/sql.ts';
import { findOrphans } from './find-orphans.ts';
import { readBlobs } from './read-blobs.ts';
import { Attendance, type ScrubContext, type ScrubParts, ScrubStopped } from './scrub-parts.ts';
import { checkPresence } from './store-presence.ts';
import { finishQuarantines, treatDamage } from './treat-damage.ts';

const DAY_MS = 24 * 3_600_000;
/** From the beginning of one pass to that of the next, at least. */
const PASS_EVERY_MS = 7 * DAY_MS;
const LOOK_EVERY_MS = DAY_MS;
/** Milliseconds between two notes of how far it is. */
const NOTE_EVERY_MS = 2_000;

/** What a pass has found so far; kept as JSON in its history. */
export interface PassFindings {
  /** Blobs and manifests read. */
  blobs: number;
  missing: number;
  altered: number;
}

interface Wanted {
  readonly now: number;
  /** False: only what somebody asked for. */
  readonly isAutomatic: boolean;
}

function isPassDue({ startedAt }: ScrubState, { now, isAutomatic }: Wanted): boolean {
  return isAutomatic && now - startedAt >= PASS_EVERY_MS;
}

function isLookDue({ orphansLookedAt }: ScrubState, { now, isAutomatic }: Wanted): boolean {
  return isAutomatic && now - (orphansLookedAt ?? 0) >= LOOK_EVERY_MS;
}

/** A cheap read: whether there is anything to do now. */
export async function isScrubWanted(sql: Sql, wanted: Wanted): Promise<boolean> {
  const state = await readScrubState(sql);
  return isPassOpen(state) || isPassDue(state, wanted) || isLookDue(state, wanted);
}

/** Does what is due, and ends early when it is told to stop. */
export async function scrub(
  parts: ScrubParts & { readonly isAutomatic: boolean },
  context: ScrubContext,
): Promise<void> {
  const wanted = { now: parts.now(), isAutomatic: parts.isAutomatic };
  const attendance = new Attendance(context, parts.now);
  try {
    await finishQuarantines(parts);
    const before = await readScrubState(parts.sql);
    if (!isPassOpen(before) && isPassDue(before, wanted)) {
      await parts.commands.run('beginScrub', { actor: SYSTEM });
    }
    const state = await readScrubState(parts.sql);
    if (isPassOpen(state)) await readOn(parts, state, attendance);
    if (isLookDue(state, wanted)) await findOrphans(parts, attendance);
  } catch (error) {
    if (!(error instanceof ScrubStopped)) throw error;
  }
}

/** Goes on with the pass that is open, to its end. */
async function readOn(parts: ScrubParts, pass: ScrubState, attendance: Attendance): Promise<void> {
  const { startedAt } = pass;
  const found = await findingsOf(parts.sql, startedAt);
  let { next, bytes } = pass;
  let notedAt = parts.now();
  const note = () => {
    notedAt = parts.now();
    const detail = JSON.stringify(found);
    return parts.commands.run('noteScrub', { startedAt, next, bytes, detail });
  };
  try {
    for await (const read of readBlobs(parts, { after: next, attendance })) {
      if (read.isDamaged) {
        if (read.content === 'missing') await checkPresence(parts);
        const damage = await treatDamage(parts, read);
        if (damage !== undefined) found[damage.kind] += 1;
      }
      next = read.blob.id;
      bytes += read.bytes;
      found.blobs += 1;
      // Another pass has begun, or another node is further: it is theirs.
      if (parts.now() - notedAt >= NOTE_EVERY_MS && !(await note())) return;
    }
  } finally {
    await note();
  }
  await parts.commands.run('endScrub', { startedAt, detail: JSON.stringify({ ...found, bytes }) });
}

async function findingsOf(sql: Sql, startedAt: number): Promise<PassFindings> {
  const [last] = await listScrubRuns(sql, { before: Number.MAX_SAFE_INTEGER, limit: 1 });
  const found = last?.startedAt === startedAt ? last.detail : '{}';
  return { blobs: 0, missing: 0, altered: 0, ...(JSON.parse(found) as Partial<PassFindings>) };
}
