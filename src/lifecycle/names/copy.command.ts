// Images copied between repositories: one batch in one transaction, whole or not at all. That the one who asks
// may pull from the source was asked before; the source is looked at again here.
import { type Actor, recordAct } from '../../metadata/audit.ts';
import { lostBelow } from '../../metadata/closure.ts';
import { synced } from '../../metadata/command.ts';
import {
  type CopySource,
  copyManifestReferences,
  copyRights,
  copySources,
  referrerDescriptor,
} from '../../metadata/copy.ts';
import { beginRelease, holdManifests } from '../../metadata/liveness.ts';
import { findManifestState, storeManifest, storeReferrer } from '../../metadata/manifests.ts';
import { announce } from '../../metadata/outbox.ts';
import { ensureRepository, keepRepository, listRepository } from '../../metadata/repositories.ts';
import type { Transaction } from '../../metadata/sql.ts';
import { ensureTag } from '../../metadata/tags.ts';
import { forgetTrashed } from '../../metadata/trash.ts';
import { settleUsage, UsageTally } from '../../metadata/usage.ts';
import type { Digest } from '../../oci/digest.ts';
import { RegistryError } from '../../oci/errors.ts';
import type { RepositoryName } from '../../oci/repository-name.ts';
import type { Tag } from '../../oci/tag.ts';
import { changeTags } from '../../registry/change-tags.ts';
import type { Guards } from '../../registry/guards.ts';

export interface CopyBatch {
  readonly from: RepositoryName;
  readonly to: RepositoryName;
  /** Manifests of this batch; what they hold came with an earlier one, or is among them. */
  readonly digests: readonly Digest[];
  /** Tags for one of them, in the last batch. */
  readonly tags: readonly Tag[];
  readonly tagged: Digest;
  readonly actor: Actor;
}

/** Parts named in a refusal. */
const MISSING_SHOWN = 20;

/**
 * @returns sentences that the client should hear.
 * @throws RegistryError NAME_UNKNOWN, MANIFEST_UNKNOWN, MANIFEST_BLOB_UNKNOWN; what a guard throws.
 */
export function copyBatchCommand(guards: Guards) {
  return synced(async (tx: Transaction, batch: CopyBatch): Promise<readonly string[]> => {
    const { from, to: name, digests, actor } = batch;
    const source = await keepRepository(tx, from);
    if (source === undefined) {
      throw new RegistryError('NAME_UNKNOWN', `There is no repository "${from}".`);
    }
    const repository = await ensureRepository(tx, name);
    if (batch.tags.length > 0) await beginRelease(tx, repository);
    const sources = await copySources(tx, { repository: source, digests });
    if (sources.length < digests.length) {
      throw new RegistryError(
        'MANIFEST_UNKNOWN',
        `A part of the image was deleted from "${from}" meanwhile. Copy it again.`,
      );
    }
    const tally = new UsageTally();
    const manifests = sources.map(({ id }) => id);
    tally.add(await copyRights(tx, { from: { repository: source, manifests }, to: repository }));
    const copied = new Map<Digest, { manifest: number; blob: number }>();
    for (const one of sources) {
      const manifest = await copyManifest(tx, { one, source, repository });
      copied.set(one.digest, { manifest, blob: one.blobId });
    }
    await refuseIncomplete(tx, { repository, batch });
    if (await listRepository(tx, repository)) tally.repositories += 1;
    const ids = [...copied.values()].map(({ manifest }) => manifest);
    await holdManifests(tx, { repository, manifests: ids }, tally);
    for (const { digest, mediaType } of sources) {
      await announce(tx, { kind: 'push', repository, actor: actor.name, digest, mediaType });
    }
    await tagCopied(tx, guards, { batch, repository, copied, tally });
    const detail = { from, tags: batch.tags, manifests: digests.length };
    const target = `${name}@${batch.tagged}`;
    await recordAct(tx, { actor, action: 'manifest.copy', target, detail });
    return guards.afterGrowth(tx, await settleUsage(tx, { name, tally }));
  });
}

async function copyManifest(
  tx: Transaction,
  { one, source, repository }: { one: CopySource; source: number; repository: number },
): Promise<number> {
  const { blobId: blob, mediaType, digest, subject } = one;
  const before = await findManifestState(tx, { repository, blob });
  const manifest = await storeManifest(tx, {
    repository,
    blob,
    mediaType,
    artifactType: one.artifactType ?? undefined,
    subject: subject ?? undefined,
  });
  await copyManifestReferences(tx, { from: one.id, to: manifest, repository });
  if (before !== undefined && before.deletedAt !== null) {
    await forgetTrashed(tx, { repository, kind: 'manifest', digest });
  }
  if (subject === null) return manifest;
  const row = await referrerDescriptor(tx, { repository: source, subject, manifest: one.id });
  if (row !== undefined) {
    const artifactType = row.artifactType ?? undefined;
    const { descriptor } = row;
    await storeReferrer(tx, { repository, subject, manifest, artifactType, descriptor });
  }
  return manifest;
}

async function refuseIncomplete(
  tx: Transaction,
  { repository, batch }: { repository: number; batch: CopyBatch },
): Promise<void> {
  const { digests, from } = batch;
  const [first] = await lostBelow(tx, { repository, digests, limit: MISSING_SHOWN });
  if (first === undefined) return;
  throw new RegistryError(
    'MANIFEST_BLOB_UNKNOWN',
    `The image is not whole: "${from}" lacks the ${first.kind} ${first.digest}. Push it there again, and copy it then.`,
    { missing: [first.digest] },
  );
}

async function tagCopied(
  tx: Transaction,
  guards: Guards,
  copy: {
    batch: CopyBatch;
    repository: number;
    copied: ReadonlyMap<Digest, { manifest: number; blob: number }>;
    tally: UsageTally;
  },
): Promise<void> {
  const { batch, repository, copied, tally } = copy;
  const { to: name, actor, tagged: digest } = batch;
  const target = copied.get(digest);
  if (target === undefined) return;
  const moves = [];
  for (const tag of [...new Set(batch.tags)].sort()) {
    moves.push({ tag: await ensureTag(tx, { repository, name: tag }), to: { ...target, digest } });
  }
  const cause = 'copy';
  await changeTags(tx, guards, { repository, name, actor, cause, moves, tally });
}
