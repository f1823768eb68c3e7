// One matcher for all patterns: of names, tags and claims. No pattern that somebody writes can make it slow:
// at most length of pattern times length of text, and where slashes mean nothing, usually one look for each
// piece between stars, because thousands of tags are tried on hundreds of patterns.

export interface GlobOptions {
  /** `*` stops at a slash and `**` does not. Otherwise both match anything. */
  readonly isPath: boolean;
}

/** `*` any run of characters, `?` one character; everything else is itself. */
export function matchesGlob(pattern: string, text: string, { isPath }: GlobOptions): boolean {
  // `?` is a character and not half of one, so that other texts than these are read character by character.
  if (!isPath && (!pattern.includes('?') || ASCII.test(text))) {
    return fitsPieces(pattern.split('*'), text);
  }
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

const ASCII = /^[\0-\x7f]*$/;

/** Pieces between stars, each found as early as it can be: whatever fits later leaves less for the rest. */
function fitsPieces(pieces: readonly string[], text: string): boolean {
  const [first = ''] = pieces;
  if (pieces.length === 1) return text.length === first.length && fitsAt(first, text, 0);
  const last = pieces.at(-1) ?? '';
  const end = text.length - last.length;
  if (end < first.length || !fitsAt(first, text, 0) || !fitsAt(last, text, end)) return false;
  let at = first.length;
  for (let place = 1; place < pieces.length - 1; place += 1) {
    const piece = pieces[place] as string;
    at = findPiece(piece, text, at);
    if (at < 0 || at + piece.length > end) return false;
    at += piece.length;
  }
  return true;
}

function findPiece(piece: string, text: string, from: number): number {
  if (!piece.includes('?')) return text.indexOf(piece, from);
  for (let at = from; at + piece.length <= text.length; at += 1) {
    if (fitsAt(piece, text, at)) return at;
  }
  return -1;
}

function fitsAt(piece: string, text: string, at: number): boolean {
  if (!piece.includes('?')) return text.startsWith(piece, at);
  for (let place = 0; place < piece.length; place += 1) {
    const wanted = piece.charCodeAt(place);
    if (wanted !== QUESTION && wanted !== text.charCodeAt(at + place)) return false;
  }
  return true;
}

const QUESTION = 0x3f;
const STAR = 0x2a;

function isStar(part: string | undefined): boolean {
  return part?.charCodeAt(0) === STAR;
}
