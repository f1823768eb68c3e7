// The kinds of policies: the form of each, and who may set it. What they mean is in the folders of their names.
import type { z } from 'zod';
import type { Question } from '../access/decide.ts';
import type { PolicyKind } from '../metadata/version-schema.ts';
import { namespaceOf, type RepositoryName } from '../oci/repository-name.ts';
import { IMMUTABILITY_POLICY } from './immutability/policy-form.ts';
import { QUOTA_POLICY } from './quota/policy-form.ts';
import { RETENTION_POLICY } from './retention/policy-form.ts';
import { TRASH_POLICY } from './trash/policy-form.ts';

export const POLICY_FORMS = {
  immutability: IMMUTABILITY_POLICY,
  retention: RETENTION_POLICY,
  quota: QUOTA_POLICY,
  trash: TRASH_POLICY,
} satisfies Record<PolicyKind, z.ZodObject>;

/**
 * The right that one must have to set a policy or take it away. A quota is set from above: who manages what
 * it limits would lift it.
 */
export function rightToSet({ kind, path }: { kind: PolicyKind; path: string }): Question {
  if (kind !== 'quota') return { action: 'manage', path };
  const above = namespaceOf(path as RepositoryName);
  return above === '' ? { action: 'administer', path: '' } : { action: 'manage', path: above };
}
