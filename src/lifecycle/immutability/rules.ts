// What an immutability policy says, and which of its rules meets a tag. Asked inside transactions, so it
// knows no zod: documents were checked when they were set (`policy-form.ts`).
import { matchesGlob } from '../../access/glob.ts';
import type { PathPolicy } from '../../metadata/policies.ts';
import { imageOfSignatureTag } from '../signature-tag.ts';

export interface ImmutabilityRule {
  /** Patterns, one of which the tag must fit. */
  readonly tags: readonly string[];
  /** Patterns of tags that are not meant. */
  readonly except?: readonly string[] | undefined;
  /** Such tags may go when a retention policy says so. */
  readonly mayExpire?: boolean | undefined;
}

/** The first rule that meets a tag holds. No rules: nothing is immutable there, whatever holds above. */
export interface ImmutabilityPolicy {
  readonly rules: readonly ImmutabilityRule[];
}

export interface MetRule {
  readonly rule: ImmutabilityRule;
  /** Where it is set. */
  readonly path: string;
}

/** The rule that makes a tag immutable, from the policies that hold at its repository, the root's first. */
export function ruleThatMeets(
  policies: readonly PathPolicy[],
  { tag }: { tag: string },
): MetRule | undefined {
  const nearest = policies.findLast(({ kind }) => kind === 'immutability');
  if (nearest === undefined) return undefined;
  const { rules } = JSON.parse(nearest.document) as ImmutabilityPolicy;
  const rule = rules.find(
    ({ tags, except = [] }) => fitsAny(meant(tags, tag), { tag }) && !fitsAny(except, { tag }),
  );
  return rule && { rule, path: nearest.path };
}

const NAMES_SIGNATURES = /^sha(256|512)-/;

/**
 * `*` is meant for versions of an image: cosign moves the tag `sha256-….sig` with each signature that it adds.
 * Only a pattern that begins as such tags do means them.
 */
function meant(patterns: readonly string[], tag: string): readonly string[] {
  if (imageOfSignatureTag(tag) === undefined) return patterns;
  return patterns.filter((pattern) => NAMES_SIGNATURES.test(pattern));
}

function fitsAny(patterns: readonly string[], { tag }: { tag: string }): boolean {
  return patterns.some((pattern) => matchesGlob(pattern, tag, { isPath: false }));
}

/** As a person reads it: `v* except v*-rc*`. */
export function showRule({ tags, except = [] }: ImmutabilityRule): string {
  const without = except.length === 0 ? '' : ` except ${except.join(', ')}`;
  return `${tags.join(', ')}${without}`;
}
