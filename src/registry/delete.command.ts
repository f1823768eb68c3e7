// Deleting: what is gone is gone at once on every path; rows and bytes stay for the trash.
// A kept tag never loses a part: what a tag needs is refused, and the tag is named.
import { type Actor, recordAct } from '../metadata/audit.ts';
import { findBlob, unlinkBlob } from '../metadata/blobs.ts';
import { tagsThatNeed } from '../metadata/closure.ts';
import { synced } from '../metadata/command.ts';
import { deleteManifest, findManifestByDigest } from '../metadata/manifests.ts';
import { announce } from '../metadata/outbox.ts';
import { keepRepository, lockRepository, type RepositoryId } from '../metadata/repositories.ts';
import type { Transaction } from '../metadata/sql.ts';
import { lockTag, tagsPointingAt } from '../metadata/tags.ts';
import { putInTrash } from '../metadata/trash.ts';
import { settleUsage, UsageTally } from '../metadata/usage.ts';
import type { Digest } from '../oci/digest.ts';
import { RegistryError } from '../oci/errors.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import type { Tag } from '../oci/tag.ts';
import { changeTags } from './change-tags.ts';
import type { Guards } from './guards.ts';

/** Tags named in a refusal. */
const TAGS_SHOWN = 5;

interface Deletion {
  readonly repository: RepositoryName;
  readonly actor: Actor;
}

/** Takes away a tag; its manifest stays. @throws RegistryError NAME_UNKNOWN, MANIFEST_UNKNOWN. */
export function deleteTagCommand(guards: Guards) {
  return synced(async (tx: Transaction, deletion: Deletion & { tag: Tag }): Promise<void> => {
    const { repository: name, tag, actor } = deletion;
    const repository = known(deletion, await keepRepository(tx, name));
    const state = await lockTag(tx, { repository, name: tag });
    if (state?.digest === undefined) {
      throw new RegistryError('MANIFEST_UNKNOWN', `"${name}" has no tag "${tag}".`);
    }
    const tally = new UsageTally();
    const moves = [{ tag: state, to: undefined }];
    const cause = 'delete-tag';
    await changeTags(tx, guards, { repository, name, actor, cause, moves, tally });
    await recordAct(tx, { actor, action: 'tag.delete', target: `${name}:${tag}` });
    await settleUsage(tx, { name, tally });
  });
}

/**
 * Takes away a manifest and its tags.
 * @throws RegistryError NAME_UNKNOWN, MANIFEST_UNKNOWN, DENIED for the part of a kept index.
 */
export function deleteManifestCommand(guards: Guards) {
  return synced(async (tx: Transaction, deletion: Deletion & { digest: Digest }): Promise<void> => {
    const { repository: name, digest, actor } = deletion;
    const repository = known(deletion, await lockRepository(tx, name));
    const manifest = await findManifestByDigest(tx, deletion);
    if (manifest === undefined) {
      throw new RegistryError('MANIFEST_UNKNOWN', `"${name}" has no manifest ${digest}.`);
    }
    await refuseWhenNeeded(tx, { repository, blob: manifest.blobId, what: `manifest ${digest}` });
    await guards.beforeDelete(tx, { repository, name, digest });
    const cause = 'delete-manifest';
    const tags = await tagsPointingAt(tx, manifest.id);
    const moves = [];
    for (const tag of tags) {
      const state = await lockTag(tx, { repository, name: tag });
      if (state !== undefined) moves.push({ tag: state, to: undefined });
    }
    await deleteManifest(tx, { repository, manifest: manifest.id });
    await putInTrash(tx, { kind: 'manifest', path: name, repository, digest, actor, cause });
    const tally = new UsageTally();
    const deleted = [manifest.id];
    await changeTags(tx, guards, { repository, name, actor, cause, moves, deleted, tally });
    await announce(tx, { kind: 'delete-manifest', repository, actor: actor.name, digest });
    const target = `${name}@${digest}`;
    await recordAct(tx, { actor, action: 'manifest.delete', target, detail: { tags } });
    await settleUsage(tx, { name, tally });
  });
}

/**
 * Takes away a repository's right to a blob.
 * @throws RegistryError BLOB_UNKNOWN, DENIED when a kept manifest of the repository names it.
 */
export function deleteBlobCommand(guards: Guards) {
  return synced(async (tx: Transaction, deletion: Deletion & { digest: Digest }): Promise<void> => {
    const { repository: name, digest, actor } = deletion;
    const repository = known(deletion, await lockRepository(tx, name));
    const blob = await findBlob(tx, deletion);
    if (blob === undefined) {
      throw new RegistryError('BLOB_UNKNOWN', `"${name}" has no blob ${digest}.`);
    }
    await refuseWhenNeeded(tx, { repository, blob: blob.id, what: `blob ${digest}` });
    await guards.beforeDelete(tx, { repository, name, digest });
    await unlinkBlob(tx, { repository, blob: blob.id });
    const cause = 'delete-blob';
    await putInTrash(tx, { kind: 'blob', path: name, repository, digest, actor, cause });
    await announce(tx, { kind: 'delete-blob', repository, actor: actor.name, digest });
    await recordAct(tx, { actor, action: 'blob.delete', target: `${name}@${digest}` });
    const tally = new UsageTally();
    tally.remove([blob]);
    await settleUsage(tx, { name, tally });
  });
}

function known(deletion: Deletion, repository: RepositoryId | undefined): RepositoryId {
  if (repository !== undefined) return repository;
  throw new RegistryError('NAME_UNKNOWN', `There is no repository "${deletion.repository}".`);
}

async function refuseWhenNeeded(
  tx: Transaction,
  part: { repository: RepositoryId; blob: number; what: string },
): Promise<void> {
  const { repository, blob } = part;
  // One more than is shown: whoever deletes those that are named should know that there are others.
  const found = await tagsThatNeed(tx, { repository, blob, limit: TAGS_SHOWN + 1 });
  if (found.length === 0) return;
  const tags = found.slice(0, TAGS_SHOWN);
  const others = found.length > TAGS_SHOWN ? ' and others' : '';
  throw new RegistryError(
    'DENIED',
    `The ${part.what} is part of what is tagged ${tags.join(', ')}${others}. Delete or move ${tags.length === 1 ? 'that tag' : 'those tags'} first.`,
    { tags },
  );
}
