// Signing in with a name and a password: for people (`signIn`), and for clients that send a password
// themselves, where nobody is there to type a code (`signInForClients`).
import { countPasskeys } from '../../metadata/passkeys.ts';
import { countRecoveryCodes } from '../../metadata/second-factor.ts';
import type { Sql } from '../../metadata/sql.ts';
import type { UserSecrets } from '../../metadata/users.ts';
import { RegistryError } from '../../oci/errors.ts';
import {
  type PasswordGiven,
  type ProvenUser,
  provePassword,
  recordRefusedSignIn,
  type SignInContext,
  type SignInParts,
  wrongPassword,
} from './prove-password.ts';
import { readCode, type UsedFactor } from './second-factor-code.ts';

export interface SignedIn {
  readonly userId: number;
  readonly name: string;
  readonly epoch: number;
  /** `password`, `password+totp`, `password+recovery-code`, `passkey`; instead of `password` also `ldap`. */
  readonly method: string;
}

/** How a user with a second factor can go on. */
export type FactorKind = 'totp' | 'passkey' | 'recovery-code';

/** What is sent with the demand for a code, so that a page can ask for it. */
const CODE_WANTED = { secondFactor: true } as const;

/**
 * @throws RegistryError UNAUTHORIZED; with `secondFactor` and its `methods` in the detail when the
 * password is right and a code is missing. TOOMANYREQUESTS with `retryAfterSeconds` after failures.
 */
export async function signIn(
  parts: SignInParts,
  given: PasswordGiven & { readonly code?: string | undefined },
  context: SignInContext,
): Promise<SignedIn> {
  const proven = await provePassword(parts, given, context);
  const methods = await factorsOf(parts.sql, proven.user);
  if (methods.length === 0) return finish(parts, { proven, given, context });
  if (given.code === undefined || given.code === '') {
    const detail = { ...CODE_WANTED, methods };
    throw new RegistryError('UNAUTHORIZED', 'Your second factor is needed too.', detail);
  }
  parts.throttle.beginCode(proven.user.id);
  const factor = await readCode(parts, { user: proven.user, code: given.code });
  if (factor === undefined) throw wrongCode(parts, { proven, given, context });
  const signedIn = await finish(parts, { proven, given, factor, context });
  parts.throttle.codeWasRight(proven.user.id);
  return signedIn;
}

/**
 * For Basic authentication and the token service.
 * @throws RegistryError as `signIn`; UNAUTHORIZED with `accessTokenNeeded` in its detail when the user
 * has a second factor.
 */
export async function signInForClients(
  parts: SignInParts,
  given: PasswordGiven,
  context: SignInContext,
): Promise<SignedIn> {
  const proven = await provePassword(parts, given, context);
  if ((await factorsOf(parts.sql, proven.user)).length > 0) {
    const why = 'the second factor was not asked for: an access token is needed';
    if (proven.isFresh) recordRefusedSignIn(parts, { given, context, why });
    throw new RegistryError(
      'UNAUTHORIZED',
      'This account has a second factor, so its password alone does not sign in a client. Use an access token as the password: make one with "entrepot token create" or with the API.',
      { accessTokenNeeded: true },
    );
  }
  const { user, method, isFresh } = proven;
  // A client sends its password again and again: what was put on record a moment ago is not written again.
  if (!isFresh) return { userId: user.id, name: user.name, epoch: user.epoch, method };
  return finish(parts, { proven, given, context });
}

/** What a user has besides the password; none = the password is enough. */
export async function factorsOf(
  sql: Sql,
  user: Pick<UserSecrets, 'id' | 'totpConfirmed'>,
): Promise<FactorKind[]> {
  const methods: FactorKind[] = [];
  if (user.totpConfirmed === 1) methods.push('totp');
  if ((await countPasskeys(sql, user.id)) > 0) methods.push('passkey');
  if (methods.length === 0) return methods;
  if ((await countRecoveryCodes(sql, user.id)) > 0) methods.push('recovery-code');
  return methods;
}

interface Ending {
  readonly proven: ProvenUser;
  readonly given: PasswordGiven;
  readonly context: SignInContext;
  readonly factor?: UsedFactor;
}

async function finish(parts: SignInParts, ending: Ending): Promise<SignedIn> {
  const { proven, context, factor } = ending;
  const { id: userId, name, epoch } = proven.user;
  const method = factor === undefined ? proven.method : `${proven.method}+${factor.kind}`;
  const actor = { ...context, name, principal: `user:${userId}`, credential: 'password' };
  const end = { userId, epoch, factor, method, actor };
  if (await parts.commands.run('finishSignIn', end)) return { userId, name, epoch, method };
  throw factor === undefined ? wrongPassword() : wrongCode(parts, ending);
}

/** Says the same of a code that is wrong and of one that was used. */
function wrongCode(parts: SignInParts, { proven, given, context }: Ending): RegistryError {
  parts.throttle.failed({ account: proven.user.name, address: context.address });
  recordRefusedSignIn(parts, { given, context, why: 'wrong code of the second factor' });
  return new RegistryError('UNAUTHORIZED', 'The code is wrong, or was used before.', CODE_WANTED);
}
