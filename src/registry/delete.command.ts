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
import { lockTag, moveTag, type TagCause, tagsPointingAt } from '../metadata/tags.ts';
import type { Digest } from '../oci/digest.ts';
import { RegistryError } from '../oci/errors.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import type { Tag } from '../oci/tag.ts';
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
    const repository = known(deletion, await keepRepository(tx, deletion.repository));
    const { tag, actor } = deletion;
    const wasThere = await dropTag(tx, guards, { repository, tag, actor, cause: 'delete-tag' });
    if (!wasThere) {
      throw new RegistryError(
        'MANIFEST_UNKNOWN',
        `"${deletion.repository}" has no tag "${deletion.tag}".`,
      );
    }
    const target = `${deletion.repository}:${tag}`;
    await recordAct(tx, { actor, action: 'tag.delete', target });
  });
}

/**
 * Takes away a manifest and its tags.
 * @throws RegistryError NAME_UNKNOWN, MANIFEST_UNKNOWN, DENIED for the part of a kept index.
 */
export function deleteManifestCommand(guards: Guards) {
  return synced(async (tx: Transaction, deletion: Deletion & { digest: Digest }): Promise<void> => {
    const { digest, actor } = deletion;
    const repository = known(deletion, await lockRepository(tx, deletion.repository));
    const manifest = await findManifestByDigest(tx, deletion);
    if (manifest === undefined) {
      throw new RegistryError(
        'MANIFEST_UNKNOWN',
        `"${deletion.repository}" has no manifest ${digest}.`,
      );
    }
    await refuseWhenNeeded(tx, { repository, blob: manifest.blobId, what: `manifest ${digest}` });
    const tags = await tagsPointingAt(tx, manifest.id);
    for (const tag of tags) {
      await dropTag(tx, guards, { repository, tag, actor, cause: 'delete-manifest' });
    }
    await deleteManifest(tx, { repository, manifest: manifest.id });
    await announce(tx, { kind: 'delete-manifest', repository, actor: actor.name, digest });
    const target = `${deletion.repository}@${digest}`;
    await recordAct(tx, { actor, action: 'manifest.delete', target, detail: { tags } });
  });
}

/**
 * Takes away a repository's right to a blob.
 * @throws RegistryError BLOB_UNKNOWN, DENIED when a kept manifest of the repository names it.
 */
export function deleteBlobCommand() {
  return synced(async (tx: Transaction, deletion: Deletion & { digest: Digest }): Promise<void> => {
    const { digest, actor } = deletion;
    const repository = known(deletion, await lockRepository(tx, deletion.repository));
    const blob = await findBlob(tx, deletion);
    if (blob === undefined) {
      throw new RegistryError('BLOB_UNKNOWN', `"${deletion.repository}" has no blob ${digest}.`);
    }
    await refuseWhenNeeded(tx, { repository, blob: blob.id, what: `blob ${digest}` });
    await unlinkBlob(tx, { repository, blob: blob.id });
    await announce(tx, { kind: 'delete-blob', repository, actor: actor.name, digest });
    const target = `${deletion.repository}@${digest}`;
    await recordAct(tx, { actor, action: 'blob.delete', target });
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

async function dropTag(
  tx: Transaction,
  guards: Guards,
  drop: { repository: RepositoryId; tag: Tag; actor: Actor; cause: TagCause },
): Promise<boolean> {
  const { repository, cause } = drop;
  const actor = drop.actor.name;
  const tag = await lockTag(tx, { repository, name: drop.tag });
  if (tag?.digest === undefined) return false;
  const change = { repository, tag: drop.tag, from: tag.digest, to: undefined };
  await guards.beforeTagChange(tx, change);
  await moveTag(tx, { tag, to: undefined, actor, cause });
  await announce(tx, { kind: 'tag', actor, ...change });
  return true;
}
