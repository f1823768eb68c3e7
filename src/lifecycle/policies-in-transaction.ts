// The policies that hold at a path, read once in a transaction however many guards ask: a push pays one
// statement for all of them.
import { type PathPolicy, policiesHolding } from '../metadata/policies.ts';
import type { Transaction } from '../metadata/sql.ts';

/** Goes with its transaction: each command has one of its own. */
const read = new WeakMap<Transaction, Map<string, Promise<readonly PathPolicy[]>>>();

/** The root's first. */
export function policiesIn(tx: Transaction, path: string): Promise<readonly PathPolicy[]> {
  let paths = read.get(tx);
  if (paths === undefined) {
    paths = new Map();
    read.set(tx, paths);
  }
  let policies = paths.get(path);
  if (policies === undefined) {
    policies = policiesHolding(tx, path);
    paths.set(path, policies);
  }
  return policies;
}
