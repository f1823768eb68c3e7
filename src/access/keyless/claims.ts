// What a verified token says about its holder, and how a policy or a setting names a part of it.

export type Claims = Readonly<Record<string, unknown>>;

/** Longest name of a claim in a policy: some are addresses, `https://example.com/team`. */
export const LONGEST_CLAIM_NAME = 128;
/** Characters of a claim that are shown or kept for a person. */
const LONGEST_SHOWN = 200;

/**
 * The claim of that name. Dots lead into objects, `act.sub`; as names have dots of their own
 * (`kubernetes.io`), the longest name that is there counts at each step, the whole one first.
 */
export function claimAt(claims: Claims, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name];
  for (let dot = name.lastIndexOf('.'); dot > 0; dot = name.lastIndexOf('.', dot - 1)) {
    const first = name.slice(0, dot);
    if (!Object.hasOwn(claims, first)) continue;
    const inner = claims[first];
    const isObject = typeof inner === 'object' && inner !== null && !Array.isArray(inner);
    return isObject ? claimAt(inner as Claims, name.slice(dot + 1)) : undefined;
  }
  return undefined;
}

/** Entries of a list that are looked at, such as groups. */
const MOST_ENTRIES = 200;

/** Texts that a pattern may be compared with: of a list, any of its entries. */
export function textsOf(claim: unknown): string[] {
  return (Array.isArray(claim) ? claim.slice(0, MOST_ENTRIES) : [claim]).flatMap(
    (value: unknown) => {
      const text = textOf(value);
      return text === undefined ? [] : [text];
    },
  );
}

/** The one text of a claim that is no list. */
export function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}

/** For a sentence or a log: bounded, in one line. */
export function showText(text: string): string {
  const line = text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, '?');
  return line.length > LONGEST_SHOWN ? `${line.slice(0, LONGEST_SHOWN)}…` : line;
}
