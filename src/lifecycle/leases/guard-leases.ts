// What a lease forbids: that a manifest in use, or a part of one, is deleted, and that its tag is. Moving a
// tag is allowed: what it pointed at stays, held by the lease.
import { findBlobId } from '../../metadata/blobs.ts';
import { type Holding, leaseOn, leaseThatNeeds } from '../../metadata/leases.ts';
import type { Transaction } from '../../metadata/sql.ts';
import { RegistryError } from '../../oci/errors.ts';
import type { RepositoryName } from '../../oci/repository-name.ts';
import type { Deletion, TagChange } from '../../registry/guards.ts';

/** @throws RegistryError DENIED that names the lease, who holds it, and until when. */
export async function refuseDeletionOfLeased(tx: Transaction, deletion: Deletion): Promise<void> {
  const { repository, name, digest } = deletion;
  const blob = await findBlobId(tx, digest);
  if (blob === undefined) return;
  const lease = await leaseThatNeeds(tx, { repository, blob });
  if (lease === undefined) return;
  const how = lease.blob === blob ? 'in use' : 'part of what is in use';
  throw refusal({ repository: name, what: `${digest} of "${name}" is ${how}`, lease });
}

/** @throws RegistryError DENIED, as above. */
export async function refuseUntaggingOfLeased(tx: Transaction, change: TagChange): Promise<void> {
  const { repository, name, tag, from, to, isOverriding } = change;
  // Whoever overrides takes the name away and no more: the lease holds the image.
  if (from === undefined || to !== undefined || isOverriding) return;
  const blob = await findBlobId(tx, from);
  const lease = blob === undefined ? undefined : await leaseOn(tx, { repository, blob });
  if (lease === undefined) return;
  const what = `What the tag "${tag}" of "${name}" points to (${from}) is in use`;
  throw refusal({ repository: name, what, lease });
}

interface Refused {
  readonly repository: RepositoryName;
  readonly what: string;
  readonly lease: Holding;
}

function refusal({ repository, what, lease }: Refused): RegistryError {
  const { name, actor, expiresAt } = lease;
  const until = new Date(expiresAt).toISOString();
  return new RegistryError(
    'DENIED',
    `${what}: the lease "${name}" of ${actor} holds it until ${until}. Wait for its end, or have it ended by ${actor} or by whoever manages the repository: entrepot lease end ${name} --in ${repository}`,
    { lease: name, actor, until },
  );
}
