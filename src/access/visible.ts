// Which repositories somebody may see in a list: worked out once from their rights, so that only rows
// that are shown are read.
import type { Visibility } from '../metadata/access-schema.ts';
import { type Circumstances, conditionFailure } from './condition.ts';
import { isInScope, type Right, type Scope, type Standing } from './decide.ts';
import { isAtOrBelow, literalPrefix } from './pattern.ts';

export interface Visible {
  readonly isEverything: boolean;
  /** Everything at these paths and below; none of them lies below another. */
  readonly paths: readonly string[];
  readonly visibilities: readonly Exclude<Visibility, 'private'>[];
  /** Of what is not public: whether the scopes of the credential include it. */
  mayShow(name: string): boolean;
}

/** `open`: grants to anyone and to any signed-in user, wherever they stand. */
export interface OpenRights {
  readonly forAnyone: readonly Right[];
  readonly forSignedIn: readonly Right[];
}

const NO_ROWS = { paths: [], visibilities: [] };

export function visibleTo(
  standing: Standing,
  open: OpenRights,
  circumstances: Circumstances,
): Visible {
  const { principal, policy, condition } = standing;
  const anyone = readable(open.forAnyone, circumstances);
  const isSignedIn =
    principal.kind !== 'anonymous' && conditionFailure(condition, circumstances) === undefined;
  if (!isSignedIn) return visible({ paths: anyone, visibilities: ['public'], scopes: undefined });
  if (principal.kind === 'workload') {
    const scopes = policy?.scopes ?? [];
    const paths = [...anyone, ...scopePaths(scopes)];
    // What anyone may see is narrowed by no scope.
    const shown = visible({ paths, visibilities: ['public'], scopes, unlessAt: anyone });
    // A token of a workload may be limited further.
    const limited = visible({ ...NO_ROWS, scopes: standing.scopes, unlessAt: anyone });
    return { ...shown, mayShow: (name) => shown.mayShow(name) && limited.mayShow(name) };
  }
  const isUser = principal.kind === 'user';
  const signedIn = isUser ? readable(open.forSignedIn, circumstances) : [];
  const own = [...signedIn, ...readable(standing.rights, circumstances)];
  const { scopes } = standing;
  const paths = [...anyone, ...(scopes === undefined ? own : narrowed(own, scopePaths(scopes)))];
  const visibilities = isUser ? (['public', 'internal'] as const) : (['public'] as const);
  return visible({ paths, visibilities, scopes, unlessAt: anyone });
}

function readable(rights: readonly Right[], circumstances: Circumstances): string[] {
  return rights
    .filter(({ actions }) => actions.includes('pull'))
    .filter((right) => conditionFailure(right.condition, circumstances) === undefined)
    .map(({ path }) => path);
}

/** Where that what scopes name can lie, as paths: `team/**` at `team`, `te*` at the root. */
function scopePaths(scopes: readonly Scope[]): string[] {
  return scopes
    .filter(({ actions }) => actions.includes('pull'))
    .flatMap(({ names }) => names)
    .map((pattern) => {
      const prefix = literalPrefix(pattern);
      if (prefix === pattern || pattern === `${prefix}/**`) return prefix;
      const slash = prefix.lastIndexOf('/');
      return slash < 0 ? '' : prefix.slice(0, slash);
    });
}

/** What lies both at or below one of `paths` and at or below one of `limits`. */
function narrowed(paths: readonly string[], limits: readonly string[]): string[] {
  return paths.flatMap((path) =>
    limits.flatMap((limit) => {
      if (isAtOrBelow(path, limit)) return [path];
      return isAtOrBelow(limit, path) ? [limit] : [];
    }),
  );
}

function visible(parts: {
  paths: readonly string[];
  visibilities: Visible['visibilities'];
  scopes: readonly Scope[] | undefined;
  unlessAt?: readonly string[];
}): Visible {
  const { scopes, visibilities, unlessAt = [] } = parts;
  const paths = outermost(parts.paths);
  return {
    isEverything: scopes === undefined && paths.includes(''),
    paths,
    visibilities,
    mayShow: (name) =>
      scopes === undefined ||
      unlessAt.some((path) => isAtOrBelow(name, path)) ||
      isInScope(scopes, { action: 'pull', path: name }),
  };
}

/** Without those that lie below another. */
function outermost(paths: readonly string[]): string[] {
  const unique = [...new Set(paths)];
  return unique.filter((path) => !unique.some((top) => top !== path && isAtOrBelow(path, top)));
}
