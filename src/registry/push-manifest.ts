// `PUT …/manifests/…`: reads and checks a manifest, then hands it to its command.

import { hashBytes } from '../blobs/hasher.ts';
import type { Actor } from '../metadata/audit.ts';
import type { Commands } from '../metadata/command.ts';
import { type Digest, digestAlgorithm } from '../oci/digest.ts';
import { RegistryError } from '../oci/errors.ts';
import { LIMITS } from '../oci/limits.ts';
import { type Manifest, parseManifest } from '../oci/manifest.ts';
import type { Reference } from '../oci/reference.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import type { Tag } from '../oci/tag.ts';
import type { RegistryCommands } from './commands.ts';
import type { MissingParts, WriteCondition } from './put-manifest.command.ts';
import type { Room } from './upload-state.ts';

export interface ManifestPush {
  readonly repository: RepositoryName;
  readonly actor: Actor;
  readonly reference: Reference;
  /** Tags given as `?tag=`; only with a digest as the reference. */
  readonly tags: readonly Tag[];
  readonly contentType: string | undefined;
  readonly bytes: Uint8Array;
  readonly condition: WriteCondition;
}

export interface PushedManifest {
  readonly digest: Digest;
  readonly subject: Digest | undefined;
  readonly tags: readonly Tag[];
  /** It names layers that need not be held here. */
  readonly hasForeignLayers: boolean;
  /** What guards want the client to hear, such as a quota that is nearly used up. */
  readonly warnings: readonly string[];
}

/**
 * Stores a manifest exactly as it came and points tags at it.
 * @throws RegistryError MANIFEST_INVALID, DIGEST_INVALID, MANIFEST_BLOB_UNKNOWN, PRECONDITION_FAILED.
 */
export async function pushManifest(
  parts: {
    commands: Commands<RegistryCommands>;
    missingParts: MissingParts;
    room?: Room | undefined;
  },
  push: ManifestPush,
): Promise<PushedManifest> {
  await parts.room?.check();
  const { reference, bytes } = push;
  const tags = reference.kind === 'tag' ? [reference.tag] : [...push.tags];
  if (reference.kind === 'tag' && push.tags.length > 0) {
    throw new RegistryError(
      'TAG_INVALID',
      'The query parameter "tag" goes with a push by digest; this push names a tag already.',
    );
  }
  if (tags.length > LIMITS.tagsPerPush) {
    throw new RegistryError(
      'TAG_INVALID',
      `One push takes at most ${LIMITS.tagsPerPush} tags; this one has ${tags.length}.`,
    );
  }
  const digest = digestOfPush(reference, bytes);
  const manifest = parseManifest(bytes, push.contentType);
  const warnings = await parts.commands.run('putManifest', {
    repository: push.repository,
    actor: push.actor,
    digest,
    bytes,
    mediaType: manifest.mediaType,
    artifactType: manifest.artifactType,
    subject: manifest.subject,
    references: manifest.references,
    descriptor: manifest.subject && referrerDescriptor(manifest, { digest, size: bytes.length }),
    tags,
    missingParts: parts.missingParts,
    condition: push.condition,
  });
  const hasForeignLayers = manifest.references.some((part) => part.foreign);
  return { digest, subject: manifest.subject, tags, hasForeignLayers, warnings };
}

function digestOfPush(reference: Reference, bytes: Uint8Array): Digest {
  if (reference.kind === 'tag') return hashBytes('sha256', bytes);
  const digest = hashBytes(digestAlgorithm(reference.digest), bytes);
  if (digest === reference.digest) return digest;
  throw new RegistryError(
    'DIGEST_INVALID',
    `The address names ${reference.digest}, but the manifest received is ${digest}.`,
  );
}

/** The descriptor that stands for a referrer in listings (spec, "Listing Referrers"). */
function referrerDescriptor(manifest: Manifest, content: { digest: Digest; size: number }): string {
  return JSON.stringify({
    mediaType: manifest.mediaType,
    digest: content.digest,
    size: content.size,
    artifactType: manifest.artifactType,
    annotations: manifest.annotations,
  });
}
