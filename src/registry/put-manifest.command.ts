// One transaction: manifest, references, tags, tag events, outbox. All of it or nothing.
import { type Actor, recordAct } from '../metadata/audit.ts';
import {
  ensureBlobRows,
  findBlobId,
  heldAsBlobs,
  keepPayload,
  storeBlob,
} from '../metadata/blobs.ts';
import { lostBelow, type MissingPart } from '../metadata/closure.ts';
import { synced } from '../metadata/command.ts';
import { beginRelease, holdManifests } from '../metadata/liveness.ts';
import {
  findManifestByDigest,
  findManifestState,
  heldAsManifests,
  type ManifestId,
  storeManifest,
  storeReferences,
  storeReferrer,
} from '../metadata/manifests.ts';
import { announce } from '../metadata/outbox.ts';
import { ensureRepository, listRepository, type RepositoryId } from '../metadata/repositories.ts';
import type { Transaction } from '../metadata/sql.ts';
import { ensureTag, type TagState } from '../metadata/tags.ts';
import { forgetTrashed } from '../metadata/trash.ts';
import { settleUsage, UsageTally } from '../metadata/usage.ts';
import { etagOf, ifMatchHolds, ifNoneMatchHolds } from '../oci/condition.ts';
import type { Digest } from '../oci/digest.ts';
import { RegistryError } from '../oci/errors.ts';
import type { ManifestReference } from '../oci/manifest.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import type { Tag } from '../oci/tag.ts';
import { changeTags } from './change-tags.ts';
import type { Guards } from './guards.ts';

/** Which parts a manifest may name that the repository does not hold. */
export type MissingParts = 'refuse' | 'index-children' | 'any';

/** If-Match and If-None-Match as they were sent; null = absent. */
export interface WriteCondition {
  readonly ifMatch: string | null;
  readonly ifNoneMatch: string | null;
}

export interface PutManifest {
  readonly repository: RepositoryName;
  readonly actor: Actor;
  readonly digest: Digest;
  readonly bytes: Uint8Array;
  readonly mediaType: string;
  readonly artifactType: string | undefined;
  readonly subject: Digest | undefined;
  readonly references: readonly ManifestReference[];
  /** The descriptor for listings of referrers, as JSON; undefined without a subject. */
  readonly descriptor: string | undefined;
  readonly tags: readonly Tag[];
  readonly missingParts: MissingParts;
  readonly condition: WriteCondition;
}

/**
 * @returns sentences that the client should hear.
 * @throws RegistryError MANIFEST_BLOB_UNKNOWN, naming the parts; PRECONDITION_FAILED; what a guard throws.
 */
export function putManifestCommand(guards: Guards) {
  return synced(async (tx: Transaction, push: PutManifest): Promise<readonly string[]> => {
    const repository = await ensureRepository(tx, push.repository);
    const tags = await lockTags(tx, repository, push.tags);
    await checkCondition(tx, push, tags);
    await checkParts(tx, repository, push);

    const blob = await storeBlob(tx, {
      digest: push.digest,
      size: push.bytes.length,
      place: { payload: push.bytes },
    });
    if (!blob.isNew) await keepPayload(tx, { blob: blob.id, bytes: push.bytes });
    const subject = await storeParts(tx, push);
    const before = await findManifestState(tx, { repository, blob: blob.id });
    const manifest = await storeManifest(tx, {
      repository,
      blob: blob.id,
      mediaType: push.mediaType,
      artifactType: push.artifactType,
      subject,
    });
    await storeReferencesByKind(tx, { repository, parent: manifest }, push.references);
    if (subject !== undefined && push.descriptor !== undefined) {
      const { artifactType, descriptor } = push;
      await storeReferrer(tx, { repository, subject, manifest, artifactType, descriptor });
    }
    const tally = new UsageTally();
    if (await listRepository(tx, repository)) tally.repositories += 1;
    const { digest, mediaType, actor, repository: name } = push;
    await announce(tx, { kind: 'push', repository, actor: actor.name, digest, mediaType });
    if (before !== undefined && before.deletedAt !== null) {
      await forgetTrashed(tx, { repository, kind: 'manifest', digest });
    }
    const leaves = tags.some((tag) => tag.digest !== undefined && tag.digest !== digest);
    if (leaves) await beginRelease(tx, repository);
    await holdManifests(tx, { repository, manifests: [manifest] }, tally);
    await changeTags(tx, guards, {
      repository,
      name,
      actor,
      cause: 'push',
      moves: tags.map((tag) => ({ tag, to: { manifest, blob: blob.id, digest } })),
      tally,
    });
    await recordAct(tx, {
      actor: push.actor,
      action: 'manifest.push',
      target: `${push.repository}@${digest}`,
      detail: { tags: push.tags, mediaType },
    });
    return guards.afterGrowth(tx, await settleUsage(tx, { name, tally }));
  });
}

