// Reads the stored bytes of one blob and compares their hash with its digest. What seems damaged is read a
// second time first. Changes nothing.
import { BlobStoreError } from '../../blobs/blob-store.ts';
import { systemCode } from '../../blobs/filesystem-errors.ts';
import { createHasher, hashBytes } from '../../blobs/hasher.ts';
import { readPayload } from '../../metadata/blobs.ts';
import { nextStoredBytes, type StoredBytes } from '../../metadata/scrub.ts';
import { digestAlgorithm } from '../../oci/digest.ts';
import type { Attendance, ScrubParts } from './scrub-parts.ts';

/** `unknown`: there is none in that place. */
type Soundness = 'sound' | 'missing' | 'altered';

export interface CheckedBytes {
  readonly blob: StoredBytes;
  /** Under its storage key; undefined: it has none. */
  readonly content: Soundness | undefined;
  /** The payload when it is altered. */
  readonly badPayload: Uint8Array | undefined;
  /** Bytes read. */
  readonly bytes: number;
  /** The row has changed while they were read: it was collected, or pushed anew. */
  readonly isOutdated?: boolean;
}

type CheckParts = Pick<ScrubParts, 'sql' | 'blobs' | 'pace'>;

export function isSound({ blob, content, badPayload, isOutdated }: CheckedBytes): boolean {
  if (isOutdated === true) return true;
  if (badPayload !== undefined) return false;
  return content === undefined ? blob.hasPayload : content === 'sound';
}

/** @throws ScrubStopped; BlobStoreError when the store cannot be asked. */
export async function checkBytes(
  parts: CheckParts,
  blob: StoredBytes,
  attendance: Attendance,
): Promise<CheckedBytes> {
  const first = await readOnce(parts, blob, attendance);
  if (isSound(first)) return first;
  const second = await readOnce(parts, blob, attendance);
  const [row] = await nextStoredBytes(parts.sql, { after: blob.id - 1, limit: 1 });
  const isOutdated = row?.id !== blob.id || row.storageKey !== blob.storageKey;
  return { ...second, bytes: first.bytes + second.bytes, isOutdated };
}

async function readOnce(
  parts: CheckParts,
  blob: StoredBytes,
  attendance: Attendance,
): Promise<CheckedBytes> {
  let bytes = 0;
  const count = async (more: number) => {
    bytes += more;
    await parts.pace.spend(more);
    await attendance.attend();
  };
  let badPayload: Uint8Array | undefined;
  let { hasPayload } = blob;
  if (hasPayload || blob.storageKey === null) {
    const payload = await readPayload(parts.sql, blob.id);
    hasPayload = payload !== undefined;
    if (payload !== undefined && !isPayloadSound(blob, payload)) badPayload = payload;
    await count(payload?.length ?? 0);
  }
  const content =
    blob.storageKey === null
      ? undefined
      : await readContent(parts, { ...blob, storageKey: blob.storageKey }, count);
  return { blob: { ...blob, hasPayload }, content, badPayload, bytes };
}

function isPayloadSound({ digest, size }: StoredBytes, payload: Uint8Array): boolean {
  return payload.length === size && hashBytes(digestAlgorithm(digest), payload) === digest;
}

async function readContent(
  { blobs }: CheckParts,
  { digest, size, storageKey }: StoredBytes & { readonly storageKey: string },
  count: (bytes: number) => Promise<void>,
): Promise<Soundness> {
  const hasher = createHasher(digestAlgorithm(digest));
  let length = 0;
  try {
    for await (const chunk of blobs.read(storageKey)) {
      length += chunk.length;
      // The rest need not be read.
      if (length > size) return 'altered';
      hasher.update(chunk);
      await count(chunk.length);
    }
  } catch (error) {
    if (!(error instanceof BlobStoreError)) throw error;
    if (error.fault === 'absent') return 'missing';
    // Of the disk itself, for these bytes; any other fault is not theirs.
    if (systemCode(error.cause) === 'EIO') return 'altered';
    throw error;
  }
  return length === size && hasher.digest() === digest ? 'sound' : 'altered';
}
