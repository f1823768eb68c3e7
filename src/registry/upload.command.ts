// The transactions of an upload. Each names the fence that it holds or has seen; see metadata/uploads.ts.
import { type BlobPlace, findBlob, keepBlob, linkBlob, storeBlob } from '../metadata/blobs.ts';
import { relaxed, synced } from '../metadata/command.ts';
import { renewRight } from '../metadata/liveness.ts';
import { queueRemoval } from '../metadata/removals.ts';
import { ensureRepository, type RepositoryId } from '../metadata/repositories.ts';
import type { Transaction } from '../metadata/sql.ts';
import { forgetTrashed } from '../metadata/trash.ts';
import {
  createUpload,
  dropHeldBytes,
  heldBytes,
  holdBytes,
  intendStorageKey,
  lockedUpload,
  type NewUpload,
  recordProgress,
  removeUpload,
  takeUpload,
  type UploadProgress,
  type UploadRow,
} from '../metadata/uploads.ts';
import { isLimited, type SizedBlob, settleUsage, UsageTally } from '../metadata/usage.ts';
import type { Digest } from '../oci/digest.ts';
import { RegistryError } from '../oci/errors.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import type { Guards } from './guards.ts';

export const startUpload = relaxed(
  async (tx: Transaction, upload: NewUpload): Promise<void> => createUpload(tx, upload),
);

export interface Take {
  readonly id: string;
  /** The fence that the taker has seen; another means that somebody was faster. */
  readonly seen: number;
  readonly writer: string | undefined;
  readonly file: string | undefined;
  readonly storageKey: string | undefined;
}

/** Takes the upload over. @returns the new fence, or undefined when it changed since it was seen. */
export const takeOver = relaxed(
  async (tx: Transaction, take: Take): Promise<number | undefined> => {
    const upload = await lockedUpload(tx, take.id);
    if (upload === undefined || upload.fence !== take.seen) return undefined;
    const fence = upload.fence + 1;
    const { id, writer, file, storageKey } = take;
    await takeUpload(tx, { id, fence, writer, file, storageKey });
    await queueLeftovers(tx, upload, { file, storageKey });
    return fence;
  },
);

/** What a request leaves behind. @returns false when a newer one has taken the upload. */
export const recordUpload = relaxed(
  async (tx: Transaction, progress: UploadProgress): Promise<boolean> => {
    const { id, file, size } = progress;
    const held = file === undefined ? undefined : await heldBytes(tx, id);
    if (file === undefined || held === undefined) return recordProgress(tx, progress);
    if (size >= held.length) {
      const isOurs = await recordProgress(tx, progress);
      if (isOurs) await dropHeldBytes(tx, id);
      return isOurs;
    }
    // The disk failed before what was held here reached the file: it is held on.
    const kept = { id, fence: progress.fence, size: held.length, digest: undefined };
    const isOurs = await recordProgress(tx, { ...kept, file: undefined, boot: undefined });
    if (isOurs) await queueRemoval(tx, { kind: 'upload', key: file });
    return isOurs;
  },
);

/** Names the key before the bytes get it. @returns false when a newer request has taken the upload. */
export const intendKey = relaxed(
  async (
    tx: Transaction,
    intent: { id: string; fence: number; storageKey: string },
  ): Promise<boolean> => intendStorageKey(tx, intent),
);

/** What the row named until now and `kept` does not: an older request was cut short there, or will be. */
async function queueLeftovers(
  tx: Transaction,
  upload: UploadRow,
  kept: { file: string | undefined; storageKey: string | undefined },
): Promise<void> {
  const { file, storageKey } = upload;
  if (file !== undefined && file !== kept.file) {
    await queueRemoval(tx, { kind: 'upload', key: file });
  }
  if (storageKey !== undefined && storageKey !== kept.storageKey) {
    await queueRemoval(tx, { kind: 'content', key: storageKey });
  }
}

export interface HoldBytes {
  readonly id: string;
  readonly seen: number;
  /** All bytes of the upload so far. */
  readonly bytes: Uint8Array;
  readonly digest: Digest;
}

/** Keeps a small upload in the database. @returns false when it changed since it was seen. */
export const holdUpload = relaxed(async (tx: Transaction, held: HoldBytes): Promise<boolean> => {
  const upload = await lockedUpload(tx, held.id);
  if (upload === undefined || upload.fence !== held.seen) return false;
  const { id, bytes, digest } = held;
  const fence = upload.fence + 1;
  const nothing = { writer: undefined, file: undefined, storageKey: undefined };
  await takeUpload(tx, { id, fence, ...nothing });
  await queueLeftovers(tx, upload, nothing);
  await holdBytes(tx, { id, bytes });
  await recordProgress(tx, {
    id,
    fence,
    size: bytes.length,
    digest,
    file: undefined,
    boot: undefined,
  });
  return true;
});

export interface FinishUpload {
  /** Undefined: a blob that came whole in one small POST and never was an upload. */
  readonly upload: { readonly id: string; readonly fence: number } | undefined;
  readonly repository: RepositoryName;
  readonly digest: Digest;
  readonly size: number;
  readonly place: BlobPlace;
}

/**
 * The commit of an upload: blob, right of the repository, upload gone.
 * @throws RegistryError BLOB_UPLOAD_UNKNOWN when it is gone, RANGE_INVALID when a newer request has it,
 * what a guard throws.
 */
