// One matcher for all patterns: of names, tags and claims. Steps through all readings of the pattern at
// once, so that no pattern that somebody writes can make it slow: length of pattern times length of text.

export interface GlobOptions {
  /** `*` stops at a slash and `**` does not. Otherwise both match anything. */
  readonly isPath: boolean;
}

/** `*` any run of characters, `?` one character; everything else is itself. */
export function matchesGlob(pattern: string, text: string, { isPath }: GlobOptions): boolean {
  const parts = pattern.match(/\*+|[^*]/gu) ?? [];
  // Which prefixes of the pattern fit the text read so far.
  let fits = follow(parts, new Set([0]));
  for (const character of text) {
    const next = new Set<number>();
    for (const at of fits) {
      const part = parts[at];
      if (part === undefined) continue;
      if (part.startsWith('*')) {
        if (!isPath || part.length > 1 || character !== '/') next.add(at);
      } else if (part === character || (part === '?' && !(isPath && character === '/'))) {
        next.add(at + 1);
      }
    }
    fits = follow(parts, next);
    if (fits.size === 0) return false;
  }
  return fits.has(parts.length);
}

/** A star may also match nothing. */
function follow(parts: readonly string[], places: Set<number>): Set<number> {
  // A set may grow while it is walked: what is added is walked too.
  for (const at of places) if (parts[at]?.startsWith('*')) places.add(at + 1);
  return places;
}
