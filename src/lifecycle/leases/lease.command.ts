// The transactions of leases: said anew, ended, let go. What a lease names is held from the transaction
// that adds it; what it names no more is handed to a lease that is over, and let go a few at a time.
import { type Actor, recordAct } from '../../metadata/audit.ts';
import { synced } from '../../metadata/command.ts';
import {
  addLeaseItems,
  countLeasesBy,
  deleteLease,
  endLeaseNow,
  keepLeasable,
  type LeaseItem,
  leaseItems,
  lockLease,
  moveLeaseItems,
  nextEndedLease,
  removeLeaseItems,
  type StoredLease,
  someLeaseItems,
  writeLease,
} from '../../metadata/leases.ts';
import { holdManifests, nameForRelease, releaseManifests } from '../../metadata/liveness.ts';
import { keepRepository } from '../../metadata/repositories.ts';
import type { Transaction } from '../../metadata/sql.ts';
import { settleUsage, UsageTally } from '../../metadata/usage.ts';
import type { Digest } from '../../oci/digest.ts';
import { RegistryError } from '../../oci/errors.ts';
import type { RepositoryName } from '../../oci/repository-name.ts';
import { ITEMS_AT_ONCE, MOST_LEASES } from './lease-limits.ts';

export function leaseCommands() {
  return {
    putLease: synced(putLease),
    endLease: synced(endLease),
    releaseEndedLeases: synced((tx: Transaction, _: null) => releaseEndedLeases(tx)),
  };
}

export interface Leased {
  readonly repository: RepositoryName;
  readonly digest: Digest;
}

interface Asked {
  readonly name: string;
  readonly actor: Actor;
  /** Repositories that the one who asks manages, of those that the lease names. */
  readonly managed: readonly string[];
}

export interface PutLease extends Asked {
  readonly ttlMs: number;
  readonly items: readonly Leased[];
  readonly detail: string;
}

/** @throws RegistryError NOT_FOUND for what is gone, CONFLICT for a name that is another's. */
async function putLease(tx: Transaction, put: PutLease): Promise<void> {
  const { name, actor, detail, items } = put;
  const now = await tx.now();
  const known = await lockLease(tx, name);
  await checkOwner(tx, { put, known, now });
  const { principal } = actor;
  const expiresAt = now + put.ttlMs;
  const id = await writeLease(tx, { name, principal, actor: actor.name, detail, expiresAt });
  const before = known === undefined ? [] : await leaseItems(tx, known.id);
  const had = new Set(before.map((item) => keyOf(item)));
  const wanted = new Set(items.map(({ repository, digest }) => `${repository}@${digest}`));
  const added = items.filter(({ repository, digest }) => !had.has(`${repository}@${digest}`));
  const removed = before.filter((item) => !wanted.has(keyOf(item)));
  await addItems(tx, { lease: id, added });
  await handOver(tx, { lease: id, removed, actor });
  if (known !== undefined && added.length === 0 && removed.length === 0) return;
  await recordAct(tx, {
    actor,
    action: 'lease.put',
    target: `lease ${name}`,
    detail: {
      items: wanted.size,
      added: added.length,
      removed: removed.length,
      until: new Date(expiresAt).toISOString(),
    },
  });
}

async function checkOwner(
  tx: Transaction,
  { put, known, now }: { put: PutLease; known: StoredLease | undefined; now: number },
): Promise<void> {
  const { principal } = put.actor;
  if (known !== undefined && known.expiresAt > now && known.principal !== principal) {
    if (await managesAll(tx, known, put.managed)) return;
    throw new RegistryError(
      'CONFLICT',
      `There is a lease "${put.name}" already, of somebody else. Choose another name, such as one that begins with that of your cluster.`,
    );
  }
  if (known !== undefined) return;
  if ((await countLeasesBy(tx, { principal, now })) < MOST_LEASES) return;
  throw new RegistryError(
    'CONFLICT',
    `You have ${MOST_LEASES} leases already, and nobody may have more. End some, or name more in one lease.`,
  );
}

async function managesAll(
  tx: Transaction,
  lease: StoredLease,
  managed: readonly string[],
): Promise<boolean> {
  const names = new Set(managed);
  return (await leaseItems(tx, lease.id)).every(({ name }) => names.has(name));
}

function keyOf({ name, digest }: LeaseItem): string {
  return `${name}@${digest}`;
}

