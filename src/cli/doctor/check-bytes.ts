// The doctor looks at what is stored: the room left, every byte, files that nothing names.
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import type { Configuration } from '../../app/configuration.ts';
import type { OpenDatabase } from '../../app/database.ts';
import type { BlobStore } from '../../blobs/blob-store.ts';
import { openFilesystemBlobStore } from '../../blobs/filesystem.ts';
import { isShort, percentOf } from '../../lifecycle/free-room.ts';
import { showBytes } from '../../lifecycle/quota/amount-text.ts';
import { unnamedContents } from '../../lifecycle/scrub/find-orphans.ts';
import { Pace } from '../../lifecycle/scrub/pace.ts';
import { readBlobs } from '../../lifecycle/scrub/read-blobs.ts';
import { Attendance, type ScrubParts } from '../../lifecycle/scrub/scrub-parts.ts';
import {
  describeDamage,
  finishQuarantines,
  sentenceOf,
  treatDamage,
} from '../../lifecycle/scrub/treat-damage.ts';
import { type Actor, SYSTEM } from '../../metadata/audit.ts';
import { countDamages } from '../../metadata/scrub.ts';
import { CommandFailure } from '../command.ts';
import type { Terminal } from '../terminal.ts';
import { counted, FewShown, type Findings } from './findings.ts';

export interface BytesParts extends ScrubParts {
  readonly blobs: BlobStore;
}

/** @throws CommandFailure when the folder is not there: it must not be made by a look at it. */
export async function bytesParts(
  { blobs: { path } }: Configuration,
  { sql, commands, reports }: OpenDatabase,
  { now }: Terminal,
): Promise<BytesParts> {
  if (!existsSync(path)) {
    throw new CommandFailure(
      `There is no folder ${path}: is the disk of the blobs mounted? Name it with --data, --blobs or --config.`,
    );
  }
  return {
    sql,
    commands,
    reports,
    blobs: await openFilesystemBlobStore({ directory: path }),
    pace: new Pace({ bytesPerSecond: Infinity, elapsed: now, sleep: async () => {} }),
    now,
    newId: randomUUID,
    warn: () => {},
  };
}

export async function checkSpace(
  { blobs }: BytesParts,
  { minFreeDisk, blobs: { path } }: Configuration,
  findings: Findings,
): Promise<void> {
  findings.looking(`The disk of ${path}:`);
  const space = await blobs.space();
  if (space === undefined) return findings.good('it has no limit that is known.');
  const { freeBytes, totalBytes } = space;
  const text = `${percentOf(space)} % is free (${showBytes(freeBytes)} of ${showBytes(totalBytes)})`;
  if (!isShort(space, minFreeDisk)) return findings.good(`${text}.`);
  findings.hint(`only ${text}; below ${minFreeDisk} % pushes are refused.`);
  findings.advice('Delete what nobody needs, empty the trash, or enlarge the disk.');
}

export interface BytesCheck {
  /** Lets go of damaged bytes, so that they are pushed again. */
  readonly isFixing: boolean;
  /** Who runs it. */
  readonly systemUser: string;
  readonly interrupted: AbortSignal;
}

/** @throws ScrubStopped when the person wants it to end. */
export async function checkStoredBytes(
  parts: BytesParts,
  { isFixing, systemUser, interrupted }: BytesCheck,
  findings: Findings,
): Promise<void> {
  findings.looking('Every stored byte, read and hashed:');
  const attendance = attendanceOf(parts, interrupted);
  const actor: Actor = { ...SYSTEM, client: `entrepot doctor by ${systemUser}` };
  const shown = new FewShown();
  let [blobs, bytes] = [0, 0];
  if (isFixing) await finishQuarantines(parts);
  for await (const read of readBlobs(parts, { after: 0, attendance })) {
    blobs += 1;
    bytes += read.bytes;
    findings.progress(() => `${counted(blobs, 'blob')}, ${showBytes(bytes)} read`);
    if (!read.isDamaged) continue;
    const damage = isFixing
      ? await treatDamage(parts, read, actor)
      : await describeDamage(parts, read);
    if (damage === undefined) continue;
    if (shown.next()) findings.damage(sentenceOf(damage));
    else findings.damages += 1;
  }
  if (shown.left > 0) findings.hint(`There are ${shown.left} more of these.`);
  if (shown.count === 0) {
    findings.good(
      `${counted(blobs, 'blob')} and manifests, ${showBytes(bytes)}: all are what their digest says.`,
    );
  } else if (isFixing) {
    findings.advice(
      'These are not there any more for clients, and altered bytes lie in the folder quarantine. Push the images again: docker and all others then send just what is missing.',
    );
  } else {
    findings.advice(
      'Put the files back from a backup and look again; or run this with --fix, and push the images again. Without --fix clients are told that these bytes are there, and do not send them.',
    );
  }
  const open = await countDamages(parts.sql);
  if (open > 0) {
    findings.hint(
      `${counted(open, 'blob')} found damaged wait for being pushed again: entrepot scrub damages`,
    );
  }
}

export async function checkOrphans(
  parts: BytesParts,
  { interrupted }: Pick<BytesCheck, 'interrupted'>,
  findings: Findings,
): Promise<void> {
  findings.looking('Files that nothing names:');
  const tally = { files: 0, orphans: 0, orphanBytes: 0 };
  for await (const _ of unnamedContents(parts, attendanceOf(parts, interrupted), tally)) {
    findings.progress(() => `${counted(tally.files, 'file')} looked at`);
  }
  if (tally.orphans === 0) {
    return findings.good(`${counted(tally.files, 'file')}, and a row for each of them.`);
  }
  findings.hint(
    `no row names ${counted(tally.orphans, 'file')} (${showBytes(tally.orphanBytes)}) of ${tally.files}. A crash leaves such files, and so does a push that is just ending.`,
  );
  findings.advice(
    'Nothing. The server removes them when it has found them unnamed at two looks, a day apart. Are they many, was the database put back to an older state? Then stop the server before it does.',
  );
}

function attendanceOf({ now }: BytesParts, interrupted: AbortSignal): Attendance {
  return new Attendance({ extend: async () => {}, isStopping: () => interrupted.aborted }, now);
}
