// What is done about damaged bytes: row first, bytes second, so that nothing is claimed that is absent.
//
//   read twice ──► altered payload copied to quarantine ──► row lets go ──► altered content to quarantine
//     │                      │                                │                        │
//     └─ crash: found again  └─ crash: a copy too many        └─ crash: `damages` still names the key:
//                                                                finishQuarantines moves it
import type { UploadId } from '../../blobs/blob-store.ts';
import { BlobStoreError } from '../../blobs/blob-store.ts';
import { type Actor, SYSTEM } from '../../metadata/audit.ts';
import type { ImageHit, ImagesHit } from '../../metadata/images-hit.ts';
import { contentToQuarantine, type StoredBytes } from '../../metadata/scrub.ts';
import { type Digest, digestAlgorithm, digestHex } from '../../oci/digest.ts';
import { LIMITS } from '../../oci/limits.ts';
import type { CheckedBytes } from './check-bytes.ts';
import type { ScrubParts } from './scrub-parts.ts';

export interface FoundDamaged {
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  readonly kind: 'missing' | 'altered';
  readonly hit: ImagesHit;
  /** `found`: nothing was changed. `whole`: other bytes of it are still good, so nothing is lost. */
  readonly state: 'found' | 'absent' | 'whole';
}

/** Images named in the log and in the audit log. */
const IMAGES_SHOWN = 50;
/** Damages handled in one look. */
const BATCH = 100;

export function kindOf({ content, badPayload }: CheckedBytes): 'missing' | 'altered' {
  return content === 'altered' || badPayload !== undefined ? 'altered' : 'missing';
}

/** Who is hit by it; nothing is changed. */
export async function describeDamage(
  { reports }: Pick<ScrubParts, 'reports'>,
  checked: CheckedBytes,
): Promise<FoundDamaged> {
  const { id, digest, size } = checked.blob;
  const hit = await reports.run('imagesHit', { blob: id, limit: IMAGES_SHOWN });
  return { digest, size, kind: kindOf(checked), hit, state: 'found' };
}

/** @returns undefined when the blob has changed since it was read: then there is no damage to speak of. */
export async function treatDamage(
  parts: ScrubParts,
  checked: CheckedBytes,
  actor: Actor = SYSTEM,
): Promise<FoundDamaged | undefined> {
  const { blob, content, badPayload } = checked;
  const damage = await describeDamage(parts, checked);
  const isWholeElsewhere = badPayload !== undefined && content === 'sound';
  const goodPayload = isWholeElsewhere ? await smallContent(parts, blob) : undefined;
  const quarantine = badPayload && (await keepCopy(parts, blob.digest, badPayload));
  const state = await parts.commands.run('recordDamage', {
    blob: blob.id,
    digest: blob.digest,
    kind: damage.kind,
    storageKey: blob.storageKey,
    isContentBad: content === 'missing' || content === 'altered',
    badPayload: badPayload ?? null,
    goodPayload: goodPayload ?? null,
    quarantine: quarantine ?? null,
    hit: damage.hit,
    actor,
  });
  if (state === undefined) return undefined;
  parts.warn(sentenceOf({ ...damage, state }));
  if (content === 'altered') await finishQuarantines(parts);
  return { ...damage, state };
}

/** Moves altered content aside whose row has let go of it. */
export async function finishQuarantines(
  parts: Pick<ScrubParts, 'sql' | 'blobs' | 'commands'>,
): Promise<void> {
  for (const { blob, storageKey } of await contentToQuarantine(parts.sql, BATCH)) {
    const place = await parts.blobs.quarantine(storageKey).catch((error: unknown) => {
      if (error instanceof BlobStoreError && error.fault === 'absent') return 'removed since';
      throw error;
    });
    await parts.commands.run('noteQuarantine', { blob, storageKey, place });
  }
}

/** Of a manifest that is stored twice. */
async function smallContent(
  { blobs }: ScrubParts,
  { size, storageKey }: StoredBytes,
): Promise<Uint8Array | undefined> {
  if (storageKey === null || size > LIMITS.manifestBytes) return undefined;
  return new Uint8Array(await new Response(blobs.read(storageKey)).arrayBuffer());
}

async function keepCopy(
  { blobs, newId }: ScrubParts,
  digest: Digest,
  bytes: Uint8Array,
): Promise<string> {
  const hex = digestHex(digest);
  const key = `${digestAlgorithm(digest)}/${hex.slice(0, 2)}/${hex}.${newId()}`;
  const upload: UploadId = `scrub-${newId()}`;
  const appender = await blobs.append(upload, 0);
  try {
    await appender.write(bytes);
  } finally {
    await appender.close();
  }
  await blobs.commit(upload, key);
  return blobs.quarantine(key);
}

/** For the log: what, whom it hits, what to do. */
export function sentenceOf({ digest, kind, state, hit }: FoundDamaged): string {
  const what = kind === 'missing' ? 'are gone' : 'are not what they were';
  if (state === 'whole') {
    return `The stored bytes of ${digest} ${what}; a second copy was good, and nothing is lost.`;
  }
  const { images, isMore } = hit;
  const whom =
    images.length === 0
      ? 'No image needs them.'
      : `They are needed by ${images.slice(0, SHOWN_IN_LOG).map(imageText).join(', ')}${
          isMore || images.length > SHOWN_IN_LOG ? ' and more' : ''
        }: push them again, or restore the bytes from a backup.`;
  return `The stored bytes of ${digest} ${what}. ${whom}`;
}

const SHOWN_IN_LOG = 10;

export function imageText({ repository, tags, digest }: ImageHit): string {
  return tags.length === 0
    ? `${repository}@${digest}`
    : `${repository}:${tags.join(`, ${repository}:`)}`;
}
