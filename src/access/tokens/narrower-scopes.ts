// Whether scopes are within other scopes: a credential makes none that may do more than itself.
import type { Action } from '../action.ts';
import type { Scope, Standing } from '../decide.ts';
import { isAtOrBelow, literalPrefix, matchesPath } from '../pattern.ts';

/** Undefined scopes are everything. Says no rather than yes where two patterns are hard to compare. */
export function isWithinScopes(
  wanted: readonly Scope[] | undefined,
  limits: readonly Scope[] | undefined,
): boolean {
  if (limits === undefined) return true;
  if (wanted === undefined) return false;
  return wanted.every(({ actions, names }) =>
    names.every((name) =>
      actions.every((action) =>
        limits.some(
          (limit) =>
            limit.actions.includes(action) && limit.names.some((pattern) => covers(pattern, name)),
        ),
      ),
    ),
  );
}

/**
 * Whether a credential is for all that lies at a path and below. A trust policy gives what its patterns match,
 * and nothing below that.
 */
export function isBelowInScope(
  { scopes, policy }: Pick<Standing, 'scopes' | 'policy'>,
  { action, path }: { action: Action; path: string },
): boolean {
  const wanted = [{ actions: [action], names: [path === '' ? '**' : `${path}/**`] }];
  return isWithinScopes(wanted, scopes) && isWithinScopes(wanted, policy?.scopes);
}

/** Whether all that `name` can match, `pattern` matches too. */
function covers(pattern: string, name: string): boolean {
  if (pattern === '**' || pattern === name) return true;
  if (!/[*?]/.test(name)) return matchesPath(pattern, name);
  const top = pattern.endsWith('/**') ? pattern.slice(0, -3) : undefined;
  if (top === undefined || /[*?]/.test(top)) return false;
  // What stands before its first wildcard, up to a slash, is above all that it can match.
  const literal = literalPrefix(name);
  const isWhole = literal === name.replace(/\/\*\*$/, '');
  const above = isWhole ? literal : literal.slice(0, Math.max(0, literal.lastIndexOf('/')));
  return above !== '' && isAtOrBelow(above, top);
}
