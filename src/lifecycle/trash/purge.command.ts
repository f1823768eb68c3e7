// Purging the trash now: bytes that must go, go at once. What else holds them is said and stays. A repository
// or namespace is taken away in batches behind the answer; from the answer on it cannot be restored.
import { type Actor, recordAct } from '../../metadata/audit.ts';
import { findBlobId } from '../../metadata/blobs.ts';
import { synced } from '../../metadata/command.ts';
import { addJob } from '../../metadata/jobs.ts';
import { findManifestState } from '../../metadata/manifests.ts';
import { hiddenPath } from '../../metadata/names.ts';
import { purgeManifests, purgeRepositoryBatch } from '../../metadata/purge.ts';
import {
  dropHanging,
  dropRightsTo,
  forgetTagsOf,
  markPurging,
  type RemovedNow,
  removeNow,
} from '../../metadata/purge-now.ts';
import { lockRepository } from '../../metadata/repositories.ts';
import type { Transaction } from '../../metadata/sql.ts';
import { lockTrashItem, removeTrashItem, type TrashItem } from '../../metadata/trash-items.ts';
import {
  HOLDERS_TOLD,
  manifestsNaming,
  nextRepositoryAt,
  partsOfManifest,
  repositoriesHolding,
  sizeOfBlob,
  type TrashedPart,
} from '../../metadata/trashed-content.ts';
import type { Digest } from '../../oci/digest.ts';
import { RegistryError } from '../../oci/errors.ts';
import { isRepositoryName } from '../../oci/repository-name.ts';

/** The kind of job that takes away a repository or namespace. */
export const PURGE_PLACE_JOB = 'purge-place';
/** The kind of job that removes the bytes at once. */
export const REMOVE_NOW_JOB = 'remove-bytes-now';

export interface PurgeItem {
  readonly id: number;
  readonly actor: Actor;
}

/** What became of one blob. */
export interface PurgedBlob {
  readonly digest: Digest;
  readonly size: number;
  /** Its bytes are let go; false: something holds them. */
  readonly isGone: boolean;
  /** Manifests of the same repository that name it. */
  readonly manifests: readonly Digest[];
  /** Other repositories that have it; in the trash: under their hidden names. */
  readonly repositories: readonly string[];
  /** There are more of either than are named. */
  readonly hasMore: boolean;
}

export interface Purged {
  readonly kind: TrashItem['kind'];
  readonly path: string;
  /** Empty for tags, repositories and namespaces. */
  readonly blobs: readonly PurgedBlob[];
  /** Of bytes that are being removed. */
  readonly keys: readonly string[];
  readonly bytes: number;
  /** Its rows are taken away behind the answer. */
  readonly isUnderWay: boolean;
}

export function purgeCommands() {
  return {
    purgeTrashItem: synced(purgeTrashItem),
    purgePlaceBatch: synced(purgePlaceBatch),
    removeBlobsNow: synced(removeBlobsNow),
  };
}

/** @throws RegistryError NOT_FOUND; CONFLICT when it lies in a repository that is in the trash itself. */
async function purgeTrashItem(tx: Transaction, { id, actor }: PurgeItem): Promise<Purged> {
  const item = await lockTrashItem(tx, id);
  if (item === undefined) {
    throw new RegistryError('NOT_FOUND', `There is nothing with the number ${id} in the trash.`);
  }
  const purged = await purgeOne(tx, item);
  const { kind, path, tag, digest } = item;
  const target = tag === null ? (digest === null ? path : `${path}@${digest}`) : `${path}:${tag}`;
  const { bytes, isUnderWay } = purged;
  const gone = purged.blobs.filter(({ isGone }) => isGone).map((blob) => blob.digest);
  const detail = { trash: id, bytes, isUnderWay, gone };
  await recordAct(tx, { actor, action: `${kind}.purge`, target, detail });
  return purged;
}

