// Old names that still answer: which of them a path means.
import type { Alias } from '../metadata/aliases.ts';

export interface OldName {
  /** What the path is called now. */
  readonly name: string;
  readonly until: number;
}

/** Of a rename in a namespace that was renamed before: each step leads to a younger name, never back. */
const MOST_STEPS = 20;

/** The nearest one above the path holds. */
export function aliasAmong(
  aliases: ReadonlyMap<string, Alias>,
  { path, now }: { path: string; now: number },
): OldName | undefined {
  let found: OldName | undefined;
  for (let step = 0; step < MOST_STEPS; step += 1) {
    const next = stepAmong(aliases, { path: found?.name ?? path, now });
    if (next === undefined) return found;
    found = { name: next.name, until: Math.min(next.until, found?.until ?? next.until) };
  }
  return found;
}

function stepAmong(
  aliases: ReadonlyMap<string, Alias>,
  { path, now }: { path: string; now: number },
): OldName | undefined {
  for (let at = path; at !== ''; at = at.slice(0, Math.max(0, at.lastIndexOf('/')))) {
    const alias = aliases.get(at);
    if (alias === undefined || alias.until <= now) continue;
    return { name: `${alias.target}${path.slice(at.length)}`, until: alias.until };
  }
  return undefined;
}
