// Grants, settings, policies and trust policies of a path and all below it, as one text that people keep in
// a repository; and what is to be done so that the registry is as it says. Pure: reads and changes nothing.
import { z } from 'zod';
import { isRepositoryName } from '../../oci/repository-name.ts';
import { storedCondition } from '../condition.ts';
import { CONDITION, parseCondition } from '../condition-form.ts';
import { trustPolicySchema } from '../keyless/trust-policy.ts';
import { isAtOrBelow } from '../pattern.ts';
import {
  type DeclaredPathPolicy,
  type PathPolicyChange,
  pathPolicyChanges,
  pathPolicySchema,
  pathPolicyTitle,
} from './declared-policies.ts';
import { invalid } from './names.ts';

const path = z
  .string()
  .max(255)
  .refine((text): boolean => text === '' || isRepositoryName(text), {
    message: 'is no namespace or repository',
  });

const subject = z
  .string()
  .max(512)
  .refine(
    (text) =>
      /^((user|organisation):[^:/]+|team:[^:/]+\/[^:/]+|robot:.*:[^:]+|signed-in|anyone)$/.test(
        text,
      ),
    {
      message:
        'is nobody: write user:alice, team:acme/core, robot:team/backend:ci, organisation:acme, signed-in or anyone',
    },
  );

const setting = z.strictObject({
  path,
  visibility: z.enum(['private', 'internal', 'public']).optional(),
  creation: z.enum(['push', 'explicit']).optional(),
});

const grant = z.strictObject({
  role: z.string().min(1).max(64),
  to: subject,
  on: path,
  tags: z.array(z.string()).min(1).optional(),
  condition: CONDITION.optional().transform((value) => parseCondition(value)),
});

const policy = trustPolicySchema.extend({ path, isDisabled: z.boolean().default(false) });

/** A section that is absent is left as it is; one that is empty says that there is nothing. */
const declaration = z.strictObject({
  path,
  paths: z.array(setting).optional(),
  grants: z.array(grant).optional(),
  policies: z.array(pathPolicySchema(path)).optional(),
  trustPolicies: z.array(policy).optional(),
});

export type DeclaredSetting = z.output<typeof setting>;
export type DeclaredGrant = z.output<typeof grant>;
export type DeclaredPolicy = z.output<typeof policy>;
export type Declaration = z.output<typeof declaration>;

/** What is there, with the numbers by which it is taken away. */
export interface Declared {
  readonly path: string;
  readonly paths: readonly DeclaredSetting[];
  readonly grants: readonly (DeclaredGrant & { readonly id: number })[];
  readonly policies: readonly DeclaredPathPolicy[];
  readonly trustPolicies: readonly (DeclaredPolicy & { readonly id: number })[];
}

export type DeclaredChange =
  | PathPolicyChange
  | { readonly kind: 'add-grant'; readonly grant: DeclaredGrant }
  | { readonly kind: 'remove-grant'; readonly id: number; readonly grant: DeclaredGrant }
  | {
      readonly kind: 'set-path';
      readonly before: DeclaredSetting;
      readonly after: DeclaredSetting;
    }
  | { readonly kind: 'add-policy'; readonly policy: DeclaredPolicy }
  | {
      readonly kind: 'change-policy';
      readonly id: number;
      readonly before: DeclaredPolicy;
      readonly policy: DeclaredPolicy;
    }
  | { readonly kind: 'remove-policy'; readonly id: number; readonly policy: DeclaredPolicy };

/** @throws RegistryError REQUEST_INVALID with the place and what is wrong there. */
export function parseDeclaration(input: unknown): Declaration {
  const parsed = declaration.safeParse(input);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const place = issue?.path.join('.') ?? '';
    throw invalid(
      `The declaration is not valid: ${place === '' ? '' : `${place}: `}${issue?.message}.`,
    );
  }
  const declared = parsed.data;
  const { paths = [], grants = [], policies = [], trustPolicies = [] } = declared;
  const places = [...paths, ...policies, ...trustPolicies].map((one) => one.path);
  const outside = [...places, ...grants.map(({ on }) => on)].find(
    (one) => !isAtOrBelow(one, declared.path),
  );
  if (outside !== undefined) {
    throw invalid(
      `The declaration is of ${shown(declared.path)}, and "${outside}" is not at or below it.`,
    );
  }
  if (declared.path === '' && declared.grants !== undefined && !grants.some(isAdministrator)) {
    throw invalid(
      'The declaration of the root names no administrator: nobody could change it again.',
    );
  }
  refuseTwice(
    'the path',
    paths.map((one) => shown(one.path)),
  );
  refuseTwice('the', policies.map(pathPolicyTitle));
  refuseTwice('the trust policy', trustPolicies.map(policyTitle));
  refuseTwice('a grant', grants.map(grantKey));
  return declared;
}

