// Removes manifests whose time is over, with all that must go with them: within one transaction that holds
// the repository's lock.

import { SYSTEM } from '../../metadata/audit.ts';
import {
  holdersOf,
  type ManifestTimes,
  manifestTimes,
  postponeManifestTo,
  takeForCollection,
} from '../../metadata/collection.ts';
import { addToRun } from '../../metadata/collection-runs.ts';
import {
  heldByTagOrLease,
  holdManifests,
  manifestsBelow,
  releaseManifests,
} from '../../metadata/liveness.ts';
import type { ManifestId } from '../../metadata/manifests.ts';
import { announce } from '../../metadata/outbox.ts';
import { purgeManifests, withdrawManifests } from '../../metadata/purge.ts';
import type { RepositoryId } from '../../metadata/repositories.ts';
import { tagsAbout } from '../../metadata/signature-tags.ts';
import type { Transaction } from '../../metadata/sql.ts';
import { lockTag } from '../../metadata/tags.ts';
import { settleUsage, UsageTally } from '../../metadata/usage.ts';
import { type Digest, referrersTag } from '../../oci/digest.ts';
import type { RepositoryName } from '../../oci/repository-name.ts';
import { changeTags } from '../../registry/change-tags.ts';
import { NO_GUARDS } from '../../registry/guards.ts';

/** `isBusy`: somebody was at work there, nothing was looked at. */
export interface Collected {
  readonly isBusy: boolean;
  readonly gone: number;
}

export interface CollectManifests {
  readonly repository: RepositoryId;
  readonly manifests: readonly ManifestId[];
  /** Released or deleted before that (ms): the time to return to it is over. */
  readonly before: number;
  /** And up to that, because history and trash take too much of the disk; 0 = they do not. */
  readonly early: number;
}

/** Removed in one transaction: each has some ten references. */
const MOST_AT_ONCE = 200;

export async function collectManifests(
  tx: Transaction,
  collect: CollectManifests,
): Promise<Collected> {
  const { repository } = collect;
  const name = await takeForCollection(tx, repository);
  if (name === undefined) return { isBusy: true, gone: 0 };
  const tally = new UsageTally();
  const { going, kept } = await findGoing(tx, collect);
  await keep(tx, { repository, kept }, tally);
  const ids = [...going.keys()];
  const now = ids.slice(0, MOST_AT_ONCE);
  // Each of the rest may lack a part from here on.
  if (ids.length > now.length) {
    await withdrawManifests(tx, { repository, manifests: ids.slice(now.length) });
  }
  const below = await manifestsBelow(tx, { repository, manifests: now });
  const purged = await purgeManifests(tx, { repository, manifests: now });
  tally.remove(purged.blobs);
  const left = below.filter((id) => !going.has(id));
  await untagSignatures(tx, { repository, name, digests: purged.digests, tally });
  // Live until now, so it has its own time from now on.
  await releaseManifests(tx, { repository, manifests: left }, tally);
  await record(
    tx,
    collect,
    now.map((id) => going.get(id) as ManifestTimes),
  );
  await settleUsage(tx, { name, tally });
  return { isBusy: false, gone: now.length };
}

/**
 * Tags that keep signatures of what is gone for good go to the trash: nothing else would ever take them away.
 * They have their own time there, because a tag is somebody's wish, and comes back like any other.
 */
async function untagSignatures(
  tx: Transaction,
  gone: {
    repository: RepositoryId;
    name: string;
    digests: readonly Digest[];
    tally: UsageTally;
  },
): Promise<void> {
  const { repository, tally } = gone;
  const name = gone.name as RepositoryName;
  for (const digest of gone.digests) {
    const moves = [];
    for (const tag of await tagsAbout(tx, { repository, base: referrersTag(digest) })) {
      const state = await lockTag(tx, { repository, name: tag });
      if (state !== undefined) moves.push({ tag: state, to: undefined });
    }
    if (moves.length === 0) continue;
    const change = { repository, name, actor: SYSTEM, cause: 'retention', moves, tally } as const;
    await changeTags(tx, NO_GUARDS, change);
  }
}

