// Reads all stored bytes in the order of their rows, and tells what is damaged.
import { nextStoredBytes } from '../../metadata/scrub.ts';
import { type CheckedBytes, checkBytes, isSound } from './check-bytes.ts';
import type { Attendance, ScrubParts } from './scrub-parts.ts';

/** Rows of one look. */
const PAGE = 100;

export interface ReadBlob extends CheckedBytes {
  readonly isDamaged: boolean;
}

/** One entry a blob with an id above `after`. @throws ScrubStopped. */
export async function* readBlobs(
  parts: Pick<ScrubParts, 'sql' | 'blobs' | 'pace'>,
  { after, attendance }: { after: number; attendance: Attendance },
): AsyncGenerator<ReadBlob> {
  for (let last = after; ; ) {
    const page = await nextStoredBytes(parts.sql, { after: last, limit: PAGE });
    for (const blob of page) {
      const checked = await checkBytes(parts, blob, attendance);
      last = blob.id;
      yield { ...checked, isDamaged: !isSound(checked) };
    }
    if (page.length < PAGE) return;
  }
}
