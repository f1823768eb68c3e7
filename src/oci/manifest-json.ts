// From the bytes of a manifest to a JSON object (RFC 8259), or a MANIFEST_INVALID that says why not.
// Must not know what the members of the object mean.
import { RegistryError } from './errors.ts';
import { LIMITS } from './limits.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** @throws RegistryError MANIFEST_INVALID */
export function parseManifestJson(bytes: Uint8Array): JsonObject {
  if (bytes.length === 0) {
    throw new RegistryError('MANIFEST_INVALID', 'The manifest is empty.');
  }
  // Looked at before the parser runs: its stack must not be what limits a hostile document.
  if (isDeeperThan(bytes, LIMITS.manifestJsonDepth)) {
    throw new RegistryError(
      'MANIFEST_INVALID',
      `The manifest is nested deeper than ${LIMITS.manifestJsonDepth} levels.`,
    );
  }
  const value = parseJson(decodeUtf8(bytes));
  if (!isJsonObject(value)) {
    throw new RegistryError('MANIFEST_INVALID', 'The manifest is not a JSON object.');
  }
  return value;
}

/** The members that mean something, by their name without regard to case. */
export function memberNames(names: readonly string[]): ReadonlyMap<string, string> {
  return new Map(names.map((name) => [fold(name), name]));
}

/**
 * Clients written in Go read members without regard to case, so that `Layers` is `layers` to them
 * and would be nothing to us: what they pull would be neither kept nor scanned.
 * @throws RegistryError MANIFEST_INVALID
 */
export function refuseOtherCase(json: JsonObject, names: ReadonlyMap<string, string>): void {
  for (const key of Object.keys(json)) {
    const name = key.length > LONGEST_MEMBER ? undefined : names.get(fold(key));
    if (name !== undefined && name !== key) {
      throw new RegistryError(
        'MANIFEST_INVALID',
        `The manifest has a member "${key}". Write it as "${name}", or choose another name.`,
        { place: key },
      );
    }
  }
}

/** Spares the folding of very long keys; `schemaVersion` has 13 characters. */
const LONGEST_MEMBER = 20;

/** Both ways, as Go does: the long s is an s in upper case only, the Kelvin sign a k in lower. */
function fold(key: string): string {
  return key.toUpperCase().toLowerCase();
}

function decodeUtf8(bytes: Uint8Array): string {
  let text: string;
  try {
    // "ignoreBOM" keeps the mark in the text instead of dropping it silently.
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new RegistryError('MANIFEST_INVALID', 'The manifest is not valid UTF-8.', undefined, {
      cause,
    });
  }
  if (text.startsWith('\uFEFF')) {
    throw new RegistryError(
      'MANIFEST_INVALID',
      'The manifest begins with a byte order mark, which JSON does not allow. Save it without one.',
    );
  }
  return text;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new RegistryError(
      'MANIFEST_INVALID',
      'The manifest is not valid JSON. It may have been cut off on its way.',
      undefined,
      { cause },
    );
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** One pass over the bytes. What is not JSON gets some answer here, and is refused by the parser. */
function isDeeperThan(bytes: Uint8Array, limit: number): boolean {
  let depth = 0;
  for (let i = 0; i < bytes.length; i++) {
    switch (bytes[i]) {
      case 0x5b: // [
      case 0x7b: // {
        if (++depth > limit) return true;
        break;
      case 0x5d: // ]
      case 0x7d: // }
        depth--;
        break;
      case QUOTE:
        i = endOfString(bytes, i);
        if (i < 0) return false;
        break;
    }
  }
  return false;
}

/** The position of the quote that closes the string opened at `start`; -1 when there is none. */
function endOfString(bytes: Uint8Array, start: number): number {
  for (let end = start; ; ) {
    end = bytes.indexOf(QUOTE, end + 1);
    if (end < 0) return -1;
    let first = end;
    while (bytes[first - 1] === BACKSLASH) first--; // The opening quote ends this at the latest.
    // An even number of backslashes escape each other, and leave the quote alone.
    if ((end - first) % 2 === 0) return end;
  }
}