/** In byte order, so that two pushes of the same tags never wait for each other in a circle. */
async function lockTags(
  tx: Transaction,
  repository: RepositoryId,
  names: readonly Tag[],
): Promise<TagState[]> {
  const tags: TagState[] = [];
  for (const name of [...new Set(names)].sort()) {
    tags.push(await ensureTag(tx, { repository, name }));
  }
  return tags;
}

/** Conditions look at what the address of the request names: each tag, or the manifest. */
async function checkCondition(
  tx: Transaction,
  push: PutManifest,
  tags: readonly TagState[],
): Promise<void> {
  const { ifMatch, ifNoneMatch } = push.condition;
  if (ifMatch === null && ifNoneMatch === null) return;
  const currents = tags.map((tag) => tag.digest);
  if (tags.length === 0) currents.push((await findManifestByDigest(tx, push))?.digest);
  for (const current of currents) {
    const etag = current && etagOf(current);
    if (ifMatchHolds(ifMatch, etag) && ifNoneMatchHolds(ifNoneMatch, etag)) continue;
    throw new RegistryError(
      'PRECONDITION_FAILED',
      current === undefined
        ? 'The condition does not hold: there is nothing at this reference yet. Nothing was changed.'
        : `The condition does not hold: this reference is at ${current} now. Nothing was changed.`,
      { current: current ?? null },
    );
  }
}

async function checkParts(
  tx: Transaction,
  repository: RepositoryId,
  push: PutManifest,
): Promise<void> {
  if (push.missingParts === 'any') return;
  const needed = push.references.filter(
    (part) =>
      part.kind !== 'subject' &&
      !part.foreign &&
      !(part.kind === 'manifest' && push.missingParts === 'index-children'),
  );
  if (needed.length === 0) return;
  const digests = needed.map((part) => part.digest);
  const blobs = await heldAsBlobs(tx, { repository, digests });
  let missing: readonly MissingPart[] = needed.filter((part) => !blobs.has(part.digest));
  if (missing.some((part) => part.kind === 'manifest')) {
    // The child of an index is a manifest, or, in the cache that buildx keeps, a blob (buildkit#1143).
    const children = missing.map((part) => part.digest);
    const manifests = await heldAsManifests(tx, { repository, digests: children });
    missing = missing.filter((part) => part.kind !== 'manifest' || !manifests.has(part.digest));
  }
  if (missing.length === 0 && push.missingParts === 'refuse') {
    // A child that is there may have lost a part while nothing tagged needed it.
    const children = needed.filter((part) => part.kind === 'manifest').map((part) => part.digest);
    if (children.length > 0) {
      missing = await lostBelow(tx, { repository, digests: children, limit: MISSING_SHOWN });
    }
  }
  if (missing.length > 0) throw missingPartsError(push.repository, missing);
}

/** Parts named in an error: enough to act on, and a bounded answer. */
const MISSING_SHOWN = 20;

function missingPartsError(
  repository: RepositoryName,
  missing: readonly MissingPart[],
): RegistryError {
  const first = missing[0] as MissingPart;
  const more = missing.length > 1 ? ` and ${missing.length - 1} more` : '';
  const missingShown = missing.slice(0, MISSING_SHOWN).map((part) => part.digest);
  return new RegistryError(
    'MANIFEST_BLOB_UNKNOWN',
    `The manifest names the ${first.kind} ${first.digest}${more}, which "${repository}" does not hold. Push it there first, or mount it from where it is.`,
    { missing: missingShown },
  );
}

/** Makes a row for each part, held or not. @returns the row of the subject. */
async function storeParts(tx: Transaction, push: PutManifest): Promise<number | undefined> {
  if (push.references.length > 0) {
    await ensureBlobRows(
      tx,
      push.references.map((part) => part.digest),
    );
  }
  return push.subject === undefined ? undefined : findBlobId(tx, push.subject);
}

/** `foreign`: a layer that need not be here, so that nothing is refused for its sake. */
const KINDS = ['config', 'layer', 'manifest', 'subject', 'foreign'] as const;

async function storeReferencesByKind(
  tx: Transaction,
  above: { repository: RepositoryId; parent: ManifestId },
  references: readonly ManifestReference[],
): Promise<void> {
  for (const kind of KINDS) {
    const wanted = new Set(
      references
        .filter((part) => (part.foreign ? 'foreign' : part.kind) === kind)
        .map((part) => part.digest),
    );
    if (wanted.size === 0) continue;
    const digests = [...wanted];
    const added = await storeReferences(tx, { ...above, kind, digests });
    if (added === digests.length) continue;
    // A manifest that was here before, or a row that was taken away since it was looked at.
    await ensureBlobRows(tx, digests);
    await storeReferences(tx, { ...above, kind, digests });
  }
}
