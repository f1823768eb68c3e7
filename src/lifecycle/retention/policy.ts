// What a retention policy says. Knows no zod: documents were checked when they were set (`policy-form.ts`).
//
// The meaning, for each repository below the path of the policy:
// - A rule speaks of the tags that fit its `tags` (all, when there are none) and not its `except`.
//   `highest-versions` speaks only of tags that are versions.
// - A tag stays when any rule keeps it. It goes when at least one rule speaks of it and none keeps it.
// - Of what no rule speaks stays, unless its own label says otherwise and the policy listens to labels.
// - Ranks count images and not tags: three tags of one image take one place, and stay or go together.
// - What is leased stays; what is immutable stays, unless its own rule lets it expire.
// - Signature tags are not counted and no rule speaks of them: they stay and go with their image.

/** A number and s, m, h, d, w or y (365 days), such as `30d`. */
export type Duration = string;

interface TagLimits {
  /** Patterns, one of which a tag must fit; none: every tag. */
  readonly tags?: readonly string[] | undefined;
  /** Patterns of tags that the rule does not speak of. */
  readonly except?: readonly string[] | undefined;
}

interface KeepLast extends TagLimits {
  /** `last-pulled`: an image that nobody has pulled has no rank, so that rule does not keep it. */
  readonly keep: 'last-pushed' | 'last-pulled';
  /** Images. */
  readonly count: number;
}

interface KeepHighest extends TagLimits {
  readonly keep: 'highest-versions';
  readonly count: number;
  /** That many of each line: `major` 1.x, 2.x; `minor` 1.0.x, 1.1.x. */
  readonly each?: 'major' | 'minor' | undefined;
  /** `skip` (default): the rule does not speak of them. `count`: ranked with the others. */
  readonly preReleases?: 'skip' | 'count' | undefined;
}

interface KeepWithin extends TagLimits {
  /** `pulled-within`: a push counts like a pull, so that what is new gets its chance. */
  readonly keep: 'pushed-within' | 'pulled-within';
  readonly within: Duration;
}

interface KeepAll extends TagLimits {
  readonly keep: 'all';
}

interface KeepLabelled extends TagLimits {
  readonly keep: 'label';
  /** A key, or `key=pattern of the value`. */
  readonly label: string;
}

interface KeepAnnotated extends TagLimits {
  readonly keep: 'annotation';
  readonly annotation: string;
}

export type KeepRule = KeepLast | KeepHighest | KeepWithin | KeepAll | KeepLabelled | KeepAnnotated;

export interface RetentionPolicy {
  readonly rules: readonly KeepRule[];
  /**
   * Images say when they expire, see `image-expiry.ts`. `unless-kept`: a rule that keeps the tag wins.
   * `always`: the label wins, and what has expired takes no place among the last or highest.
   */
  readonly expireByLabel?: 'unless-kept' | 'always' | undefined;
  /** Manifests that have had no tag for so long, and are part of nothing that stays, go. */
  readonly untaggedAfter?: Duration | undefined;
  /**
   * Signature tags of images that this repository does not hold: without this they stay, because some keep
   * signatures in a repository of their own.
   */
  readonly signaturesWithoutImageAfter?: Duration | undefined;
  /** `keep`: immutable tags stay even if their own rule lets them expire. */
  readonly immutable?: 'expire' | 'keep' | undefined;
  /** Without one it runs when somebody asks for it. */
  readonly schedule?: 'off' | { readonly everyHours: number } | undefined;
}

/** Whether `decideRetention` wants to know the labels of images. */
export function needsLabels(policy: RetentionPolicy): boolean {
  return policy.expireByLabel !== undefined || policy.rules.some(({ keep }) => keep === 'label');
}

/** Whether `decideRetention` wants to know annotations: of a manifest, an image may expire by them too. */
export function needsAnnotations(policy: RetentionPolicy): boolean {
  const { expireByLabel, rules } = policy;
  return expireByLabel !== undefined || rules.some(({ keep }) => keep === 'annotation');
}
