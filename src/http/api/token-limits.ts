// What a new access token may be, given the credential that makes it: whoever finds a token with limits
// must not get one without them.
import type { Condition } from '../../access/condition.ts';
import type { Scope } from '../../access/decide.ts';
import { isWithinScopes } from '../../access/tokens/narrower-scopes.ts';
import { parseScopes } from '../../access/tokens/scopes.ts';
import { type AccessToken, readAccessToken } from '../../metadata/access-tokens.ts';
import { RegistryError } from '../../oci/errors.ts';
import type { ApiCall } from './api-call.ts';

interface TokenLimits {
  readonly scopes: readonly Scope[] | undefined;
  readonly condition: Condition | undefined;
  /** null = never. */
  readonly expiresAt: number | null;
}

/** In the form of the command, with the condition and the end of the credential put in. @throws DENIED */
export async function limitsOfNew(
  call: ApiCall,
  wanted: TokenLimits,
): Promise<{ scopes?: readonly Scope[]; condition?: Condition; expiresAt: number | null }> {
  const { standing } = call.caller;
  const { scopes } = wanted;
  if (!isWithinScopes(scopes, standing.scopes)) {
    throw new RegistryError(
      'DENIED',
      'The new token may do no more than the one that makes it: give it scopes within its scopes.',
    );
  }
  const condition = standing.condition ?? wanted.condition;
  const isOther =
    standing.condition !== undefined &&
    wanted.condition !== undefined &&
    JSON.stringify(wanted.condition) !== JSON.stringify(standing.condition);
  if (isOther) {
    throw new RegistryError(
      'DENIED',
      'A token made with a token that has a condition has the same one. Leave it out.',
    );
  }
  const expiresAt = earlier(wanted.expiresAt, await endOf(call));
  return {
    ...(scopes !== undefined && { scopes }),
    ...(condition !== undefined && { condition }),
    expiresAt,
  };
}

/** Of a credential with limits; null = it sets none. */
async function endOf({ caller, parts }: ApiCall): Promise<number | null> {
  const { standing, identity } = caller;
  const isLimited = standing.scopes !== undefined || standing.condition !== undefined;
  if (!isLimited || identity.credential.kind !== 'access-token') return null;
  return (await readAccessToken(parts.sql, identity.credential.id))?.expiresAt ?? null;
}

function earlier(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.min(a, b);
}

/**
 * A rotation gives the secret of a token to whoever asks for it.
 * @returns the end of the new one, where there is something to say of it. @throws DENIED
 */
export async function refuseWiderRotation(
  call: ApiCall,
  { old, wanted }: { old: AccessToken; wanted: { expiresAt: number | null } | undefined },
): Promise<{ expiresAt?: number | null }> {
  const { standing } = call.caller;
  const scopes = old.scopes === null ? undefined : parseScopes(JSON.parse(old.scopes));
  const isSameCondition =
    standing.condition === undefined || old.condition === JSON.stringify(standing.condition);
  if (!isWithinScopes(scopes, standing.scopes) || !isSameCondition) {
    throw new RegistryError(
      'DENIED',
      'That token may do more than the one that was sent. Sign in with more rights to rotate it.',
    );
  }
  const end = await endOf(call);
  if (end === null) return wanted ?? {};
  const usual = old.expiresAt === null ? null : call.parts.now() + old.expiresAt - old.createdAt;
  return { expiresAt: earlier(wanted === undefined ? usual : wanted.expiresAt, end) };
}