/** Repositories by name, so that two of these never wait for each other in a circle. */
async function addItems(
  tx: Transaction,
  { lease, added }: { lease: number; added: readonly Leased[] },
): Promise<void> {
  const tallies: { name: string; tally: UsageTally }[] = [];
  for (const [name, of] of byRepository(added, ({ repository }) => repository)) {
    const digests = [...new Set(of.map(({ digest }) => digest))];
    const repository = await keepRepository(tx, name as RepositoryName);
    const found = repository === undefined ? [] : await keepLeasable(tx, { repository, digests });
    const have = new Set(found.map(({ digest }) => digest));
    const missing = digests.find((digest) => !have.has(digest));
    if (repository === undefined || missing !== undefined) {
      throw new RegistryError(
        'NOT_FOUND',
        `There is no manifest ${missing ?? digests[0]} in "${name}".`,
      );
    }
    const tally = new UsageTally();
    await addLeaseItems(tx, { lease, repository, blobs: found.map(({ blobId }) => blobId) });
    await holdManifests(tx, { repository, manifests: found.map(({ id }) => id) }, tally);
    tallies.push({ name, tally });
  }
  for (const { name, tally } of tallies) await settleUsage(tx, { name, tally });
}

/** What is not wanted any more goes to a lease of its own, which is over. No other has a name with `~`. */
async function handOver(
  tx: Transaction,
  { lease, removed, actor }: { lease: number; removed: readonly LeaseItem[]; actor: Actor },
): Promise<void> {
  if (removed.length === 0) return;
  const { principal, name } = actor;
  const expiresAt = await tx.now();
  const over = { name: `~${lease}`, principal, actor: name, detail: '', expiresAt };
  const to = await writeLease(tx, over);
  for (const items of byRepository(removed, (item) => item.name).values()) {
    const [first] = items;
    if (first === undefined) continue;
    const { repository } = first;
    const blobs = items.map(({ blob }) => blob);
    // It may have the same from last time.
    await removeLeaseItems(tx, { lease: to, repository, blobs });
    await moveLeaseItems(tx, { from: lease, to, repository, blobs });
  }
}

export interface EndLease extends Asked {
  /** Only what it names there. */
  readonly repository?: string | undefined;
}

/** @throws RegistryError NOT_FOUND, DENIED. */
async function endLease(tx: Transaction, end: EndLease): Promise<void> {
  const { name, actor, repository } = end;
  const lease = await lockLease(tx, name);
  if (lease === undefined || lease.expiresAt <= (await tx.now())) throw noLease(name);
  const items = await leaseItems(tx, lease.id);
  const removed = items.filter((item) => repository === undefined || item.name === repository);
  const managed = new Set(end.managed);
  const isOwn = lease.principal === actor.principal;
  if (!isOwn && !removed.every((item) => managed.has(item.name))) {
    throw new RegistryError(
      'DENIED',
      `The lease "${name}" is of ${lease.actor}, and names repositories that you do not manage. End what it names in those that you do: entrepot lease end ${name} --in REPOSITORY`,
    );
  }
  if (repository === undefined) await endLeaseNow(tx, lease.id);
  else if (removed.length === 0) throw noLease(name);
  else await handOver(tx, { lease: lease.id, removed, actor });
  await recordAct(tx, {
    actor,
    action: 'lease.end',
    target: `lease ${name}`,
    detail: { of: lease.actor, items: removed.length, repository: repository ?? null },
  });
}

export function noLease(name: string): RegistryError {
  return new RegistryError('NOT_FOUND', `There is no lease "${name}".`);
}

/** Lets go of a few things that a lease which is over still holds. @returns whether there may be more. */
async function releaseEndedLeases(tx: Transaction): Promise<boolean> {
  const lease = await nextEndedLease(tx);
  if (lease === undefined) return false;
  const items = await someLeaseItems(tx, { lease: lease.id, limit: ITEMS_AT_ONCE });
  const tallies: { name: string; tally: UsageTally }[] = [];
  for (const of of byRepository(items, (item) => item.name).values()) {
    const [first] = of;
    if (first === undefined) continue;
    const { repository } = first;
    // It may just have got another name, and counts where it lies now.
    const name = (await nameForRelease(tx, repository)) ?? first.name;
    const blobs = of.map(({ blob }) => blob);
    const manifests = of.flatMap(({ manifest }) => (manifest === null ? [] : [manifest]));
    const tally = new UsageTally();
    await removeLeaseItems(tx, { lease: lease.id, repository, blobs });
    await releaseManifests(tx, { repository, manifests }, tally);
    tallies.push({ name, tally });
  }
  if (items.length < ITEMS_AT_ONCE) await deleteLease(tx, lease.id);
  for (const { name, tally } of tallies) await settleUsage(tx, { name, tally });
  return true;
}

/** In the order of the names. */
function byRepository<T>(items: readonly T[], nameOf: (item: T) => string): Map<string, T[]> {
  const sorted = [...new Set(items.map(nameOf))].sort();
  const groups = new Map(sorted.map((name): [string, T[]] => [name, []]));
  for (const item of items) groups.get(nameOf(item))?.push(item);
  return groups;
}
