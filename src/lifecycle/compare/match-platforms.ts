// Which entry of one index corresponds to which of another: the same platform, and where that stands several
// times, the same version of the system, or else the same order. Pure.
import type { Sides } from './changes.ts';
import { showPlatform } from './platform.ts';
import type { Child } from './version-parts.ts';

export interface PlatformPair {
  /** For a person: `linux/arm64/v8`, `attestation of linux/amd64`. */
  readonly name: string;
  readonly from: Child | undefined;
  readonly to: Child | undefined;
}

interface Named {
  readonly child: Child;
  /** Of rougher grain, the further right. */
  readonly names: readonly [exact: string, rough: string];
}

/** In the order of `to`; what only `from` has comes last. */
export function matchPlatforms(sides: Sides<readonly Child[]>): PlatformPair[] {
  const [before, after] = [named(sides.from), named(sides.to)];
  const partners = new Map<Named, Named>();
  const isFree = (entry: Named) => !partners.has(entry);
  for (const key of [
    ({ child, names }: Named) => `${names[0]}\n${child.digest}`,
    ({ names }: Named) => names[0],
    ({ names }: Named) => names[1],
  ]) {
    const waiting = Map.groupBy(before.filter(isFree), key);
    for (const entry of after.filter(isFree)) {
      const partner = waiting.get(key(entry))?.shift();
      if (partner === undefined) continue;
      partners.set(entry, partner);
      partners.set(partner, entry);
    }
  }
  return [
    ...after.map((entry) => ({
      name: entry.names[0],
      from: partners.get(entry)?.child,
      to: entry.child,
    })),
    ...before
      .filter(isFree)
      .map((entry) => ({ name: entry.names[0], from: entry.child, to: undefined })),
  ];
}

function named(children: readonly Child[]): Named[] {
  const byDigest = new Map(children.map((child) => [child.digest as string, child]));
  return children.map((child) => ({ child, names: namesOf(child, byDigest) }));
}

/** How buildx marks what it says of another entry: provenance and SBOM. */
const ATTESTED = 'vnd.docker.reference.digest';

function namesOf(child: Child, byDigest: ReadonlyMap<string, Child>): Named['names'] {
  const about = byDigest.get(child.annotations.get(ATTESTED) ?? '');
  if (about?.platform !== undefined) {
    const of = (platform: string) => `attestation of ${platform}`;
    return [of(showPlatform(about.platform)), of(about.platform.name)];
  }
  const { platform } = child;
  if (platform !== undefined) return [showPlatform(platform), platform.name];
  const type = child.artifactType ?? child.mediaType;
  return [type, type];
}