export function finishUploadCommand(guards: Guards) {
  return synced(async (tx: Transaction, finish: FinishUpload): Promise<void> => {
    await commitUpload(tx, guards, finish);
  });
}

async function commitUpload(tx: Transaction, guards: Guards, finish: FinishUpload): Promise<void> {
  const { upload, digest, size, place } = finish;
  if (upload !== undefined) {
    const row = await lockedUpload(tx, upload.id);
    if (row === undefined) throw new RegistryError('BLOB_UPLOAD_UNKNOWN');
    if (row.fence !== upload.fence) throw overtaken();
    // A file that got its key is gone by that name.
    const hasKey = 'storageKey' in place;
    await queueLeftovers(tx, row, {
      file: hasKey ? row.file : undefined,
      storageKey: hasKey ? place.storageKey : undefined,
    });
  }
  const repository = await ensureRepository(tx, finish.repository);
  const blob = await storeBlob(tx, { digest, size, place });
  // Somebody else's bytes of that digest were first: these are not needed.
  if (!blob.isNew && 'storageKey' in place) {
    await queueRemoval(tx, { kind: 'content', key: place.storageKey });
  }
  // Only what was here before can lie in the trash.
  if (!blob.isNew) await forgetTrashed(tx, { repository, kind: 'blob', digest });
  await giveRight(tx, guards, {
    repository,
    name: finish.repository,
    blob: { id: blob.id, size },
  });
  if (upload !== undefined) await removeUpload(tx, upload.id);
}

/** From now on the repository may have the blob. */
async function giveRight(
  tx: Transaction,
  guards: Guards,
  right: { repository: RepositoryId; name: RepositoryName; blob: SizedBlob },
): Promise<void> {
  const { repository, name, blob } = right;
  // Where no quota is, it is counted with the manifest that names it: once for all its parts.
  const isCounted = await isLimited(tx, name);
  await linkBlob(tx, { repository, blob: blob.id, isCounted });
  if (!isCounted) return;
  const tally = new UsageTally();
  tally.add([blob]);
  await guards.afterGrowth(tx, await settleUsage(tx, { name, tally }));
}

/** The error of a request whose upload a newer request has taken. */
export function overtaken(): RegistryError {
  return new RegistryError(
    'RANGE_INVALID',
    'A newer request has taken over this upload. Ask for its status and continue from there.',
  );
}

/** Ends an upload and forgets its bytes. @returns false when there is none of that id in the repository. */
export const cancelUpload = relaxed(
  async (tx: Transaction, key: { id: string; repository: RepositoryName }): Promise<boolean> => {
    const upload = await lockedUpload(tx, key.id);
    if (upload === undefined || upload.repository !== key.repository) return false;
    await forgetUpload(tx, upload);
    return true;
  },
);

/** As `cancelUpload`, by a request. @returns false when it is gone or a newer request has taken it. */
export const dropUpload = relaxed(
  async (tx: Transaction, key: { id: string; seen: number }): Promise<boolean> => {
    const upload = await lockedUpload(tx, key.id);
    if (upload === undefined || upload.fence !== key.seen) return false;
    await forgetUpload(tx, upload);
    return true;
  },
);

/** Ends an upload unless somebody continued it since `before` (ms). */
export const expireUpload = relaxed(
  async (tx: Transaction, expiry: { id: string; before: number }): Promise<boolean> => {
    const upload = await lockedUpload(tx, expiry.id);
    if (upload === undefined || upload.updatedAt >= expiry.before) return false;
    await forgetUpload(tx, upload);
    return true;
  },
);

async function forgetUpload(tx: Transaction, upload: UploadRow): Promise<void> {
  await removeUpload(tx, upload.id);
  // It may be that a crash came between the rename and the commit: then the bytes are under the key.
  await queueLeftovers(tx, upload, { file: undefined, storageKey: undefined });
}

export interface MountBlob {
  readonly repository: RepositoryName;
  readonly from: RepositoryName;
  readonly digest: Digest;
}

/**
 * Gives a repository the right to a blob that another one holds. @returns false when that one does not.
 * @throws what a guard throws.
 */
export function mountBlobCommand(guards: Guards) {
  return synced(async (tx: Transaction, mount: MountBlob): Promise<boolean> => {
    const blob = await findBlob(tx, { repository: mount.from, digest: mount.digest });
    if (blob === undefined) return false;
    const repository = await ensureRepository(tx, mount.repository);
    // It may have been collected since it was found.
    if (!(await keepBlob(tx, blob.id))) return false;
    await forgetTrashed(tx, { repository, kind: 'blob', digest: mount.digest });
    await giveRight(tx, guards, { repository, name: mount.repository, blob });
    return true;
  });
}

/**
 * Somebody is about to be told that the repository has a blob which nothing names yet: its time of grace
 * starts anew. Asked for only when less than half of it is left, so that a HEAD writes nothing; synced, for
 * what was told holds after a power cut too. @returns false when it is held meanwhile, or gone.
 */
export const renewGrace = synced(
  async (tx: Transaction, right: { repository: RepositoryId; blob: number }): Promise<boolean> =>
    renewRight(tx, right),
);
