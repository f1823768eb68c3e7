// How entries of a directory are read: attributes as text, what numbers an entry, names of groups.
import { type Entry, EqualityFilter } from 'ldapts';

/** What directories number their entries with: OpenLDAP, Active Directory, FreeIPA, 389. */
const ID_ATTRIBUTES = ['entryUUID', 'objectGUID', 'ipaUniqueID', 'nsUniqueId'];
/** Begins the subject of an entry that has no number. */
const PLACE = 'dn:';
const LONGEST_TEXT = 255;

/** Attributes to ask for as bytes, which are those that may number an entry. */
export function idAttributes(id: string | undefined): string[] {
  return id === undefined ? ID_ATTRIBUTES : [id];
}

/**
 * What an entry is known by for ever, before its name: that changes hands. Without any, its place in the
 * tree. @returns undefined when it lacks the attribute that the settings name.
 */
export function subjectOf(entry: Entry, id: string | undefined): string | undefined {
  for (const attribute of idAttributes(id)) {
    const value = attributeOf(entry, attribute);
    const one = Array.isArray(value) ? value[0] : value;
    if (one === undefined || one.length === 0) continue;
    const bytes = Buffer.from(one);
    // `objectGUID` is bytes, the others are text.
    const isText = bytes.every((byte) => byte >= 0x20 && byte < 0x7f);
    return `${attribute}:${isText ? bytes.toString() : `#${bytes.toString('hex')}`}`;
  }
  return id === undefined ? `${PLACE}${entry.dn.toLowerCase()}` : undefined;
}

/** How an entry is found again by what `subjectOf` gave. */
export function placeOfSubject(
  subject: string,
): { readonly filter: EqualityFilter } | { readonly dn: string } {
  if (subject.startsWith(PLACE)) return { dn: subject.slice(PLACE.length) };
  const colon = subject.indexOf(':');
  const text = subject.slice(colon + 1);
  const value = /^#(?:[0-9a-f]{2})+$/.test(text) ? Buffer.from(text.slice(1), 'hex') : text;
  return { filter: new EqualityFilter({ attribute: subject.slice(0, colon), value }) };
}

/** Servers spell names of attributes as they like, not as they were asked for. */
export function attributeOf(entry: Entry, name: string): Entry[string] | undefined {
  const wanted = name.toLowerCase();
  // Under the name that was asked for there may be an empty list, and the value under the server's.
  const found = Object.entries(entry).find(
    ([key, value]) => key.toLowerCase() === wanted && value.length > 0,
  );
  return found?.[1];
}

export function texts(value: Entry[string] | undefined): string[] {
  const list = value === undefined ? [] : Array.isArray(value) ? value : [value];
  return list.map((one) => (typeof one === 'string' ? one : one.toString('utf8')));
}

export function firstText(value: Entry[string] | undefined): string | undefined {
  const clean = texts(value)[0]
    ?.replaceAll(/\p{Cc}/gu, ' ')
    .trim();
  return clean === undefined || clean === '' || clean.length > LONGEST_TEXT ? undefined : clean;
}

/**
 * Each group twice: as it stands in the tree (`cn=core,ou=groups,dc=example,dc=com`), and by its own name
 * (`core`), for those whose rules need not tell two places apart.
 */
export function groupNames(places: readonly string[]): string[] {
  return places.flatMap((place) => {
    const own = ownName(place);
    return own === undefined ? [place] : [place, own];
  });
}

/** Only plain ones: a name with an escape or a = in it could pass for a place. */
function ownName(place: string): string | undefined {
  return /^[A-Za-z0-9.-]+=([^,+=\\]+)(?:,|$)/.exec(place)?.[1]?.trim();
}
