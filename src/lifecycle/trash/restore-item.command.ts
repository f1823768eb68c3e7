// A tag, manifest or blob comes back from the trash of its repository. What comes back is whole: a manifest
// one of whose parts is gone or in the trash itself is refused, with what is missing.
import { type Actor, recordAct } from '../../metadata/audit.ts';
import { findBlobId, keepBlob, linkBlob } from '../../metadata/blobs.ts';
import { lostBelow } from '../../metadata/closure.ts';
import { synced } from '../../metadata/command.ts';
import { beginRelease, holdManifests } from '../../metadata/liveness.ts';
import {
  findManifestByDigest,
  findManifestState,
  undeleteManifest,
} from '../../metadata/manifests.ts';
import { announce } from '../../metadata/outbox.ts';
import { keepRepository } from '../../metadata/repositories.ts';
import type { Transaction } from '../../metadata/sql.ts';
import { ensureTag } from '../../metadata/tags.ts';
import { forgetTrashed } from '../../metadata/trash.ts';
import { lockTrashItem, type TrashItem, tagsTrashedWith } from '../../metadata/trash-items.ts';
import { sizeOfBlob } from '../../metadata/trashed-content.ts';
import { isLimited, settleUsage, UsageTally } from '../../metadata/usage.ts';
import type { Digest } from '../../oci/digest.ts';
import { RegistryError } from '../../oci/errors.ts';
import { isRepositoryName, type RepositoryName } from '../../oci/repository-name.ts';
import { parseTag, type Tag } from '../../oci/tag.ts';
import { changeTags } from '../../registry/change-tags.ts';
import type { Guards } from '../../registry/guards.ts';

export interface RestoreItem {
  readonly id: number;
  readonly actor: Actor;
  /** Of a tag: it comes back although it points elsewhere by now. */
  readonly isReplacing: boolean;
  /** Tags of a manifest that the one who asks may not push stay in the trash; null: they may push all. */
  readonly tags: readonly string[] | null;
}

export interface RestoredItem {
  readonly repository: string;
  readonly digest: string;
  /** Tags that point to it again. */
  readonly tags: readonly string[];
  /** Tags that went with it and point elsewhere by now: they stay where they are. */
  readonly tagsElsewhere: readonly string[];
  readonly warnings: readonly string[];
}

interface Place {
  readonly repository: number;
  readonly name: RepositoryName;
}

interface Restoring extends Place {
  readonly item: TrashItem;
  readonly digest: Digest;
  readonly restore: RestoreItem;
  readonly tally: UsageTally;
}

/** @throws RegistryError NOT_FOUND, CONFLICT, MANIFEST_BLOB_UNKNOWN with what is missing; what a guard throws. */
export function restoreItemCommand(guards: Guards) {
  return synced(async (tx: Transaction, restore: RestoreItem): Promise<RestoredItem> => {
    const item = await lockTrashItem(tx, restore.id);
    if (item === undefined || item.digest === null) throw noItem(restore.id);
    const place = await placeOfItem(tx, item);
    const { digest } = item;
    const restoring = { ...place, item, digest, restore, tally: new UsageTally() };
    const tags = await restoreOne(tx, guards, restoring);
    const { name, tally } = restoring;
    const { actor } = restore;
    const target = item.kind === 'tag' ? `${name}:${item.tag}` : `${name}@${digest}`;
    const detail = { trash: item.id, digest, tags: tags.restored };
    await recordAct(tx, { actor, action: `${item.kind}.restore`, target, detail });
    const warnings = await guards.afterGrowth(tx, await settleUsage(tx, { name, tally }));
    return {
      repository: name,
      digest,
      tags: tags.restored,
      tagsElsewhere: tags.elsewhere,
      warnings,
    };
  });
}

interface RestoredTags {
  readonly restored: readonly string[];
  readonly elsewhere: readonly string[];
}

async function restoreOne(
  tx: Transaction,
  guards: Guards,
  restoring: Restoring,
): Promise<RestoredTags> {
  const { kind } = restoring.item;
  if (kind === 'manifest') return restoreManifest(tx, guards, restoring);
  if (kind === 'tag') return restoreTag(tx, guards, restoring);
  await restoreBlob(tx, restoring);
  return { restored: [], elsewhere: [] };
}

/** Nobody purges what lies there, or takes it away, until the transaction ends. */
async function placeOfItem(
  tx: Transaction,
  { id, name, path, repository }: TrashItem,
): Promise<Place> {
  if (name === null || repository === null) throw noItem(id);
  if (!isRepositoryName(name) || (await keepRepository(tx, name)) !== repository) {
    throw new RegistryError(
      'CONFLICT',
      `The repository "${path}" is itself in the trash. Restore that first.`,
    );
  }
  // A tag that comes back may leave another manifest.
  await beginRelease(tx, repository);
  return { repository, name };
}

function noItem(id: number): RegistryError {
  return new RegistryError('NOT_FOUND', `There is nothing with the number ${id} in the trash.`);
}

