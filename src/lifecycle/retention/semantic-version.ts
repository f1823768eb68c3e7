// Versions by semver 2.0 and their order, as tags spell them: a leading v, two parts for three, and `_`
// for the `+` that a tag cannot have (as Helm does). Numbers stay text: they may have any length.

export interface SemanticVersion {
  readonly major: string;
  readonly minor: string;
  readonly patch: string;
  /** Identifiers of the pre-release; none: a release. What follows a `+` has no part in the order. */
  readonly preRelease: readonly string[];
}

const NUMBER = '(0|[1-9]\\d*)';
const CORE = new RegExp(`^[vV]?${NUMBER}\\.${NUMBER}(?:\\.${NUMBER})?(?:-([0-9A-Za-z.-]+))?$`);
const BUILD = /^[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*$/;
const DIGITS = /^\d+$/;

/** @returns undefined when it is no version; `1`, `latest` and `2024.01.15` are none. */
export function parseVersion(text: string): SemanticVersion | undefined {
  const cut = text.search(/[+_]/);
  if (cut >= 0 && !BUILD.test(text.slice(cut + 1))) return undefined;
  const match = CORE.exec(cut < 0 ? text : text.slice(0, cut));
  if (match === null) return undefined;
  const [, major = '', minor = '', patch = '0', suffix] = match;
  const preRelease = suffix === undefined ? [] : suffix.split('.');
  return preRelease.every(isIdentifier) ? { major, minor, patch, preRelease } : undefined;
}

export function isPreRelease(version: SemanticVersion): boolean {
  return version.preRelease.length > 0;
}

/** Precedence by semver 2.0, rule 11: below zero when `a` comes before `b`. */
export function compareVersions(a: SemanticVersion, b: SemanticVersion): number {
  return (
    compareNumbers(a.major, b.major) ||
    compareNumbers(a.minor, b.minor) ||
    compareNumbers(a.patch, b.patch) ||
    comparePreReleases(a.preRelease, b.preRelease)
  );
}

/** Not empty, and no leading zero where all are digits. */
function isIdentifier(text: string): boolean {
  return text !== '' && !(DIGITS.test(text) && text.length > 1 && text.startsWith('0'));
}

/** Neither has leading zeros, so the longer one is the greater. */
function compareNumbers(a: string, b: string): number {
  return a.length - b.length || compareText(a, b);
}

function comparePreReleases(a: readonly string[], b: readonly string[]): number {
  // A release comes after its pre-releases.
  if (a.length === 0 || b.length === 0) return b.length - a.length;
  for (const [at, left] of a.entries()) {
    const right = b[at];
    if (right === undefined) return 1;
    const order = compareIdentifiers(left, right);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

/** Numbers by their value, before all other identifiers; those in ASCII order. */
function compareIdentifiers(a: string, b: string): number {
  const isNumber = DIGITS.test(a);
  if (isNumber !== DIGITS.test(b)) return isNumber ? -1 : 1;
  return isNumber ? compareNumbers(a, b) : compareText(a, b);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
