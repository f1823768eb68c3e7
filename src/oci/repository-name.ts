// Repository names (distribution spec, "Pulling manifests").
import { RegistryError } from './errors.ts';
import { LIMITS } from './limits.ts';

declare const repositoryNameBrand: unique symbol;
export type RepositoryName = string & { readonly [repositoryNameBrand]: true };

const SLASH = 0x2f;
const DOT = 0x2e;
const UNDERSCORE = 0x5f;
const DASH = 0x2d;

/**
 * The grammar of the spec, `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*` in parts joined by `/`, read by hand: every
 * request has a name, and the expression took a tenth of a pull's time.
 */
export function isRepositoryName(text: string): text is RepositoryName {
  const { length } = text;
  if (length > LIMITS.repositoryNameLength) return false;
  let at = 0;
  for (;;) {
    const start = at;
    while (at < length && isLetterOrDigit(text.charCodeAt(at))) at += 1;
    if (at === start) return false;
    if (at === length) return true;
    at = afterSeparator(text, at);
  }
}

function isLetterOrDigit(code: number): boolean {
  return (code >= 0x61 && code <= 0x7a) || (code >= 0x30 && code <= 0x39);
}

/** Where the next letter or digit must stand; `at` itself when there is no separator. */
function afterSeparator(text: string, at: number): number {
  const code = text.charCodeAt(at);
  if (code === SLASH || code === DOT) return at + 1;
  if (code === UNDERSCORE) return text.charCodeAt(at + 1) === UNDERSCORE ? at + 2 : at + 1;
  let after = at;
  while (text.charCodeAt(after) === DASH) after += 1;
  return after;
}

/** @throws RegistryError NAME_INVALID with the rule that is broken. */
export function parseRepositoryName(text: string): RepositoryName {
  if (isRepositoryName(text)) return text;
  if (text.length > LIMITS.repositoryNameLength) {
    throw new RegistryError(
      'NAME_INVALID',
      `A repository name has at most ${LIMITS.repositoryNameLength} characters; this one has ${text.length}.`,
    );
  }
  const hint = /[A-Z]/.test(text) ? ' Use lower case.' : '';
  throw new RegistryError(
    'NAME_INVALID',
    `"${text}" is not a repository name: write lower-case letters and digits, joined by . _ __ or -, in parts separated by /.${hint}`,
  );
}

/** The namespace that a repository lies in: `team/backend` for `team/backend/api`, '' for `alpine`. */
export function namespaceOf(name: RepositoryName): string {
  const slash = name.lastIndexOf('/');
  return slash < 0 ? '' : name.slice(0, slash);
}

/** A path and all above it, the root '' first: `['', 'team', 'team/app']`. */
export function pathAndAbove(path: string): string[] {
  const paths = [''];
  for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1)) {
    paths.push(path.slice(0, at));
  }
  if (path !== '') paths.push(path);
  return paths;
}
