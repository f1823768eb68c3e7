// Whether a tag may move, asked with the tag's row locked: of two first pushes at once the second one sees
// where the first has put it.
import type { PathPolicy } from '../../metadata/policies.ts';
import type { Transaction } from '../../metadata/sql.ts';
import type { TagCause } from '../../metadata/tags.ts';
import { lastTrashedTag } from '../../metadata/taken-tags.ts';
import type { Digest } from '../../oci/digest.ts';
import { RegistryError } from '../../oci/errors.ts';
import type { TagChange } from '../../registry/guards.ts';
import { shownPath } from '../shown-path.ts';
import { type MetRule, ruleThatMeets, showRule } from './rules.ts';

/** @throws RegistryError DENIED that names the rule, where it is set, and the digest that stays. */
export async function refuseChangeOfImmutable(
  tx: Transaction,
  change: TagChange,
  policies: readonly PathPolicy[],
): Promise<void> {
  const { repository, tag, from, to } = change;
  if (from === to) return;
  const met = ruleThatMeets(policies, change);
  if (met === undefined || isLetThrough(change, met)) return;
  if (from !== undefined) throw refusal(change, met, from);
  const taken = await lastTrashedTag(tx, { repository, tag });
  if (taken !== undefined && taken !== to) throw takenRefusal(change, met, taken);
}

const RETURNS: ReadonlySet<TagCause> = new Set(['rollback', 'restore', 'undo']);

function isLetThrough({ cause, isOverriding, to }: TagChange, { rule }: MetRule): boolean {
  if (cause === 'retention') return to === undefined && rule.mayExpire === true;
  return isOverriding && RETURNS.has(cause);
}

function refusal(change: TagChange, met: MetRule, existing: Digest): RegistryError {
  const { name, tag, to, cause } = change;
  const what = to === undefined ? 'cannot be deleted' : 'cannot be moved';
  const todo = RETURNS.has(cause)
    ? `Whoever manages ${shownPath(met.path)} may do it all the same, by saying that they override the rule.`
    : to === undefined
      ? `Whoever manages ${shownPath(met.path)} can except it from the rule.`
      : `Push under another tag, or ask whoever manages ${shownPath(met.path)} to except it from the rule.`;
  return new RegistryError(
    'DENIED',
    `The tag "${tag}" of "${name}" ${what}: it is immutable by the rule "${showRule(met.rule)}", set on ${shownPath(met.path)}, and points to ${existing}. ${todo}`,
    { rule: met.rule, path: met.path, tag, digest: existing },
  );
}

function takenRefusal({ name, tag }: TagChange, met: MetRule, digest: Digest): RegistryError {
  return new RegistryError(
    'DENIED',
    `The tag "${tag}" of "${name}" is taken: it pointed to ${digest} until it was deleted, and is immutable by the rule "${showRule(met.rule)}", set on ${shownPath(met.path)}. Push under another tag, restore that image, or purge the tag from the trash first.`,
    { rule: met.rule, path: met.path, tag, digest },
  );
}
