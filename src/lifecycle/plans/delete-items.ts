// The items of a plan by which manifests go to the trash. Each is looked at again: what got a tag or a holder
// since the plan was made stays. Indexes stand before their children, so that those are free by then.
import { hasSubjectHere, manifestsAbove } from '../../metadata/closure.ts';
import { deleteManifest, findManifestByDigest } from '../../metadata/manifests.ts';
import { announce } from '../../metadata/outbox.ts';
import type { PlanItem } from '../../metadata/plans.ts';
import { lastPullOfManifest } from '../../metadata/pulls.ts';
import type { Transaction } from '../../metadata/sql.ts';
import { tagsPointingAt } from '../../metadata/tags.ts';
import { putInTrash } from '../../metadata/trash.ts';
import { changeTags } from '../../registry/change-tags.ts';
import type { Guards } from '../../registry/guards.ts';
import { type ItemsToDo, refusalText, type Step } from './items-to-do.ts';

export async function deleteItems(
  tx: Transaction,
  guards: Guards,
  { work, notes, tally }: Step,
): Promise<void> {
  const { repository, name, actor, cause, plan } = work;
  const deleted: number[] = [];
  for (const item of work.items) {
    if (item.action !== 'delete') continue;
    const found = await deleteOne(tx, guards, { work, item });
    if (typeof found === 'string') notes.set(item.number, found);
    else deleted.push(found);
  }
  if (deleted.length === 0) return;
  await changeTags(tx, guards, { repository, name, actor, cause, moves: [], deleted, plan, tally });
}

/** @returns the id of the manifest, or why it stays. */
async function deleteOne(
  tx: Transaction,
  guards: Guards,
  { work, item }: { work: ItemsToDo; item: PlanItem },
): Promise<number | string> {
  const { repository, name, actor, cause, plan } = work;
  const { from: digest } = item;
  const manifest =
    digest === null ? undefined : await findManifestByDigest(tx, { repository: name, digest });
  if (digest === null || manifest === undefined) return 'it is not there any more';
  const tags = await tagsPointingAt(tx, manifest.id);
  if (tags.length > 0) return `it has the tag ${tags[0]} now`;
  for await (const holders of manifestsAbove(tx, { repository, blob: manifest.blobId })) {
    if (holders.length > 0) return 'it is part of an index that stays';
  }
  if (cause === 'retention') {
    const part = { repository, blob: manifest.blobId };
    if (await hasSubjectHere(tx, part)) return 'it refers to an image that stays';
    if (await isPulledSince(tx, item, manifest.id)) return PULLED_SINCE;
  }
  try {
    await guards.beforeDelete(tx, { repository, name, digest });
  } catch (error) {
    return refusalText(error);
  }
  await deleteManifest(tx, { repository, manifest: manifest.id });
  await putInTrash(tx, { kind: 'manifest', path: name, repository, digest, plan, actor, cause });
  await announce(tx, { kind: 'delete-manifest', repository, actor: actor.name, digest });
  return manifest.id;
}

export const PULLED_SINCE = 'it was pulled since the plan was made';

async function isPulledSince(
  tx: Transaction,
  { pulledAt }: PlanItem,
  manifest: number,
): Promise<boolean> {
  const last = await lastPullOfManifest(tx, manifest);
  return last !== undefined && last > (pulledAt ?? 0);
}
