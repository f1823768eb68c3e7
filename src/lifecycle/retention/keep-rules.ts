// One rule and the tags of one repository: of which tags it speaks, and which of them it keeps. Ranks count
// images, so that neither a second tag of an image nor a floating `1.2` takes a place.
import { durationMs } from './duration.ts';
import type { TagFact } from './facts.ts';
import type { KeepRule } from './policy.ts';
import {
  compareVersions,
  isPreRelease,
  parseVersion,
  type SemanticVersion,
} from './semantic-version.ts';
import { pairTest, tagTest } from './tag-patterns.ts';

export interface RuleVerdict {
  /** Tags that it speaks of. */
  readonly speaksOf: readonly TagFact[];
  readonly keeps: (tag: TagFact) => boolean;
}

export function applyRule(rule: KeepRule, tags: readonly TagFact[], now: number): RuleVerdict {
  const fits = tagTest(rule);
  const meant = tags.filter(({ tag }) => fits(tag));
  if (rule.keep === 'highest-versions') return keepHighest(rule, meant);
  return { speaksOf: meant, keeps: keeperOf(rule, meant, now) };
}

type UnversionedRule = Exclude<KeepRule, { keep: 'highest-versions' }>;

function keeperOf(
  rule: UnversionedRule,
  meant: readonly TagFact[],
  now: number,
): (tag: TagFact) => boolean {
  switch (rule.keep) {
    case 'all':
      return () => true;
    case 'last-pushed':
      return keepLast(meant, rule.count, ({ pushedAt }) => pushedAt);
    case 'last-pulled': {
      const pulled = meant.filter(({ pulledAt }) => pulledAt !== undefined);
      return keepLast(pulled, rule.count, ({ pulledAt = 0 }) => pulledAt);
    }
    case 'pushed-within': {
      const since = now - lengthOf(rule.within);
      return ({ pushedAt }) => pushedAt > since;
    }
    case 'pulled-within': {
      const since = now - lengthOf(rule.within);
      return ({ pushedAt, pulledAt = pushedAt }) => Math.max(pushedAt, pulledAt) > since;
    }
    case 'label': {
      const has = pairTest(rule.label);
      return ({ labels }) => has(labels);
    }
    case 'annotation': {
      const has = pairTest(rule.annotation);
      return ({ annotations }) => has(annotations);
    }
  }
}

/** The form has checked it; a document that is damaged all the same must let nothing go. */
export function lengthOf(duration: string): number {
  return durationMs(duration) ?? Number.POSITIVE_INFINITY;
}

/** At the same instant the later name counts as the later push: `build-12` after `build-11`. */
export function byTimeThenName(
  timeOf: (tag: TagFact) => number,
): (a: TagFact, b: TagFact) => number {
  return (a, b) => timeOf(a) - timeOf(b) || (a.tag < b.tag ? -1 : a.tag > b.tag ? 1 : 0);
}

function keepLast(
  meant: readonly TagFact[],
  count: number,
  timeOf: (tag: TagFact) => number,
): (tag: TagFact) => boolean {
  const images = new Set<string>();
  for (const { digest } of meant.toSorted(byTimeThenName(timeOf)).reverse()) {
    if (images.size === count) break;
    images.add(digest);
  }
  return ({ digest }) => images.has(digest);
}

type HighestRule = Extract<KeepRule, { keep: 'highest-versions' }>;

function keepHighest(rule: HighestRule, meant: readonly TagFact[]): RuleVerdict {
  const versions: { readonly tag: TagFact; readonly version: SemanticVersion }[] = [];
  for (const tag of meant) {
    const version = parseVersion(tag.tag);
    if (version === undefined) continue;
    if (rule.preReleases === 'count' || !isPreRelease(version)) versions.push({ tag, version });
  }
  const speaksOf = versions.map(({ tag }) => tag);
  const later = byTimeThenName(({ pushedAt }) => pushedAt);
  versions.sort((a, b) => compareVersions(b.version, a.version) || later(b.tag, a.tag));
  const lines = new Map<string, Set<string>>();
  for (const { tag, version } of versions) {
    const line = lineOf(version, rule.each);
    const images = lines.get(line) ?? new Set();
    lines.set(line, images);
    if (images.size < rule.count) images.add(tag.digest);
  }
  const kept = new Set<string>();
  for (const images of lines.values()) for (const digest of images) kept.add(digest);
  return { speaksOf, keeps: ({ digest }) => kept.has(digest) };
}

function lineOf({ major, minor }: SemanticVersion, each: HighestRule['each']): string {
  if (each === undefined) return '';
  return each === 'major' ? major : `${major}.${minor}`;
}