async function purgeOne(tx: Transaction, item: TrashItem): Promise<Purged> {
  const { id, kind, path } = item;
  const nothing = { kind, path, blobs: [], keys: [], bytes: 0 };
  if (kind === 'repository' || kind === 'namespace') {
    await markPurging(tx, id);
    const job = { kind: PURGE_PLACE_JOB, key: `${PURGE_PLACE_JOB}:${id}`, runAt: 0 };
    await addJob(tx, { ...job, arguments: JSON.stringify({ id, path: hiddenPath(id, path) }) });
    return { ...nothing, isUnderWay: true };
  }
  if (kind === 'tag') {
    // Its history stays: who moved it where is no secret of its image. Its name is free.
    await removeTrashItem(tx, id);
    return { ...nothing, isUnderWay: false };
  }
  const repository = await lockedRepository(tx, item);
  const parts = await takeAway(tx, item, repository);
  const removed = await removeNow(
    tx,
    parts.map((part) => part.id),
  );
  if (removed.keys.length > 0) await removeSoon(tx);
  const blobs = await tellBlobs(tx, { repository, parts, removed });
  const { keys, bytes } = removed;
  return { kind, path, blobs, keys, bytes, isUnderWay: false };
}

async function lockedRepository(
  tx: Transaction,
  { name, path, repository }: TrashItem,
): Promise<number> {
  const locked =
    name !== null && isRepositoryName(name) ? await lockRepository(tx, name) : undefined;
  if (locked !== undefined && locked === repository) return locked;
  throw new RegistryError(
    'CONFLICT',
    `The repository "${path}" is itself in the trash: purge it as a whole, or restore it first.`,
  );
}

/** The rows of a manifest or the right to a blob. @returns what may have lost its last holder by that. */
async function takeAway(
  tx: Transaction,
  { id, kind, digest }: TrashItem,
  repository: number,
): Promise<readonly TrashedPart[]> {
  const blob = digest === null ? undefined : await findBlobId(tx, digest);
  if (blob === undefined || digest === null) {
    await removeTrashItem(tx, id);
    return [];
  }
  let parts: readonly TrashedPart[];
  if (kind === 'manifest') {
    const state = await findManifestState(tx, { repository, blob });
    parts =
      state === undefined || state.deletedAt === null ? [] : await partsOfManifest(tx, state.id);
    if (state !== undefined && state.deletedAt !== null) {
      await purgeManifests(tx, { repository, manifests: [state.id] });
      await forgetTagsOf(tx, { repository, digest });
    }
  } else parts = [{ id: blob, digest, size: await sizeOfBlob(tx, blob), isStored: true }];
  await dropRightsTo(tx, { repository, blobs: parts.map((part) => part.id) });
  await removeTrashItem(tx, id);
  return parts;
}

async function tellBlobs(
  tx: Transaction,
  told: { repository: number; parts: readonly TrashedPart[]; removed: RemovedNow },
): Promise<PurgedBlob[]> {
  const { repository, parts, removed } = told;
  const gone = new Set(removed.blobs);
  const kept = parts.filter(({ id }) => !gone.has(id)).map(({ id }) => id);
  const manifests = await manifestsNaming(tx, { repository, blobs: kept, but: 0 });
  const others = await repositoriesHolding(tx, {
    blobs: kept,
    but: repository,
    most: HOLDERS_TOLD + 1,
  });
  return parts.map(({ id, digest, size, isStored }) => {
    const [naming, holding] = [manifests.get(id) ?? [], others.get(id) ?? []];
    return {
      digest,
      size,
      isGone: gone.has(id) || !isStored,
      manifests: naming.slice(0, HOLDERS_TOLD),
      repositories: holding.slice(0, HOLDERS_TOLD),
      hasMore: naming.length > HOLDERS_TOLD || holding.length > HOLDERS_TOLD,
    };
  });
}

async function removeSoon(tx: Transaction): Promise<void> {
  await addJob(tx, { kind: REMOVE_NOW_JOB, key: REMOVE_NOW_JOB, arguments: '{}', runAt: 0 });
}

/** About `limit` rows more of what is being purged. @returns whether nothing is left. */
async function purgePlaceBatch(
  tx: Transaction,
  { id, path, limit }: { id: number; path: string; limit: number },
): Promise<boolean> {
  const repository = await nextRepositoryAt(tx, { path, after: 0 });
  if (repository !== undefined) {
    await purgeRepositoryBatch(tx, { repository, limit });
    return false;
  }
  await dropHanging(tx, path);
  await removeTrashItem(tx, id);
  return true;
}

/** @returns bytes that are let go. */
async function removeBlobsNow(
  tx: Transaction,
  { blobs }: { blobs: readonly number[] },
): Promise<number> {
  const { keys, bytes } = await removeNow(tx, blobs);
  if (keys.length > 0) await removeSoon(tx);
  return bytes;
}
