// Patterns of names and tags, as people write them in grants and tokens.
import { matchesGlob } from './glob.ts';

const WILDCARD = /[*?]/;

/**
 * A pattern of repository names and namespaces: `team/app` is that path alone, `team/**` it and all below
 * it, `*` stands for any run of characters without a slash, `?` for one, `**` alone for everything. The
 * root is meant by `**` and by '' only: what holds there holds everywhere.
 */
export function matchesPath(pattern: string, path: string): boolean {
  if (pattern === '**') return true;
  if (path === '') return pattern === '';
  if (!WILDCARD.test(pattern)) return pattern === path;
  if (pattern.endsWith('/**')) {
    const top = pattern.slice(0, -3);
    if (!WILDCARD.test(top)) return top !== '' && isAtOrBelow(path, top);
    if (matchesGlob(top, path, { isPath: true })) return true;
  }
  return matchesGlob(pattern, path, { isPath: true });
}

/** Whether it must be compared character by character: more than a path and all below it. */
export function isCostly(pattern: string): boolean {
  if (pattern === '**') return false;
  return WILDCARD.test(pattern.endsWith('/**') ? pattern.slice(0, -3) : pattern);
}

/**
 * Tag patterns: `prod-*`, `v?`, and with a leading `!` what is not meant. The last pattern that fits
 * decides; a list of exclusions alone begins with everything, an empty one means no tag.
 */
export function matchesTag(patterns: readonly string[], tag: string): boolean {
  let isMatched = patterns.length > 0 && patterns.every((pattern) => pattern.startsWith('!'));
  for (const pattern of patterns) {
    const isExclusion = pattern.startsWith('!');
    const glob = isExclusion ? pattern.slice(1) : pattern;
    if (matchesGlob(glob, tag, { isPath: false })) isMatched = !isExclusion;
  }
  return isMatched;
}

/** Everything that a pattern of paths can match begins with this: the bound of a listing's rows. */
export function literalPrefix(pattern: string): string {
  const wildcard = pattern.search(WILDCARD);
  if (wildcard < 0) return pattern;
  // `team/**` matches `team` itself too.
  return pattern.slice(wildcard - 1) === '/**'
    ? pattern.slice(0, wildcard - 1)
    : pattern.slice(0, wildcard);
}

const SLASH = 0x2f;

/** Whether `path` is `top` or lies below it; everything lies below the root, ''. */
export function isAtOrBelow(path: string, top: string): boolean {
  if (!path.startsWith(top)) return false;
  return top === '' || path.length === top.length || path.charCodeAt(top.length) === SLASH;
}