function isAdministrator({ role, to }: DeclaredGrant): boolean {
  return role === 'administrator' && to.startsWith('user:');
}

function refuseTwice(what: string, keys: readonly string[]): void {
  const twice = keys.find((key, at) => keys.indexOf(key) < at);
  if (twice !== undefined) throw invalid(`The declaration names ${what} ${twice} twice.`);
}

/**
 * What makes `there` be as `wanted` says. First what adds, then what takes away, so that nobody loses for a
 * moment what they have before and after.
 */
export function differenceOf(there: Declared, wanted: Declaration): DeclaredChange[] {
  const changes = [
    ...settingChanges(there.paths, wanted.paths),
    ...grantChanges(there.grants, wanted.grants),
    ...pathPolicyChanges(there.policies, wanted.policies),
    ...policyChanges(there.trustPolicies, wanted.trustPolicies),
  ];
  const isRemoval = ({ kind }: DeclaredChange): boolean => kind.startsWith('remove-');
  return [...changes.filter((one) => !isRemoval(one)), ...changes.filter(isRemoval)];
}

function settingChanges(
  there: readonly DeclaredSetting[],
  wanted: readonly DeclaredSetting[] | undefined,
): DeclaredChange[] {
  if (wanted === undefined) return [];
  const paths = [...new Set([...wanted, ...there].map((one) => one.path))];
  return paths.flatMap((at) => {
    const before = there.find((one) => one.path === at) ?? { path: at };
    const after = wanted.find((one) => one.path === at) ?? { path: at };
    const isSame = before.visibility === after.visibility && before.creation === after.creation;
    return isSame ? [] : [{ kind: 'set-path' as const, before, after }];
  });
}

function grantChanges(
  there: Declared['grants'],
  wanted: readonly DeclaredGrant[] | undefined,
): DeclaredChange[] {
  if (wanted === undefined) return [];
  const has = new Set(there.map(grantKey));
  const wants = new Set(wanted.map(grantKey));
  const added = wanted.filter((one) => !has.has(grantKey(one)));
  const removed = there.filter((one) => !wants.has(grantKey(one)));
  return [
    ...added.map((one) => ({ kind: 'add-grant' as const, grant: one })),
    ...removed.map(({ id, ...one }) => ({ kind: 'remove-grant' as const, id, grant: one })),
  ];
}

function policyChanges(
  there: Declared['trustPolicies'],
  wanted: readonly DeclaredPolicy[] | undefined,
): DeclaredChange[] {
  if (wanted === undefined) return [];
  const changed = wanted.flatMap((after): DeclaredChange[] => {
    const found = there.find((one) => policyTitle(one) === policyTitle(after));
    if (found === undefined) return [{ kind: 'add-policy', policy: after }];
    const { id, ...before } = found;
    if (isSamePolicy(before, after)) return [];
    return [{ kind: 'change-policy', id, before, policy: after }];
  });
  const kept = new Set(wanted.map(policyTitle));
  const removed = there
    .filter((one) => !kept.has(policyTitle(one)))
    .map(({ id, ...one }) => ({ kind: 'remove-policy' as const, id, policy: one }));
  return [...changed, ...removed];
}

/** All that makes one grant another. */
function grantKey({ role, to, on, tags, condition }: DeclaredGrant): string {
  return JSON.stringify([role, to, on, tags ?? null, storedCondition(condition)]);
}

/** Whether what it says is the same; in what order claims are named says nothing. */
export function isSamePolicy(one: DeclaredPolicy, other: DeclaredPolicy): boolean {
  return policyText(one) === policyText(other);
}

function policyText(one: DeclaredPolicy): string {
  const { issuer, audience, conditions, grants, lifetimeSeconds, isDisabled } = one;
  const claims = Object.entries(conditions).sort(([a], [b]) => (a < b ? -1 : 1));
  const rights = grants.map(({ actions, names }) => [actions, names]);
  return JSON.stringify([issuer, audience, claims, rights, lifetimeSeconds, isDisabled]);
}

function policyTitle({ path: at, name }: Pick<DeclaredPolicy, 'path' | 'name'>): string {
  return `${at}:${name}`;
}

function shown(at: string): string {
  return at === '' ? 'the root' : at;
}
