// Where a path and all below it stand among paths in byte order: `team` itself, then, after its siblings
// `team-a` and `team.b`, all from `team/` to before `team0`.

export interface PathRange {
  readonly path: string;
  /** The least that can lie below the path. */
  readonly below: string;
  /** Greater than everything at the path or below it. */
  readonly before: string;
}

export function pathRange(path: string): PathRange {
  // No path has a character above z.
  if (path === '') return { path, below: '', before: '~' };
  return { path, below: `${path}/`, before: `${path}0` };
}
