// Which tags of one repository stay and which go, by the rules of a policy (`policy.ts` says what they
// mean). Signature tags are left out: they need to know what becomes of images (`decide-retention.ts`).
import type { TagFact } from './facts.ts';
import { expiryOf } from './image-expiry.ts';
import { applyRule } from './keep-rules.ts';
import type { RetentionPolicy } from './policy.ts';
import { showKeeping, showLeases } from './reasons.ts';

/**
 * `rule`: a rule keeps it. `lease`, `immutable`. `unconcerned`: no rule speaks of it. `signature`: it
 * follows its image. `no-rule`: rules speak of it and none keeps it. `expired`: by its image's own label.
 */
export type TagCause =
  | 'rule'
  | 'lease'
  | 'immutable'
  | 'unconcerned'
  | 'signature'
  | 'no-rule'
  | 'expired';

export interface TagDecision {
  readonly tag: string;
  readonly digest: string;
  readonly stays: boolean;
  readonly cause: TagCause;
  /** The first rule that keeps it, as an index into `rules` of the policy. */
  readonly rule: number | undefined;
  /** A plain sentence. */
  readonly reason: string;
}

export interface TagQuestion {
  readonly policy: RetentionPolicy;
  readonly tags: readonly TagFact[];
  readonly now: number;
  /** Names of the leases by digest. */
  readonly leases: ReadonlyMap<string, readonly string[]>;
}

/** In the order of the tags. */
export function decideTags({ policy, tags, now, leases }: TagQuestion): TagDecision[] {
  const isExpired = (tag: TagFact) => (expiryOf(tag)?.at ?? Number.POSITIVE_INFINITY) <= now;
  const expired = new Set(policy.expireByLabel === undefined ? [] : tags.filter(isExpired));
  const winsOverRules = policy.expireByLabel === 'always';
  const ranked = winsOverRules ? tags.filter((tag) => !expired.has(tag)) : tags;
  const keptBy = new Map<TagFact, number>();
  const spokenOf = new Set<TagFact>();
  for (const [index, rule] of policy.rules.entries()) {
    const { speaksOf, keeps } = applyRule(rule, ranked, now);
    for (const tag of speaksOf) {
      spokenOf.add(tag);
      if (!keptBy.has(tag) && keeps(tag)) keptBy.set(tag, index);
    }
  }
  const reasons = policy.rules.map(showKeeping);
  return tags.map((tag) => {
    const held = decideHeld(policy, tag, leases.get(tag.digest));
    if (held !== undefined) return held;
    const rule = keptBy.get(tag);
    if (rule !== undefined) {
      return { ...about(tag), stays: true, cause: 'rule', rule, reason: reasons[rule] ?? '' };
    }
    if (expired.has(tag)) return expiry(tag);
    return spokenOf.has(tag)
      ? { ...about(tag), stays: false, cause: 'no-rule', reason: 'none of the rules keeps it' }
      : { ...about(tag), stays: true, cause: 'unconcerned', reason: 'no rule speaks of it' };
  });
}

/** What stays whatever the rules say. */
export function decideHeld(
  policy: RetentionPolicy,
  tag: TagFact,
  leases: readonly string[] = [],
): TagDecision | undefined {
  if (leases.length > 0) {
    return { ...about(tag), stays: true, cause: 'lease', reason: showLeases(leases) };
  }
  const mayGo =
    tag.immutability === 'none' ||
    (tag.immutability === 'may-expire' && policy.immutable !== 'keep');
  if (mayGo) return undefined;
  return { ...about(tag), stays: true, cause: 'immutable', reason: 'it is immutable' };
}

function about({ tag, digest }: TagFact) {
  return { tag, digest, rule: undefined };
}

function expiry(tag: TagFact): TagDecision {
  const reason = `its image says ${expiryOf(tag)?.shown}, counted from the push`;
  return { ...about(tag), stays: false, cause: 'expired', reason };
}
