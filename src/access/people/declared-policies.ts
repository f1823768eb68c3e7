// The section of a declaration with the policies of paths: retention, immutable tags, quotas, the trash. Knows
// no form of theirs: who applies a declaration reads each by its form first.
import { z } from 'zod';
import type { PolicyKind } from '../../metadata/version-schema.ts';

const KINDS = ['immutability', 'retention', 'quota', 'trash'] as const satisfies PolicyKind[];

/** `path`: as in every other section. */
export function pathPolicySchema(path: z.ZodType<string>) {
  return z.strictObject({
    path,
    kind: z.enum(KINDS),
    policy: z.record(z.string(), z.unknown()),
  });
}

export interface DeclaredPathPolicy {
  readonly path: string;
  readonly kind: PolicyKind;
  readonly policy: Readonly<Record<string, unknown>>;
}

/** `before` undefined: there was none; `after` undefined: there is to be none. */
export type PathPolicyChange =
  | {
      readonly kind: 'set-path-policy';
      readonly before: DeclaredPathPolicy | undefined;
      readonly after: DeclaredPathPolicy;
    }
  | { readonly kind: 'remove-path-policy'; readonly before: DeclaredPathPolicy };

/** `wanted` undefined: they stay as they are. */
export function pathPolicyChanges(
  there: readonly DeclaredPathPolicy[],
  wanted: readonly DeclaredPathPolicy[] | undefined,
): PathPolicyChange[] {
  if (wanted === undefined) return [];
  const has = new Map(there.map((one) => [pathPolicyTitle(one), one]));
  const kept = new Set(wanted.map(pathPolicyTitle));
  const set = wanted.flatMap((after): PathPolicyChange[] => {
    const before = has.get(pathPolicyTitle(after));
    if (before !== undefined && sameText(before.policy) === sameText(after.policy)) return [];
    return [{ kind: 'set-path-policy', before, after }];
  });
  const removed = there
    .filter((one) => !kept.has(pathPolicyTitle(one)))
    .map((before) => ({ kind: 'remove-path-policy' as const, before }));
  return [...set, ...removed];
}

export function pathPolicyTitle({ kind, path }: Pick<DeclaredPathPolicy, 'path' | 'kind'>): string {
  return `${kind} policy on ${path === '' ? 'the root' : path}`;
}

/** What it says in one text, undefined of undefined: in what order its fields are named says nothing. */
export function sameText(value: unknown): string | undefined {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part !== 'object' || part === null || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
