// Sizes once more, slowly and in another way: from the roots, by looking at everything for each blob.
import type { Share } from '../../src/lifecycle/sizes/share.ts';
import {
  type MadeManifest,
  type MadeRegistry,
  type MadeRepository,
  names,
  reach,
  rootsOf,
} from './random-registry.ts';

const isHidden = ({ name }: MadeRepository) => name.startsWith('~');

/** Whether a repository has a blob, and whether something live does. */
function has(repository: MadeRepository, blob: number): 'live' | 'history' | 'nobody' {
  const right = repository.rights.get(blob);
  const manifest = repository.manifests.find((one) => one.blob === blob);
  if (right === undefined && manifest === undefined) return 'nobody';
  const isLive = right === 'counted' || manifest?.state === 'live';
  return isLive && !isHidden(repository) ? 'live' : 'history';
}

function elsewhere(others: readonly MadeRepository[], blob: number) {
  const held = others.map((other) => has(other, blob));
  return held.includes('live') ? 'live' : held.includes('history') ? 'history' : 'nobody';
}

/** @param holder who else has the blob. */
function shareOf(
  { sizes }: MadeRegistry,
  blobs: Iterable<number>,
  holder: (blob: number) => 'live' | 'history' | 'nobody',
): Share {
  const all = [...blobs];
  const sum = (of: readonly number[]) =>
    of.reduce((bytes, blob) => bytes + (sizes.get(blob) ?? 0), 0);
  return {
    bytes: sum(all),
    blobs: all.length,
    exclusive: sum(all.filter((blob) => holder(blob) === 'nobody')),
    keptByHistory: sum(all.filter((blob) => holder(blob) === 'history')),
    shared: sum(all.filter((blob) => holder(blob) === 'live')),
  };
}

/** Blobs that the repository has of what a manifest names, and that are no manifests of their own there. */
function partsOf(repository: MadeRepository, manifest: MadeManifest): Set<number> {
  const isHeld = (blob: number) =>
    ['counted', 'uncounted'].includes(repository.rights.get(blob) ?? '');
  const isManifest = (blob: number) => repository.manifests.some((one) => one.blob === blob);
  const parts = manifest.references.filter(
    ({ child, kind }) =>
      kind !== 'subject' && isHeld(child) && !(kind === 'manifest' && isManifest(child)),
  );
  return new Set(parts.map(({ child }) => child));
}

function apparentOf(
  registry: MadeRegistry,
  repository: MadeRepository,
  manifests: Iterable<MadeManifest>,
): number {
  let bytes = 0;
  for (const manifest of manifests) {
    for (const blob of [manifest.blob, ...partsOf(repository, manifest)]) {
      bytes += registry.sizes.get(blob) ?? 0;
    }
  }
  return bytes;
}

export function recountTag(registry: MadeRegistry, repository: MadeRepository, tag: string) {
  const manifest = repository.tags.get(tag) as MadeManifest;
  const closure = reach(repository, [manifest]);
  const blobs = new Set<number>();
  for (const one of closure) {
    for (const blob of [one.blob, ...partsOf(repository, one)]) blobs.add(blob);
  }
  const tags = new Map([...repository.tags].filter(([name]) => name !== tag));
  const after = [...reach(repository, rootsOf({ ...repository, tags }))];
  const dead = repository.manifests.filter(({ state }) => state !== 'live');
  const others = registry.repositories.filter((other) => other !== repository);
  const share = shareOf(registry, blobs, (blob) => {
    if (after.some((one) => one.blob === blob || names(one, blob))) return 'live';
    const outside = elsewhere(others, blob);
    return outside === 'nobody' && dead.some((one) => names(one, blob)) ? 'history' : outside;
  });
  return { apparent: apparentOf(registry, repository, closure), ...share };
}

/** Of repositories together; `deleted` are in the trash, and count as history of where they were. */
export function recountTogether(
  registry: MadeRegistry,
  {
    inside,
    deleted = [],
  }: { inside: readonly MadeRepository[]; deleted?: readonly MadeRepository[] },
) {
  const all = [...inside, ...deleted];
  const others = registry.repositories.filter((other) => !all.includes(other));
  const blobs = [...registry.sizes.keys()];
  const holder = (blob: number) => elsewhere(others, blob);
  const isLive = (blob: number) => inside.some((one) => has(one, blob) === 'live');
  const isThere = (blob: number) => all.some((one) => has(one, blob) !== 'nobody');
  const apparent = inside.map((one) =>
    apparentOf(
      registry,
      one,
      one.manifests.filter(({ state }) => state === 'live'),
    ),
  );
  return {
    live: {
      apparent: apparent.reduce((sum, bytes) => sum + bytes, 0),
      tags: inside.reduce((sum, { tags }) => sum + tags.size, 0),
      ...shareOf(registry, blobs.filter(isLive), holder),
    },
    history: shareOf(
      registry,
      blobs.filter((blob) => isThere(blob) && !isLive(blob)),
      holder,
    ),
  };
}
