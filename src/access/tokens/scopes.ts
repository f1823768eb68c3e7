// Scopes of an access token, as people write them: actions on patterns of names.
import { z } from 'zod';
import { RegistryError } from '../../oci/errors.ts';
import { LIMITS } from '../../oci/limits.ts';
import { ACTIONS } from '../action.ts';
import type { Scope } from '../decide.ts';
import { isCostly } from '../pattern.ts';
import { ACCESS_LIMITS } from '../people/limits.ts';

/** A path, or one with stars: `team/**`, `*` , `**`; '' is the registry as a whole, for `administer`. */
const pattern = z
  .string()
  .max(LIMITS.repositoryNameLength)
  .regex(/^[a-z0-9._/*-]*$/, { error: 'is no pattern of names, such as team/app or team/**' });

export const SCOPES = z
  .array(
    z.strictObject({
      actions: z.array(z.enum(ACTIONS)).min(1),
      names: z.array(pattern).min(1).max(ACCESS_LIMITS.scopeNames),
    }),
  )
  .max(ACCESS_LIMITS.scopes)
  .refine(
    (scopes) =>
      scopes.flatMap(({ names }) => names).filter(isCostly).length <= ACCESS_LIMITS.costlyPatterns,
    {
      error: `have more than ${ACCESS_LIMITS.costlyPatterns} patterns with * or ? elsewhere than in a last /**`,
    },
  );

/** @returns undefined: everything that its owner may. @throws RegistryError REQUEST_INVALID */
export function parseScopes(value: unknown): readonly Scope[] | undefined {
  if (value === undefined || value === null) return undefined;
  const parsed = SCOPES.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const at = issue?.path.join('.') || 'the whole';
  throw new RegistryError('REQUEST_INVALID', `The scopes are not valid: ${at}: ${issue?.message}.`);
}
