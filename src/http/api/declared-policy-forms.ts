// Policies of a declaration, each by the form of its kind. Here, because who reads declarations knows no
// kinds, and who knows the kinds knows no declarations.
import type { z } from 'zod';
import type { Declaration } from '../../access/people/declaration.ts';
import { pathPolicyTitle } from '../../access/people/declared-policies.ts';
import { POLICY_FORMS } from '../../lifecycle/policy-kinds.ts';
import { RegistryError } from '../../oci/errors.ts';
import { fieldProblem } from './field-problem.ts';

/** @returns the same, its policies as they would be stored. @throws RegistryError REQUEST_INVALID with the place. */
export function checkPolicyForms(declaration: Declaration): Declaration {
  const { policies } = declaration;
  if (policies === undefined) return declaration;
  const checked = policies.map((one) => {
    const form: z.ZodObject = POLICY_FORMS[one.kind];
    const parsed = form.safeParse(one.policy, { error: fieldProblem });
    if (parsed.success) return { ...one, policy: parsed.data };
    const [issue] = parsed.error.issues;
    const place = issue?.path.join('.') ?? '';
    throw new RegistryError(
      'REQUEST_INVALID',
      `The declaration is not valid: ${pathPolicyTitle(one)}: ${place === '' ? '' : `${place}: `}${issue?.message}.`,
    );
  });
  return { ...declaration, policies: checked };
}
