// What differs between two lists, sets and tables. Pure.

/** null: it is not there on that side. */
export interface ValueChange {
  readonly name: string;
  readonly from: string | null;
  readonly to: string | null;
}

export interface SetChanges {
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

/** null on one side: not set there. */
export interface Change<T> {
  readonly from: T | null;
  readonly to: T | null;
}

/** Of one value; undefined when it is the same. */
export function changeOf<T>({ from, to }: Sides<T | undefined>): Change<T> | undefined {
  if (JSON.stringify(from) === JSON.stringify(to)) return undefined;
  return { from: from ?? null, to: to ?? null };
}

export interface Sides<T> {
  readonly from: T;
  readonly to: T;
}

export function valueChanges({ from, to }: Sides<ReadonlyMap<string, string>>): ValueChange[] {
  const names = [...new Set([...from.keys(), ...to.keys()])].sort();
  return names
    .map((name) => ({ name, from: from.get(name) ?? null, to: to.get(name) ?? null }))
    .filter((change) => change.from !== change.to);
}

export function setChanges({ from, to }: Sides<ReadonlySet<string>>): SetChanges {
  return {
    added: [...to].filter((name) => !from.has(name)).sort(),
    removed: [...from].filter((name) => !to.has(name)).sort(),
  };
}

export interface LineChanges {
  readonly shared: number;
  /** In their order. */
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

/** Lines may stand more than once: each is shared as often as both have it. */
export function lineChanges({ from, to }: Sides<readonly string[]>): LineChanges {
  const added = without(to, from);
  return { shared: to.length - added.length, added, removed: without(from, to) };
}

function without(lines: readonly string[], others: readonly string[]): string[] {
  const left = new Map<string, number>();
  for (const line of others) left.set(line, (left.get(line) ?? 0) + 1);
  return lines.filter((line) => {
    const count = left.get(line) ?? 0;
    if (count > 0) left.set(line, count - 1);
    return count === 0;
  });
}
