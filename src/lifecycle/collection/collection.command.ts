// The transactions of the collector. Each takes its lock, looks again in new statements, and removes only
// what nothing holds at that moment. All are synced: a removal of bytes may follow, and no power cut may
// bring back a row whose bytes are gone. The argument: docs/decisions/0021-collection.md.
import { type Actor, recordAct } from '../../metadata/audit.ts';
import {
  emptyBlobRows,
  heldOf,
  markUnheld,
  takeUnheldBlobs,
  unmark,
} from '../../metadata/collected-blobs.ts';
import {
  dropRightsOf,
  holdRightsAgain,
  postponeRightTo,
  type RightState,
  rightStates,
  takeForCollection,
} from '../../metadata/collection.ts';
import { addToRun, endRun } from '../../metadata/collection-runs.ts';
import { relaxed, synced } from '../../metadata/command.ts';
import { addJob } from '../../metadata/jobs.ts';
import { queueRemoval } from '../../metadata/removals.ts';
import type { RepositoryId } from '../../metadata/repositories.ts';
import type { Transaction } from '../../metadata/sql.ts';
import { forgetTrashed } from '../../metadata/trash.ts';
import { forgetTagItems } from '../../metadata/trash-items.ts';
import { settleUsage, UsageTally } from '../../metadata/usage.ts';
import { type Collected, collectManifests } from './collect-manifests.ts';

export function collectionCommands() {
  return {
    collectManifests: synced(collectManifests),
    collectRights: synced(collectRights),
    collectBlobs: synced(collectBlobs),
    // Lost, it is done again.
    collectTagItems: relaxed(collectTagItems),
    startCollection: synced(startCollection),
    /** The clock by which rows are dated; the node's own may go wrong. */
    tellTime: relaxed((tx: Transaction, _nothing: null) => tx.now()),
    endCollectionRun: synced((tx: Transaction) => endRun(tx)),
  };
}

export type CollectionCommands = ReturnType<typeof collectionCommands>;

/** The job that runs the collector at once, once. */
export const COLLECT_NOW_JOB = 'collect-now';

/** On behalf of somebody who does not wait for its turn. */
async function startCollection(tx: Transaction, { actor }: { actor: Actor }): Promise<void> {
  await addJob(tx, { kind: COLLECT_NOW_JOB, key: COLLECT_NOW_JOB, arguments: '{}', runAt: 0 });
  await recordAct(tx, { actor, action: 'collection.start', target: 'garbage collection' });
}

/**
 * A removal waits so long: whoever has found the key may still be about to open it. Where clients are sent
 * to the object store with an address of limited life, that life belongs on top.
 */
const BEFORE_REMOVAL_MS = 60_000;
/** What should go and cannot yet is looked at again after so long. */
const AGAIN_MS = 3_600_000;

export interface CollectRights {
  readonly repository: RepositoryId;
  readonly blobs: readonly number[];
  /** Unheld since before that (ms): the time of grace is over. */
  readonly unheldBefore: number;
  /** Deleted before that (ms): the time in the trash is over. */
  readonly deletedBefore: number;
  readonly graceMs: number;
  readonly windowMs: number;
}

/** Takes away a repository's rights to blobs that none of its manifests names, in any state. */
async function collectRights(tx: Transaction, collect: CollectRights): Promise<Collected> {
  const { repository, unheldBefore } = collect;
  const name = await takeForCollection(tx, repository);
  if (name === undefined) return { isBusy: true, gone: 0 };
  const states = await rightStates(tx, collect);
  const due = states.filter(({ unheldSince }) => (unheldSince ?? Infinity) < unheldBefore);
  const tally = new UsageTally();
  const held = due.filter(({ deletedAt, isLive }) => deletedAt === null && isLive);
  if (held.length > 0) {
    await holdRightsAgain(tx, { repository, blobs: held.map(({ id }) => id) });
    tally.add(held);
  }
  const others = due.filter((right) => !held.includes(right));
  const wanted: RightState[] = [];
  for (const right of others) {
    const to = lookAgainAt(right, collect);
    if (to === undefined) wanted.push(right);
    else {
      const from = right.unheldSince as number;
      await postponeRightTo(tx, { repository, blob: right.id, from, to });
    }
  }
  const ids = wanted.map(({ id }) => id);
  const gone = new Set(await dropRightsOf(tx, { repository, blobs: ids, before: unheldBefore }));
  const dropped = wanted.filter(({ id }) => gone.has(id));
  for (const { digest, deletedAt } of dropped) {
    if (deletedAt !== null) await forgetTrashed(tx, { repository, kind: 'blob', digest });
  }
  await markUnheld(tx, [...gone]);
  tally.remove(dropped.filter(({ isCounted, deletedAt }) => isCounted && deletedAt === null));
  const rightBytes = dropped.reduce((sum, { size }) => sum + size, 0);
  await addToRun(tx, { rights: dropped.length, rightBytes });
  await settleUsage(tx, { name, tally });
  return { isBusy: false, gone: dropped.length };
}

/**
 * The new `unheld_since` of a right that must stay: such that it is due when what names it has had its time,
 * so that it is not looked at in every run until then. Undefined: it may go now.
 */
function lookAgainAt(right: RightState, collect: CollectRights): number | undefined {
  const { unheldBefore, deletedBefore, graceMs, windowMs } = collect;
  const { deletedAt, lastNamed, isLeased } = right;
  const soon = unheldBefore + AGAIN_MS;
  const after = (at: number) => Math.max(at + windowMs - graceMs, soon);
  if (isLeased) return soon;
  // Deleted by hand: gone for everybody, also for the manifests that named it.
  if (deletedAt !== null) return deletedAt < deletedBefore ? undefined : after(deletedAt);
  return lastNamed === null ? undefined : after(lastNamed);
}

/** Gives up the bytes of blobs that no repository, manifest or lease holds. */
async function collectBlobs(
  tx: Transaction,
  { blobs }: { blobs: readonly number[] },
): Promise<Collected> {
  const taken = await takeUnheldBlobs(tx, blobs);
  if (taken.length === 0) return { isBusy: false, gone: 0 };
  const ids = taken.map(({ id }) => id);
  const held = await heldOf(tx, ids);
  await unmark(
    tx,
    ids.filter((id) => held.has(id)),
  );
  const free = taken.filter(({ id }) => !held.has(id));
  const notBefore = (await tx.now()) + BEFORE_REMOVAL_MS;
  let [payloadBytes, storedBytes] = [0, 0];
  for (const { storageKey, size, state } of free) {
    if (storageKey === null) payloadBytes += state === 'stored' ? size : 0;
    else {
      await queueRemoval(tx, { kind: 'content', key: storageKey, notBefore, size });
      storedBytes += size;
    }
  }
  await emptyBlobRows(
    tx,
    free.map(({ id }) => id),
  );
  const stored = free.filter(({ state }) => state === 'stored').length;
  await addToRun(tx, { blobs: stored, payloadBytes, storedBytes });
  return { isBusy: false, gone: free.length };
}

/** Names of deleted tags that nobody can have back from the trash any more: they are free from then on. */
async function collectTagItems(
  tx: Transaction,
  { items }: { items: readonly number[] },
): Promise<Collected> {
  return { isBusy: false, gone: await forgetTagItems(tx, items) };
}
