// Manifests that tags are to return to: still there with all their parts, in the trash, or gone.

import type { Actor } from '../../metadata/audit.ts';
import { findBlobId } from '../../metadata/blobs.ts';
import { lostBelow, type MissingPart } from '../../metadata/closure.ts';
import { holdManifests } from '../../metadata/liveness.ts';
import { findManifestState, undeleteManifest } from '../../metadata/manifests.ts';
import { announce } from '../../metadata/outbox.ts';
import type { RepositoryId } from '../../metadata/repositories.ts';
import type { Transaction } from '../../metadata/sql.ts';
import { forgetTrashed } from '../../metadata/trash.ts';
import type { UsageTally } from '../../metadata/usage.ts';
import type { Digest } from '../../oci/digest.ts';
import type { TagTarget } from '../../registry/change-tags.ts';

/** Parts named when some are missing. */
const PARTS_SHOWN = 5;
/** Manifests that one call takes out of the trash: an index has fewer children. */
const MOST_REVIVED = 200;

interface Key {
  readonly repository: RepositoryId;
  readonly digest: Digest;
}

interface Revived extends Key {
  readonly actor: Actor;
}

/** @returns why a tag cannot point there, as a part of a sentence. The repository is kept by the caller. */
export async function findTarget(tx: Transaction, key: Key): Promise<TagTarget | string> {
  const { repository, digest } = key;
  const blob = await findBlobId(tx, digest);
  const state = blob === undefined ? undefined : await findManifestState(tx, { repository, blob });
  if (blob === undefined || state === undefined) return `${digest} is gone for good`;
  if (state.deletedAt !== null) return `${digest} is in the trash: restore it first`;
  const missing = await missingBelow(tx, key);
  if (missing.length > 0) return `${digest} has lost ${showParts(missing)}`;
  return { manifest: state.id, blob, digest };
}

function missingBelow(tx: Transaction, { repository, digest }: Key): Promise<MissingPart[]> {
  return lostBelow(tx, { repository, digests: [digest], limit: PARTS_SHOWN });
}

function showParts(missing: readonly MissingPart[]): string {
  return missing.map(({ kind, digest }) => `the ${kind} ${digest}`).join(', ');
}

/** Takes a manifest out of the trash. @returns why not, as a part of a sentence. */
export async function reviveManifest(
  tx: Transaction,
  { repository, digest, actor }: Revived,
  tally: UsageTally,
): Promise<string | undefined> {
  const blob = await findBlobId(tx, digest);
  const state = blob === undefined ? undefined : await findManifestState(tx, { repository, blob });
  if (state === undefined) return `${digest} is gone for good`;
  if (state.deletedAt === null) return `${digest} is not in the trash any more`;
  await undeleteManifest(tx, { repository, manifest: state.id });
  await forgetTrashed(tx, { repository, kind: 'manifest', digest });
  await holdManifests(tx, { repository, manifests: [state.id] }, tally);
  await announce(tx, { kind: 'restore-manifest', repository, actor: actor.name, digest });
  return undefined;
}

/** Takes a manifest out of the trash, and what it names from there too. Without effect for what is gone. */
export async function reviveWhole(tx: Transaction, key: Revived, tally: UsageTally): Promise<void> {
  const { repository, actor } = key;
  let wanted: readonly Digest[] = [key.digest];
  for (let revived = 0, round = 0; revived < MOST_REVIVED; round += 1) {
    let fresh = 0;
    for (const digest of wanted) {
      if ((await reviveManifest(tx, { repository, digest, actor }, tally)) === undefined)
        fresh += 1;
    }
    revived += fresh;
    // The first may be there, with a part of it in the trash.
    if (fresh === 0 && round > 0) return;
    const missing = await missingBelow(tx, key);
    wanted = missing.filter(({ kind }) => kind === 'manifest').map(({ digest }) => digest);
    if (wanted.length === 0) return;
  }
}
