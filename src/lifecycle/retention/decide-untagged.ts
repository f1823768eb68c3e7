// Manifests that no tag and no lease holds: which have been so for too long, and which of those may go.
import { holdersOf, type ManifestGraph } from './closure.ts';
import type { ManifestFact } from './facts.ts';
import { lengthOf } from './keep-rules.ts';
import type { RetentionPolicy } from './policy.ts';

export interface ManifestDecision {
  readonly id: number;
  readonly digest: string;
  readonly stays: boolean;
  /** Its time, counted from its release, or from its push when it never had a holder, has come. */
  readonly isDue: boolean;
  /** A plain sentence. */
  readonly reason: string;
}

/** Whether an untagged manifest has been so for as long as the policy allows. */
export function dueTest(
  { untaggedAfter }: RetentionPolicy,
  now: number,
): (manifest: ManifestFact) => boolean {
  if (untaggedAfter === undefined) return () => false;
  const since = now - lengthOf(untaggedAfter);
  return ({ createdAt, releasedAt = createdAt }) => releasedAt <= since;
}

interface UntaggedQuestion {
  readonly policy: RetentionPolicy;
  readonly graph: ManifestGraph;
  readonly untagged: readonly ManifestFact[];
  readonly now: number;
  /** All that stays, untagged ones that are not due and what they hold among it. */
  readonly staying: ReadonlySet<number>;
}

/** In the order of `untagged`. */
export function decideUntagged(question: UntaggedQuestion): ManifestDecision[] {
  const { policy, graph, untagged, now, staying } = question;
  const isDue = dueTest(policy, now);
  const after = policy.untaggedAfter;
  return untagged.map((manifest) => {
    const { id, digest } = manifest;
    const about = { id, digest, isDue: isDue(manifest), stays: staying.has(id) };
    if (!about.stays) return { ...about, reason: `without a tag for ${after} or longer` };
    if (about.isDue) {
      const holder = holdersOf(graph, id).find((held) => staying.has(held));
      return { ...about, reason: showHolder(graph, manifest, holder) };
    }
    const reason =
      after === undefined
        ? 'the policy does not speak of manifests without a tag'
        : `without a tag for less than ${after}`;
    return { ...about, reason };
  });
}

function showHolder(graph: ManifestGraph, { subject }: ManifestFact, holder = -1): string {
  const digest = graph.manifests.get(holder)?.digest;
  // Held by a signature tag whose image stays: that tag is its holder from now on.
  if (digest === undefined) return 'held by a tag that stays';
  return `${holder === subject ? 'refers to' : 'part of'} ${digest}, which stays`;
}
