// Signature tags stay and go with the image that they name. A signature may itself be signed, so what one
// of them keeps can decide about the next.
import { type ManifestGraph, reach } from './closure.ts';
import { decideHeld, type TagDecision } from './decide-tags.ts';
import type { ManifestFact, RepositoryFacts, TagFact } from './facts.ts';
import { lengthOf } from './keep-rules.ts';
import type { RetentionPolicy } from './policy.ts';
import { type ImageKey, imageKey, imageOfSignatureTag, showImage } from './signature-tag.ts';

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
  /** Manifests that are live when all is done; what signature tags keep is added. */
  readonly live: Set<number>;
  /** Those, and the ones of the history that stay. A signature is of use as long as its image is there. */
  readonly present: Set<number>;
}

/** Decides about the signature tags of the repository. */
export function followImages(following: Following): TagDecision[] {
  const { policy, facts, graph, leases, idOf, live, present } = following;
  const decisions = new Map<string, TagDecision>();
  const waiting = new Map<ImageKey, TagFact[]>();
  const seen: number[] = [];
  const keep = (tag: TagFact, decision: TagDecision) => {
    decisions.set(tag.tag, decision);
    reach(graph, [idOf(tag.digest)], live);
    for (const id of reach(graph, [idOf(tag.digest)], present)) seen.push(id);
  };
  const images = new Set(facts.manifests.map(({ digest }) => imageKey(digest)));
  const whenAbsent = absentImages(following);
  for (const tag of facts.tags) {
    const key = imageThatTagFollows(tag);
    if (key === undefined) continue;
    const held = decideHeld(policy, tag, leases.get(tag.digest));
    if (held !== undefined) keep(tag, held);
    else if (images.has(key)) waiting.set(key, addTo(waiting.get(key), tag));
    else {
      const decision = whenAbsent(tag, key);
      if (decision.stays) keep(tag, decision);
      else decisions.set(tag.tag, decision);
    }
  }
  if (waiting.size > 0) for (const id of present) seen.push(id);
  // What a kept signature brings with it is looked at too.
  for (const id of seen) {
    const { digest } = graph.manifests.get(id) as ManifestFact;
    const key = imageKey(digest);
    for (const tag of waiting.get(key) ?? []) keep(tag, follow(tag, key, 'stays'));
    waiting.delete(key);
  }
  for (const [key, tags] of waiting) {
    for (const tag of tags) decisions.set(tag.tag, follow(tag, key, 'goes'));
  }
  return [...decisions.values()];
}

function addTo(tags: TagFact[] = [], tag: TagFact): TagFact[] {
  tags.push(tag);
  return tags;
}

function follow({ tag, digest }: TagFact, key: ImageKey, fate: 'stays' | 'goes'): TagDecision {
  const reason = `it belongs to ${showImage(key)}, which ${fate}`;
  return { tag, digest, stays: fate === 'stays', cause: 'signature', rule: undefined, reason };
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
  return ({ tag, digest, pushedAt }, key) => {
    const about = { tag, digest, cause: 'signature', rule: undefined } as const;
    const image = showImage(key);
    if (purged.has(key)) return { ...about, stays: false, reason: `its image ${image} is gone` };
    if (pushedAt > since) {
      return { ...about, stays: true, reason: `its image ${image} is not in this repository` };
    }
    const reason = `its image ${image} is not in this repository, and the push was ${after} ago or longer`;
    return { ...about, stays: false, reason };
  };
}
