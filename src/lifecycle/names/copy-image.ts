// A copy of an image with all that it holds: what is to be copied is found first, then it is copied children
// first, some hundreds of manifests at a time. Asked again after a crash, it goes on: what is there already
// costs nothing.
import type { Actor } from '../../metadata/audit.ts';
import type { Commands } from '../../metadata/command.ts';
import { childrenOf, type FoundManifest, referrersOfManifests } from '../../metadata/copy.ts';
import type { Sql } from '../../metadata/sql.ts';
import type { Digest } from '../../oci/digest.ts';
import { RegistryError } from '../../oci/errors.ts';
import type { RepositoryName } from '../../oci/repository-name.ts';
import type { Tag } from '../../oci/tag.ts';
import type { NameCommands } from './commands.ts';

export interface CopyImage {
  readonly from: { readonly name: RepositoryName; readonly id: number };
  readonly to: RepositoryName;
  readonly image: FoundManifest;
  readonly tags: readonly Tag[];
  readonly withReferrers: boolean;
  readonly actor: Actor;
}

export interface CopiedImage {
  readonly digest: Digest;
  readonly manifests: number;
  readonly warnings: readonly string[];
}

/** Manifests in one transaction. */
const BATCH = 200;
/** An image of more is none that any build makes. */
const MOST_MANIFESTS = 20_000;

export async function copyImage(
  parts: { sql: Sql; commands: Commands<NameCommands> },
  copy: CopyImage,
): Promise<CopiedImage> {
  const { from, to, image, tags, actor } = copy;
  const digests = await closureOf(parts.sql, copy);
  const warnings = new Set<string>();
  const run = async (some: readonly Digest[], named: readonly Tag[]) => {
    const batch = { from: from.name, to, digests: some, tags: named, tagged: image.digest, actor };
    for (const one of await parts.commands.run('copyBatch', batch)) warnings.add(one);
  };
  // The image itself stands last, so that its tags move when all of it is there.
  for (let start = 0; start < digests.length; start += BATCH) {
    const some = digests.slice(start, start + BATCH);
    await run(some, some.includes(image.digest) ? tags : []);
  }
  return { digest: image.digest, manifests: digests.length, warnings: [...warnings] };
}

/** Children before what names them, referrers after all that they refer to but before the image. */
async function closureOf(sql: Sql, { from, image, withReferrers }: CopyImage): Promise<Digest[]> {
  const levels: FoundManifest[][] = [];
  const seen = new Set<number>([image.id]);
  let level = [image];
  while (level.length > 0) {
    levels.push(level);
    const some = { repository: from.id, manifests: level.map(({ id }) => id) };
    const below = await childrenOf(sql, some);
    if (withReferrers) below.push(...(await referrersOfManifests(sql, some)));
    level = below.filter(({ id }) => !seen.has(id) && seen.add(id));
    if (seen.size > MOST_MANIFESTS) {
      throw new RegistryError(
        'SIZE_TOO_LARGE',
        `The image has more than ${MOST_MANIFESTS} manifests.`,
      );
    }
  }
  return levels
    .reverse()
    .flat()
    .map(({ digest }) => digest);
}
