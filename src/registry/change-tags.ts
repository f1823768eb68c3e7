// Moves of tags within a transaction: guards asked, events and trash written, what is let go released. The
// one way in which a tag moves, whoever moves it: pushes, deletes, rollbacks, plans.
import type { Actor } from '../metadata/audit.ts';
import type { BlobId } from '../metadata/blobs.ts';
import { releaseManifests } from '../metadata/liveness.ts';
import type { ManifestId } from '../metadata/manifests.ts';
import { announce } from '../metadata/outbox.ts';
import type { RepositoryId } from '../metadata/repositories.ts';
import type { Transaction } from '../metadata/sql.ts';
import { moveTag, type TagCause, type TagState } from '../metadata/tags.ts';
import { forgetTrashedTag, putInTrash } from '../metadata/trash.ts';
import type { UsageTally } from '../metadata/usage.ts';
import type { Digest } from '../oci/digest.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import type { Guards } from './guards.ts';

export interface TagTarget {
  readonly manifest: ManifestId;
  readonly blob: BlobId;
  readonly digest: Digest;
}

export interface TagChanges {
  readonly repository: RepositoryId;
  readonly name: RepositoryName;
  readonly actor: Actor;
  readonly cause: TagCause;
  /** Each tag locked, in byte order; `to` undefined: it is deleted. A target is live already. */
  readonly moves: readonly { readonly tag: TagState; readonly to: TagTarget | undefined }[];
  readonly plan?: number | undefined;
  /** See `TagChange`. */
  readonly isOverriding?: boolean;
  /** Manifests that this transaction has put into the trash. */
  readonly deleted?: readonly ManifestId[];
  /** To be settled by the caller, last of all. */
  readonly tally: UsageTally;
}

/** @returns how many tags moved: one that is there already does not. @throws what a guard throws. */
export async function changeTags(
  tx: Transaction,
  guards: Guards,
  changes: TagChanges,
): Promise<number> {
  const left: ManifestId[] = [];
  let moved = 0;
  for (const { tag, to } of changes.moves) {
    if (tag.digest === to?.digest) continue;
    await changeTag(tx, guards, { changes, tag, to });
    moved += 1;
    if (tag.manifestId !== undefined) left.push(tag.manifestId);
  }
  const { repository, deleted = [], tally } = changes;
  await releaseManifests(tx, { repository, manifests: left, deleted }, tally);
  return moved;
}

async function changeTag(
  tx: Transaction,
  guards: Guards,
  move: { changes: TagChanges; tag: TagState; to: TagTarget | undefined },
): Promise<void> {
  const { changes, tag, to } = move;
  const { repository, name, actor, cause, plan, tally } = changes;
  const change = { repository, tag: tag.name, from: tag.digest, to: to?.digest };
  const isOverriding = changes.isOverriding ?? false;
  await guards.beforeTagChange(tx, { ...change, name, cause, isOverriding });
  await moveTag(tx, { tag, to, actor, cause, plan });
  await announce(tx, { kind: 'tag', actor: actor.name, ...change, cause, plan });
  if (to === undefined) {
    tally.tags -= 1;
    const { digest } = tag;
    await putInTrash(tx, {
      kind: 'tag',
      path: name,
      repository,
      tag: tag.name,
      digest,
      plan,
      actor,
      cause,
    });
  } else if (tag.digest === undefined) {
    tally.tags += 1;
    if (tag.sequence > 0) await forgetTrashedTag(tx, { repository, tag: tag.name });
  }
}
