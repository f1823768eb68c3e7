// Two versions, images or indexes, of one repository or of two. An image beside an index is compared as if
// it were an index of one platform.
import { setImmediate as othersTurn } from 'node:timers/promises';
import { findManifestByDigest } from '../../metadata/manifests.ts';
import type { RepositoryName } from '../../oci/repository-name.ts';
import type { PullParts } from '../../registry/pull.ts';
import { type Sides, type ValueChange, valueChanges } from './changes.ts';
import { type Content, type ContentComparison, compareContent } from './compare-content.ts';
import { matchPlatforms, type PlatformPair } from './match-platforms.ts';
import { readContent, type Version } from './read-content.ts';
import type { Child, VersionParts } from './version-parts.ts';

export interface PlatformComparison {
  readonly name: string;
  readonly change: 'same' | 'changed' | 'added' | 'removed';
  readonly from: string | undefined;
  readonly to: string | undefined;
  /** Undefined when it is the same, or could not be read. */
  readonly content: ContentComparison | undefined;
}

export interface VersionComparison {
  readonly from: VersionParts;
  readonly to: VersionParts;
  /** Of two images, or of two artifacts. */
  readonly content: ContentComparison | undefined;
  /** Where one is an index. */
  readonly platforms: readonly PlatformComparison[] | undefined;
  /** Of the manifests themselves. */
  readonly annotations: readonly ValueChange[];
  /** What was not compared, in sentences. */
  readonly notes: readonly string[];
}

/** Entries of indexes that are read, of both sides together. */
const MOST_READ = 64;
/** Bytes of their manifests: no request should work longer on it than on one large push. */
const MOST_BYTES = 16 * 1024 * 1024;

/** @throws RegistryError STORAGE_FAILED */
export async function compareVersions(
  parts: PullParts,
  versions: Sides<Version>,
): Promise<VersionComparison> {
  const from = await readContent(parts, versions.from);
  const to = await readContent(parts, versions.to);
  const sides = { from: from.parts, to: to.parts };
  const annotations = valueChanges({
    from: from.parts.annotations,
    to: to.parts.annotations,
  });
  if (from.parts.kind !== 'index' && to.parts.kind !== 'index') {
    const content = compareContent({ from, to });
    return { ...sides, content, platforms: undefined, annotations, notes: [] };
  }
  const reader = new ChildReader(parts, versions);
  const pairs = matchPlatforms({ from: childrenOf(from), to: childrenOf(to) });
  const platforms: PlatformComparison[] = [];
  for (const pair of pairs) platforms.push(await comparePlatform(reader, pair));
  return { ...sides, content: undefined, platforms, annotations, notes: [...reader.notes] };
}

function childrenOf({ parts, config }: Content): readonly Child[] {
  if (parts.kind === 'index') return parts.children;
  const { digest, mediaType, size, artifactType } = parts;
  return [
    { digest, mediaType, size, artifactType, platform: config?.platform, annotations: new Map() },
  ];
}

async function comparePlatform(
  reader: ChildReader,
  { name, from, to }: PlatformPair,
): Promise<PlatformComparison> {
  const digests = { from: from?.digest, to: to?.digest };
  if (from?.digest === to?.digest) {
    return { name, change: 'same', ...digests, content: undefined };
  }
  const change = from === undefined ? 'added' : to === undefined ? 'removed' : 'changed';
  const [before, after] = [await reader.read('from', from), await reader.read('to', to)];
  const isMissing =
    (from !== undefined && before === undefined) || (to !== undefined && after === undefined);
  const content = isMissing ? undefined : compareContent({ from: before, to: after });
  return { name, change, ...digests, content };
}

class ChildReader {
  readonly notes = new Set<string>();
  readonly #parts: PullParts;
  readonly #names: Sides<RepositoryName>;
  #read = 0;
  #bytes = 0;

  constructor(parts: PullParts, versions: Sides<Version>) {
    this.#parts = parts;
    this.#names = { from: versions.from.repository, to: versions.to.repository };
  }

  /** @returns undefined when there is nothing to be read, or no more is. */
  async read(side: keyof Sides<unknown>, child: Child | undefined): Promise<Content | undefined> {
    if (child === undefined) return undefined;
    if (this.#read >= MOST_READ || this.#bytes + child.size > MOST_BYTES) {
      this.notes.add('There are many platforms: not all were compared part by part.');
      return undefined;
    }
    // Each took a moment of the thread that answers everybody.
    await othersTurn();
    const repository = this.#names[side];
    const { digest } = child;
    const manifest = await findManifestByDigest(this.#parts.sql, { repository, digest });
    if (manifest === undefined) {
      this.notes.add(`"${repository}" has no manifest ${digest}: it was not compared.`);
      return undefined;
    }
    this.#read += 1;
    this.#bytes += manifest.size;
    return readContent(this.#parts, { repository, manifest });
  }
}
