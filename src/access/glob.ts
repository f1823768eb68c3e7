// One matcher for all patterns: of names, tags and claims. Steps through all readings of the pattern at
// once, so that no pattern that somebody writes can make it slow: length of pattern times length of text.

export interface GlobOptions {
  /** `*` stops at a slash and `**` does not. Otherwise both match anything. */
  readonly isPath: boolean;
}

/** `*` any run of characters, `?` one character; everything else is itself. */
export function matchesGlob(pattern: string, text: string, { isPath }: GlobOptions): boolean {
  const parts = pattern.match(/\*+|[^*]/gu) ?? [];
  // At each place 1 when the parts before it fit the text read so far.
  let fits = new Uint8Array(parts.length + 1);
  let next = new Uint8Array(parts.length + 1);
  fits[0] = 1;
  if (isStar(parts[0])) fits[1] = 1;
  for (const character of text) {
    const isSlash = isPath && character === '/';
    let isAny = false;
    next[0] = 0;
    for (let at = 0; at < parts.length; at += 1) {
      const part = parts[at] as string;
      // A star may also match nothing: then it fits wherever what stands before it does.
      const isFit = isStar(part)
        ? next[at] === 1 || (fits[at + 1] === 1 && !(isSlash && part === '*'))
        : fits[at] === 1 && (part === character || (part === '?' && !isSlash));
      next[at + 1] = isFit ? 1 : 0;
      isAny ||= isFit;
    }
    if (!isAny) return false;
    [fits, next] = [next, fits];
  }
  return fits[parts.length] === 1;
}

const STAR = 0x2a;

function isStar(part: string | undefined): boolean {
  return part?.charCodeAt(0) === STAR;
}