async function record(
  tx: Transaction,
  { repository, before, early }: CollectManifests,
  gone: readonly ManifestTimes[],
): Promise<void> {
  const trashed = gone.filter(({ deletedAt }) => deletedAt !== null).length;
  const shortened = gone.filter((times) => (sinceOf(times) ?? 0) >= before).length;
  await addToRun(tx, {
    releasedManifests: gone.length - trashed,
    trashedManifests: trashed,
    earlyManifests: shortened,
  });
  if (shortened === 0) return;
  const kind = 'trash-shortened';
  await announce(tx, { kind, repository, actor: 'system', manifests: shortened, until: early });
}

/** Since when it is not live; null = it is. */
function sinceOf({ deletedAt, releasedAt }: ManifestTimes): number | null {
  return deletedAt ?? releasedAt;
}

/** Until when one must stay: the time of what holds it; Infinity = as long as that is live. */
type Kept = Map<ManifestId, { readonly until: number; readonly isReleased: boolean }>;

interface Found {
  readonly going: Map<ManifestId, ManifestTimes>;
  /** Of those asked for: what is held all the same. */
  readonly kept: Kept;
}

/**
 * Climbs to all that holds the manifests, in any state. One goes when everything above it goes too, in
 * circles also: an index that is the referrer of one of its children holds it and is held by it.
 */
async function findGoing(tx: Transaction, collect: CollectManifests): Promise<Found> {
  const { repository, before, early } = collect;
  const isDue = (times: ManifestTimes) => {
    const since = sinceOf(times);
    return since !== null && (since < before || since <= early);
  };
  const going = new Map<ManifestId, ManifestTimes>();
  for (const row of await manifestTimes(tx, collect)) if (isDue(row)) going.set(row.id, row);
  const asked = [...going.keys()];
  const until = new Map<ManifestId, number>();
  const holds = new Map<ManifestId, ManifestId[]>();
  // What was deleted by hand goes whatever still names it: nobody has seen it there since.
  let level = asked.filter((id) => going.get(id)?.deletedAt === null);
  while (level.length > 0) {
    const next: ManifestId[] = [];
    for (const { id, holder, ...times } of await holdersOf(tx, { repository, manifests: level })) {
      if (!isDue(times)) {
        until.set(id, Math.max(until.get(id) ?? 0, sinceOf(times) ?? Infinity));
        continue;
      }
      const held = holds.get(holder);
      if (held === undefined) holds.set(holder, [id]);
      else held.push(id);
      if (going.has(holder)) continue;
      going.set(holder, times);
      if (times.deletedAt === null) next.push(holder);
    }
    level = next;
  }
  const all = [...going.keys()];
  for (const id of await heldByTagOrLease(tx, { repository, manifests: all })) {
    until.set(id, Infinity);
  }
  return sort({ going, until, holds, asked });
}

function sort(found: {
  going: Map<ManifestId, ManifestTimes>;
  until: Map<ManifestId, number>;
  holds: Map<ManifestId, ManifestId[]>;
  asked: readonly ManifestId[];
}): Found {
  const { going, until, holds, asked } = found;
  const waiting = [...until.keys()];
  for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
    for (const below of holds.get(id) ?? []) {
      const longest = until.get(id) ?? 0;
      if ((until.get(below) ?? -1) >= longest) continue;
      until.set(below, longest);
      waiting.push(below);
    }
  }
  const kept: Kept = new Map();
  for (const id of asked) {
    const isReleased = going.get(id)?.deletedAt === null;
    if (until.has(id)) kept.set(id, { until: until.get(id) as number, isReleased });
  }
  for (const id of until.keys()) going.delete(id);
  return { going, kept };
}

/** What is held by something with a later time waits as long; what is live after all is made so. */
async function keep(
  tx: Transaction,
  { repository, kept }: { repository: RepositoryId; kept: Kept },
  tally: UsageTally,
): Promise<void> {
  const live: ManifestId[] = [];
  for (const [manifest, { until, isReleased }] of kept) {
    if (!isReleased) continue;
    if (until === Infinity) live.push(manifest);
    else await postponeManifestTo(tx, { manifest, at: until });
  }
  if (live.length > 0) await holdManifests(tx, { repository, manifests: live }, tally);
}
