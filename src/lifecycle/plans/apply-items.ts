// Some items of a plan in one repository, done in one transaction: all that still fits. An item says what it
// was made from; what changed since, what is protected and what lacks a part is skipped and said.
//
// Order: what comes out of the trash, then tags, then what goes there. So a tag finds its manifest again,
// and a manifest that only a tag of the plan held is free to go.
import { recordAct } from '../../metadata/audit.ts';
import { holdManifests } from '../../metadata/liveness.ts';
import type { PlanItem } from '../../metadata/plans.ts';
import { lastPullOfTag } from '../../metadata/pulls.ts';
import type { Transaction } from '../../metadata/sql.ts';
import { ensureTag, lockTag, type TagState } from '../../metadata/tags.ts';
import { settleUsage, UsageTally } from '../../metadata/usage.ts';
import type { Tag } from '../../oci/tag.ts';
import { changeTags, type TagTarget } from '../../registry/change-tags.ts';
import type { Guards } from '../../registry/guards.ts';
import { deleteItems, PULLED_SINCE } from './delete-items.ts';
import { type ItemsToDo, refusalText, type SkipNotes, type Step } from './items-to-do.ts';
import { findTarget, reviveManifest } from './targets.ts';

/** @throws RegistryError DENIED of a quota: then nothing of it is done. */
export async function applyItems(
  tx: Transaction,
  guards: Guards,
  work: ItemsToDo,
): Promise<SkipNotes> {
  const { name, items } = work;
  const notes: SkipNotes = new Map();
  const tally = new UsageTally();
  for (const item of items) {
    if (item.action !== 'revive' || item.from === null) continue;
    const note = await reviveManifest(tx, { ...work, digest: item.from }, tally);
    if (note !== undefined) notes.set(item.number, note);
  }
  await moveTags(tx, guards, { work, notes, tally });
  await deleteItems(tx, guards, { work, notes, tally });
  await guards.afterGrowth(tx, await settleUsage(tx, { name, tally }));
  await recordAct(tx, {
    actor: work.actor,
    action: 'plan.apply',
    target: name,
    detail: { plan: work.plan, done: items.length - notes.size, skipped: notes.size },
  });
  return notes;
}

async function moveTags(
  tx: Transaction,
  guards: Guards,
  { work, notes, tally }: Step,
): Promise<void> {
  const { repository, name, actor, cause, plan } = work;
  const moves: { tag: TagState; to: TagTarget | undefined }[] = [];
  for (const item of work.items) {
    if (item.action !== 'move' || item.tag === null) continue;
    const move = await findMove(tx, guards, { work, item });
    if (typeof move === 'string') notes.set(item.number, move);
    else moves.push(move);
  }
  const targets = new Set(moves.flatMap(({ to }) => (to === undefined ? [] : [to.manifest])));
  if (targets.size > 0) await holdManifests(tx, { repository, manifests: [...targets] }, tally);
  // The guards were asked of each tag by itself, so that one that must stay does not hold back the others.
  const asked: Guards = { ...guards, async beforeTagChange() {} };
  await changeTags(tx, asked, { repository, name, actor, cause, moves, plan, tally });
}

/** @returns why not, when it is not to be done. */
async function findMove(
  tx: Transaction,
  guards: Guards,
  { work, item }: { work: ItemsToDo; item: PlanItem },
): Promise<{ tag: TagState; to: TagTarget | undefined } | string> {
  const { repository, name, cause, isOverriding } = work;
  const key = { repository, name: item.tag as Tag };
  const known = await lockTag(tx, key);
  const now = known?.digest ?? null;
  if (now !== item.from) return showMoved(now);
  if (cause === 'retention' && known !== undefined) {
    const last = await lastPullOfTag(tx, known.id);
    if (last !== undefined && last > (item.pulledAt ?? 0)) return PULLED_SINCE;
  }
  const target =
    item.to === null ? undefined : await findTarget(tx, { repository, digest: item.to });
  if (typeof target === 'string') return target;
  try {
    await guards.beforeTagChange(tx, {
      repository,
      name,
      tag: key.name,
      from: item.from ?? undefined,
      to: item.to ?? undefined,
      cause,
      isOverriding,
    });
  } catch (error) {
    return refusalText(error);
  }
  return { tag: known ?? (await ensureTag(tx, key)), to: target };
}

function showMoved(now: string | null): string {
  return now === null
    ? 'the tag was deleted since the plan was made'
    : `the tag has moved since the plan was made: it points to ${now}`;
}
