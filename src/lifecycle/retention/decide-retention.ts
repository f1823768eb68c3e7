// What a retention policy does to one repository: tags by its rules, signature tags with their images,
// manifests without a tag by their age, and what all that frees. Pure; the unit is the closure of a tag.
//
// Manifests end in one of three ways. Held by a tag that stays, a lease, or an untagged manifest whose time
// has not come: they stay. Held by a tag that goes: released, still there by digest for the time of the
// history. Without a tag for too long: trashed, unless they are part of anything that is not.
import { closureOf, graphOf, leasesByManifest, reach } from './closure.ts';
import { decideTags, type TagDecision } from './decide-tags.ts';
import { decideUntagged, dueTest, type ManifestDecision } from './decide-untagged.ts';
import type { RepositoryFacts } from './facts.ts';
import { followImages, imageThatTagFollows } from './follow-images.ts';
import { type FreedBytes, measureFreed } from './measure-freed.ts';
import type { RetentionPolicy } from './policy.ts';

export interface TagOutcome extends TagDecision {
  /** What it would free alone, of what is live: 0 when something else that is live needs all of it. */
  readonly bytes: number;
}

export interface ManifestOutcome extends ManifestDecision {
  /** What it would free alone with all that it holds, of what is stored; 0 when another one holds it. */
  readonly bytes: number;
}

export interface RetentionDecision {
  /** In the order of the facts. */
  readonly tags: readonly TagOutcome[];
  /** Those that no tag or lease holds now, in the order of the facts. `stays: false`: to the trash. */
  readonly untagged: readonly ManifestOutcome[];
  /** Ids of manifests that lose their last holder with the tags that go. */
  readonly released: ReadonlySet<number>;
  readonly trashed: ReadonlySet<number>;
  readonly freed: FreedBytes['together'];
}

/** @throws Error when a tag points at a manifest that is not among the facts. */
export function decideRetention(
  policy: RetentionPolicy,
  facts: RepositoryFacts,
  now: number,
): RetentionDecision {
  const { tags, manifests } = facts;
  const graph = graphOf(manifests);
  const idOf = lookup(facts);
  const leased = manifests.filter(({ leasedBy }) => leasedBy.length > 0).map(({ id }) => id);
  const heldNow = closureOf(graph, [...tags.map(({ digest }) => idOf(digest)), ...leased]);
  const untagged = manifests.filter(({ id }) => !heldNow.has(id));
  const isDue = dueTest(policy, now);
  const early = untagged.filter((manifest) => !isDue(manifest));

  const leases = new Map<string, readonly string[]>();
  for (const [id, names] of leasesByManifest(graph)) {
    leases.set(graph.manifests.get(id)?.digest ?? '', names);
  }
  const ordinary = tags.filter((tag) => imageThatTagFollows(tag) === undefined);
  const decided = decideTags({ policy, tags: ordinary, now, leases });
  const kept = decided.filter(({ stays }) => stays).map(({ digest }) => idOf(digest));
  const earlyLive = early.filter(({ releasedAt }) => releasedAt === undefined);
  const live = closureOf(graph, [...kept, ...leased, ...earlyLive.map(({ id }) => id)]);
  const present = new Set(live);
  const earlyIds = early.map(({ id }) => id);
  reach(graph, earlyIds, present);
  const goingTags = decided.filter(({ stays }) => !stays).map(({ digest }) => idOf(digest));
  const letGo = [...goingTags, ...untagged.filter(isDue).map(({ id }) => id)];
  const following = { policy, facts, now, graph, leases, idOf, letGo, live, present };
  for (const decision of followImages(following)) decided.push(decision);

  const fates = decideUntagged({ policy, graph, untagged, now, staying: present });
  const released = new Set([...heldNow].filter((id) => !live.has(id)));
  const trashed = new Set(fates.filter(({ stays }) => !stays).map(({ id }) => id));
  const bytes = measureFreed({ facts, graph, idOf, leased, fates, live, released, trashed });
  const byTag = new Map(decided.map((decision) => [decision.tag, decision]));
  return {
    tags: tags.map(({ tag }, at) => ({
      ...(byTag.get(tag) as TagDecision),
      bytes: bytes.byTag[at] ?? 0,
    })),
    untagged: fates.map((fate, at) => ({ ...fate, bytes: bytes.byUntagged[at] ?? 0 })),
    released,
    trashed,
    freed: bytes.together,
  };
}

function lookup({ manifests }: RepositoryFacts): (digest: string) => number {
  const ids = new Map(manifests.map(({ id, digest }) => [digest, id]));
  return (digest) => {
    const id = ids.get(digest);
    if (id === undefined)
      throw new Error(`a tag points at ${digest}, which is not among the facts`);
    return id;
  };
}
