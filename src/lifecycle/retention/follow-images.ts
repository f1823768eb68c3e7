// Signature tags stay and go with the image that they name. A signature may itself be signed, so what one
// of them keeps can decide about the next. One that follows an image goes only after a decision: a rule let
// go of a tag of the image, or its time without a tag has come.

import { type ImageKey, imageKey, imageOfSignatureTag, showImage } from '../signature-tag.ts';
import { type ManifestGraph, reach } from './closure.ts';
import { decideHeld, type TagDecision } from './decide-tags.ts';
import type { RepositoryFacts, TagFact } from './facts.ts';
import { lengthOf } from './keep-rules.ts';
import type { RetentionPolicy } from './policy.ts';

/**
 * The image that a tag is about, when the tag is a signature tag. A tag that names the very image that it
 * points at is an ordinary one.
 */
export function imageThatTagFollows(tag: TagFact): ImageKey | undefined {
  const key = imageOfSignatureTag(tag.tag);
  return key === imageKey(tag.digest) ? undefined : key;
}

export interface Following {
  readonly policy: RetentionPolicy;
  readonly facts: RepositoryFacts;
  readonly now: number;
  readonly graph: ManifestGraph;
  readonly leases: ReadonlyMap<string, readonly string[]>;
  readonly idOf: (digest: string) => number;
  /** What the decision lets go: manifests of ordinary tags that go, and untagged ones that are due. */
  readonly letGo: readonly number[];
  /** Manifests that are live when all is done; what signature tags keep is added. */
  readonly live: Set<number>;
  /** Those, and the ones of the history that stay. A signature is of use as long as its image is there. */
  readonly present: Set<number>;
}

/** Signature tags by the image that they follow. */
type Followers = Map<ImageKey, readonly TagFact[]>;

/** Decides about the signature tags of the repository. */
export function followImages(following: Following): TagDecision[] {
  const { graph, idOf, live, present } = following;
  const { followers, decisions } = sortOut(following);
  const manifestsOf = (stays: boolean) =>
    decisions.filter((one) => one.stays === stays).map(({ digest }) => idOf(digest));
  const keep = (tags: readonly TagFact[], reason: string) => {
    for (const tag of tags) decisions.push({ ...about(tag), stays: true, reason });
    reach(
      graph,
      tags.map(({ digest }) => idOf(digest)),
      live,
    );
  };
  const kept = manifestsOf(true);
  reach(graph, kept, live);
  for (const [key, tags] of takeReached(following, present, kept, followers)) {
    keep(tags, `it belongs to ${showImage(key)}, which stays`);
  }
  // Images that only signature tags hold, in a circle: no decision let go of them.
  const doomed = new Set<number>();
  const untouched = new Map(followers);
  takeReached(following, doomed, [...following.letGo, ...manifestsOf(false)], untouched);
  const circling = [...untouched.values()].flat();
  for (const key of untouched.keys()) followers.delete(key);
  keep(circling, 'only signature tags hold its image, and no decision lets go of those');
  const more = circling.map(({ digest }) => idOf(digest));
  for (const [key, tags] of takeReached(following, present, more, followers)) {
    keep(tags, `it belongs to ${showImage(key)}, which stays`);
  }
  for (const [key, tags] of followers) {
    const reason = `it belongs to ${showImage(key)}, which goes`;
    for (const tag of tags) decisions.push({ ...about(tag), stays: false, reason });
  }
  return decisions;
}

/** The followers of images that are here, and decisions about all other signature tags. */
function sortOut(following: Following): { followers: Followers; decisions: TagDecision[] } {
  const { policy, facts, leases } = following;
  const images = new Set(facts.manifests.map(({ digest }) => imageKey(digest)));
  const whenAbsent = absentImages(following);
  const followers = new Map<ImageKey, TagFact[]>();
  const decisions: TagDecision[] = [];
  for (const tag of facts.tags) {
    const key = imageThatTagFollows(tag);
    if (key === undefined) continue;
    const held = decideHeld(policy, tag, leases.get(tag.digest));
    if (held !== undefined) decisions.push(held);
    else if (!images.has(key)) decisions.push(whenAbsent(tag, key));
    else if (followers.has(key)) followers.get(key)?.push(tag);
    else followers.set(key, [tag]);
  }
  return { followers, decisions };
}

/**
 * Adds to `reached` what `roots` hold, and what the followers of all that is reached hold.
 * @returns those followers; they are taken out of `followers`.
 */
function takeReached(
  { graph, idOf }: Following,
  reached: Set<number>,
  roots: readonly number[],
  followers: Followers,
): [ImageKey, readonly TagFact[]][] {
  const taken: [ImageKey, readonly TagFact[]][] = [];
  reach(graph, roots, reached);
  if (followers.size === 0) return taken;
  // A set that grows while it is walked is walked to its new end.
  for (const id of reached) {
    const key = imageKey(graph.manifests.get(id)?.digest ?? '');
    const tags = followers.get(key);
    if (tags === undefined) continue;
    followers.delete(key);
    taken.push([key, tags]);
    reach(
      graph,
      tags.map(({ digest }) => idOf(digest)),
      reached,
    );
  }
  return taken;
}

function about({ tag, digest }: TagFact) {
  return { tag, digest, cause: 'signature', rule: undefined } as const;
}

/** What becomes of signature tags whose image is not in the repository. */
function absentImages({
  policy,
  facts,
  now,
}: Following): (tag: TagFact, key: ImageKey) => TagDecision {
  const purged = new Set([...(facts.purgedImages ?? [])].map(imageKey));
  const after = policy.signaturesWithoutImageAfter;
  const since = after === undefined ? Number.NEGATIVE_INFINITY : now - lengthOf(after);
  return (tag, key) => {
    const image = `its image ${showImage(key)}`;
    if (purged.has(key)) return { ...about(tag), stays: false, reason: `${image} is gone` };
    const reason = `${image} is not in this repository`;
    if (tag.pushedAt > since) return { ...about(tag), stays: true, reason };
    return {
      ...about(tag),
      stays: false,
      reason: `${reason}, and it was pushed ${after} ago or longer`,
    };
  };
}