async function restoreManifest(
  tx: Transaction,
  guards: Guards,
  restoring: Restoring,
): Promise<RestoredTags> {
  const { repository, digest, item, restore, tally } = restoring;
  const blob = await findBlobId(tx, digest);
  const known = blob === undefined ? undefined : await findManifestState(tx, { repository, blob });
  if (blob === undefined || known === undefined || !(await keepBlob(tx, blob))) {
    throw new RegistryError('NOT_FOUND', `The manifest ${digest} is gone for good.`);
  }
  const manifest = known.id;
  await undeleteManifest(tx, { repository, manifest });
  await forgetTrashed(tx, { repository, kind: 'manifest', digest });
  await refuseIncomplete(tx, restoring);
  await holdManifests(tx, { repository, manifests: [manifest] }, tally);
  const { name: actor } = restore.actor;
  await announce(tx, { kind: 'restore-manifest', repository, actor, digest });
  const gone = await tagsTrashedWith(tx, { repository, digest, id: item.id });
  const wanted = restore.tags === null ? gone : gone.filter((tag) => restore.tags?.includes(tag));
  const free: Tag[] = [];
  const elsewhere: string[] = [];
  for (const tag of wanted.map(parseTag).sort()) {
    const { digest: now } = await ensureTag(tx, { repository, name: tag });
    if (now === undefined || restore.isReplacing) free.push(tag);
    else if (now !== digest) elsewhere.push(tag);
  }
  await moveBack(tx, guards, { restoring, tags: free, to: { manifest, blob, digest } });
  return { restored: free, elsewhere };
}

async function restoreTag(
  tx: Transaction,
  guards: Guards,
  restoring: Restoring,
): Promise<RestoredTags> {
  const { repository, name, digest, item, restore, tally } = restoring;
  const tag = parseTag(item.tag ?? '');
  const manifest = await findManifestByDigest(tx, { repository: name, digest });
  if (manifest === undefined) {
    throw new RegistryError(
      'CONFLICT',
      `The tag "${tag}" of "${name}" pointed to ${digest}, which was deleted. Restore that manifest first, as long as it is in the trash: its tags come back with it.`,
      { digest },
    );
  }
  const { digest: now } = await ensureTag(tx, { repository, name: tag });
  if (now !== undefined && now !== digest && !restore.isReplacing) {
    throw new RegistryError(
      'CONFLICT',
      `The tag "${tag}" of "${name}" points to ${now} by now. Say that it is to be replaced, or leave it.`,
      { tag, digest: now },
    );
  }
  await refuseIncomplete(tx, restoring);
  await holdManifests(tx, { repository, manifests: [manifest.id] }, tally);
  const to = { manifest: manifest.id, blob: manifest.blobId, digest };
  await moveBack(tx, guards, { restoring, tags: [tag], to });
  return { restored: [tag], elsewhere: [] };
}

async function moveBack(
  tx: Transaction,
  guards: Guards,
  move: {
    restoring: Restoring;
    tags: readonly Tag[];
    to: { manifest: number; blob: number; digest: Digest };
  },
): Promise<void> {
  const { restoring, tags, to } = move;
  const { repository, name, restore, tally } = restoring;
  const moves = [];
  for (const tag of tags) moves.push({ tag: await ensureTag(tx, { repository, name: tag }), to });
  const { actor } = restore;
  const cause = 'restore';
  await changeTags(tx, guards, { repository, name, actor, cause, moves, tally });
}

async function restoreBlob(
  tx: Transaction,
  { repository, name, digest, restore, tally }: Restoring,
): Promise<void> {
  const blob = await findBlobId(tx, digest);
  if (blob === undefined || !(await keepBlob(tx, blob))) {
    throw new RegistryError('NOT_FOUND', `The bytes of ${digest} are gone for good.`);
  }
  // As when it is pushed: see the commit of an upload.
  const isCounted = await isLimited(tx, name);
  await linkBlob(tx, { repository, blob, isCounted });
  await forgetTrashed(tx, { repository, kind: 'blob', digest });
  const { name: actor } = restore.actor;
  await announce(tx, { kind: 'restore-blob', repository, actor, digest });
  if (isCounted) tally.add([{ id: blob, size: await sizeOfBlob(tx, blob) }]);
}

/** Parts named in a refusal. */
const MISSING_SHOWN = 20;

async function refuseIncomplete(
  tx: Transaction,
  { repository, name, digest }: Restoring,
): Promise<void> {
  const missing = await lostBelow(tx, { repository, digests: [digest], limit: MISSING_SHOWN });
  const [first] = missing;
  if (first === undefined) return;
  const more = missing.length > 1 ? ` and ${missing.length - 1} more` : '';
  throw new RegistryError(
    'MANIFEST_BLOB_UNKNOWN',
    `${digest} cannot come back whole: "${name}" lacks the ${first.kind} ${first.digest}${more}. Restore that first, if it is in the trash, or push it again.`,
    { missing: missing.map((part) => part.digest) },
  );
}
