// Whether the store is there at all: when its disk was not mounted, every file is missing, and none of the
// rows may be changed for that.
import { BlobStoreError } from '../../blobs/blob-store.ts';
import { sampleKeys } from '../../metadata/scrub.ts';
import type { ScrubParts } from './scrub-parts.ts';

/** Files looked for; their bytes are not read. */
const SAMPLE = 50;

/** @throws Error with a sentence when most files are missing. */
export async function checkPresence({
  sql,
  blobs,
}: Pick<ScrubParts, 'sql' | 'blobs'>): Promise<void> {
  const keys = await sampleKeys(sql, { before: Number.MAX_SAFE_INTEGER, limit: SAMPLE });
  let absent = 0;
  for (const key of keys) {
    await blobs.open(key).catch((error: unknown) => {
      if (!(error instanceof BlobStoreError) || error.fault !== 'absent') throw error;
      absent += 1;
    });
  }
  if (absent * 2 <= keys.length) return;
  throw new Error(
    `${absent} of the ${keys.length} files looked for are missing: is the disk of the blobs mounted? Nothing was changed. If they are truly gone: entrepot doctor --fix`,
  );
}
