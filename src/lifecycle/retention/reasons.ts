// Why a tag stays or goes, as plain sentences without a full stop.
import type { KeepRule } from './policy.ts';

/** What the rule keeps, said of one tag. */
export function showKeeping(rule: KeepRule): string {
  const of = showLimits(rule);
  const images = (count: number) => (count === 1 ? 'the image' : `one of the ${count} images`);
  switch (rule.keep) {
    case 'all':
      return of === '' ? 'the rule keeps every tag' : `the rule keeps all${of}`;
    case 'last-pushed':
      return `${images(rule.count)} last pushed${of}`;
    case 'last-pulled':
      return `${images(rule.count)} last pulled${of}`;
    case 'highest-versions': {
      const line = rule.each === undefined ? '' : ` of its ${rule.each} line`;
      const versions =
        rule.count === 1 ? 'the highest version' : `one of the ${rule.count} highest versions`;
      return `${versions}${line}${of}`;
    }
    case 'pushed-within':
      return `pushed less than ${rule.within} ago`;
    case 'pulled-within':
      return `pulled or pushed less than ${rule.within} ago`;
    case 'label':
      return `its image has the label ${rule.label}`;
    case 'annotation':
      return `it has the annotation ${rule.annotation}`;
  }
}

/** Patterns in a sentence; the others are counted. */
const SHOWN = 3;

function showLimits({ tags = [], except = [] }: KeepRule): string {
  const of = tags.length === 0 ? '' : ` of ${list(tags)}`;
  return except.length === 0 ? of : `${of} except ${list(except)}`;
}

function list(patterns: readonly string[]): string {
  const more = patterns.length - SHOWN;
  const shown = patterns.slice(0, SHOWN).join(', ');
  return more > 0 ? `${shown} and ${more} more` : shown;
}

/** Names of leases. */
export function showLeases(names: readonly string[]): string {
  return `leased by ${list(names)}`;
}
