// Tags (distribution spec, "Pulling manifests").
import { RegistryError } from './errors.ts';
import { LIMITS } from './limits.ts';

declare const tagBrand: unique symbol;
export type Tag = string & { readonly [tagBrand]: true };

const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;

export function isTag(text: string): text is Tag {
  return text.length <= LIMITS.tagLength && TAG.test(text);
}

/** @throws RegistryError TAG_INVALID: clients of containers/image fall back on just this code. */
export function parseTag(text: string): Tag {
  if (isTag(text)) return text;
  const shown = text.length > 140 ? `${text.slice(0, 140)}…` : text;
  throw new RegistryError(
    'TAG_INVALID',
    `"${shown}" is not a tag: write at most ${LIMITS.tagLength} letters, digits, _ . or -, and start with a letter, a digit or _.`,
  );
}
