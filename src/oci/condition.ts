// Entity tags and the conditions that are built on them (RFC 9110 §8.8.3 and §13).
// All our tags are strong: a digest names its bytes. Knows no request, only the text of a header.
import type { Digest } from './digest.ts';

export interface EntityTag {
  readonly weak: boolean;
  /** With its quotes, as it is sent. */
  readonly opaque: string;
}

/** The header of a condition as a request gives it. */
type Header = string | null | undefined;

export function etagOf(digest: Digest): string {
  return `"${digest}"`;
}

// One element of the list: an entity tag or nothing, up to a comma or the end. What stands between
// the quotes may hold commas; it holds no space and no quote.
const ELEMENT = /[ \t]*(?:(W\/)?("[\x21\x23-\x7e\x80-\u{10ffff}]*")[ \t]*)?(,|$)/uy;

/** '*', or the tags of the list. A malformed list is empty: it matches nothing. */
export function parseEntityTags(header: string): '*' | readonly EntityTag[] {
  if (header.trim() === '*') return '*';
  const tags: EntityTag[] = [];
  let position = 0;
  for (;;) {
    ELEMENT.lastIndex = position;
    const match = ELEMENT.exec(header);
    if (match === null) return [];
    const [whole, weak, opaque, end] = match;
    if (opaque !== undefined) tags.push({ weak: weak !== undefined, opaque });
    if (end === '') return tags;
    position += whole.length;
  }
}

/** Strong comparison (RFC 9110 §8.8.3.2) with one of our own tags. */
export function matchesStrongly(tags: readonly EntityTag[], current: string): boolean {
  return tags.some((tag) => !tag.weak && tag.opaque === current);
}

/** Weak comparison: W/ makes no difference. A proxy may have added it on the way. */
export function matchesWeakly(tags: readonly EntityTag[], current: string): boolean {
  return tags.some((tag) => tag.opaque === current);
}

/** If-Match (§13.1.1). `current` is the tag of what is there now, undefined for nothing. */
export function ifMatchHolds(header: Header, current: string | undefined): boolean {
  if (header === null || header === undefined) return true;
  const tags = parseEntityTags(header);
  if (current === undefined) return false;
  return tags === '*' || matchesStrongly(tags, current);
}

/** If-None-Match (§13.1.2). When it does not hold: 304 for GET and HEAD, 412 for the rest. */
export function ifNoneMatchHolds(header: Header, current: string | undefined): boolean {
  if (header === null || header === undefined || current === undefined) return true;
  // What clients send nearly always: the one tag that they were given.
  if (header === current) return false;
  const tags = parseEntityTags(header);
  return tags !== '*' && !matchesWeakly(tags, current);
}

/**
 * If-Range (§13.1.5): whether the Range beside it counts. Only one strong tag can match. A date
 * never does, because no Last-Modified is ever sent that it could have come from.
 */
export function ifRangeHolds(header: Header, current: string): boolean {
  return header === null || header === undefined || header.trim() === current;
}
