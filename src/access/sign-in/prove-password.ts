// Whether a name and a password are somebody's. Whatever is wrong with the account, the answer and its
// price are the same: nobody learns which names there are.
import type { Act, Actor } from '../../metadata/audit.ts';
import type { Commands } from '../../metadata/command.ts';
import type { Clock, Sql } from '../../metadata/sql.ts';
import { findUserSecrets, readUserSecrets, type UserSecrets } from '../../metadata/users.ts';
import { type ErrorCode, RegistryError } from '../../oci/errors.ts';
import { isRepositoryName } from '../../oci/repository-name.ts';
import type { Seal } from '../seal.ts';
import type { SignInCommands } from './commands.ts';
import type { Passwords } from './password.ts';
import type { PasswordCache } from './password-cache.ts';
import type { Throttle } from './throttle.ts';

/** From where somebody signs in. */
export type SignInContext = Pick<Actor, 'address' | 'client' | 'requestId'>;

/** Another place that knows people's passwords, such as a directory. */
export interface PasswordsElsewhere {
  /** What a sign-in by it is called, such as `ldap`. */
  readonly method: string;
  /** @returns undefined when the password is wrong. @throws RegistryError when it cannot be asked. */
  signIn(
    given: { name: string; password: string },
    context: SignInContext,
  ): Promise<{ readonly userId: number } | undefined>;
}

export interface SignInParts {
  readonly sql: Sql;
  readonly commands: Commands<SignInCommands>;
  readonly passwords: Passwords;
  readonly cache: PasswordCache;
  readonly throttle: Throttle;
  readonly seal: Seal;
  readonly now: Clock;
  sleep(ms: number): Promise<void>;
  /** Puts a refusal on record; never throws. */
  recordRefusal(act: Act): void;
  /** Asked for those who have no password here. */
  readonly elsewhere?: PasswordsElsewhere | undefined;
}

export interface PasswordGiven {
  /** In any case. */
  readonly name: string;
  readonly password: string;
}

export interface ProvenUser {
  readonly user: UserSecrets;
  /** `password`, or that of the other place. */
  readonly method: string;
  /** Compared just now, not a moment ago. */
  readonly isFresh: boolean;
}

/** @throws RegistryError UNAUTHORIZED, TOOMANYREQUESTS with `retryAfterSeconds`. */
export async function provePassword(
  parts: SignInParts,
  given: PasswordGiven,
  context: SignInContext,
): Promise<ProvenUser> {
  const { throttle, cache, passwords, sql } = parts;
  const { password } = given;
  const name = given.name.toLowerCase();
  const attempt = { account: name, address: context.address };
  throttle.check(attempt);
  // What cannot be a name is looked up as one that nobody has: the same statement, the same time.
  const row = await findUserSecrets(sql, isUserName(name) ? name : '');
  const user = row?.state === 'active' ? row : undefined;
  const isKnown = () => user !== undefined && cache.has(keyOf(user, password));
  if (user !== undefined && isKnown()) {
    throttle.succeeded(attempt);
    return { user, method: methodOf(parts, user), isFresh: false };
  }
  await parts.sleep(throttle.delayMs(attempt));
  let wasKnown = false;
  const isRight = await passwords.verify({
    password,
    hash: user?.passwordHash ?? undefined,
    onTurn() {
      // Others that waited before this one may have failed, or have been right.
      throttle.check(attempt);
      wasKnown = isKnown();
      return wasKnown;
    },
  });
  const found =
    user !== undefined && isRight
      ? user
      : await askElsewhere(parts, { row, given: { name, password }, context });
  if (found === undefined) {
    throttle.failed(attempt);
    const isUser = row !== undefined;
    recordRefusedSignIn(parts, { given, isUser, context, why: 'wrong name or password' });
    throw wrongPassword();
  }
  throttle.succeeded(attempt);
  if (!wasKnown) cache.remember(keyOf(found, password));
  return { user: found, method: methodOf(parts, found), isFresh: !wasKnown };
}

const REFUSALS: readonly ErrorCode[] = ['UNAUTHORIZED', 'DENIED', 'CONFLICT'];

/** Somebody with a password here, or who may not sign in, is not asked for at the other place. */
async function askElsewhere(
  parts: SignInParts,
  asked: { row: UserSecrets | undefined; given: PasswordGiven; context: SignInContext },
): Promise<UserSecrets | undefined> {
  const { elsewhere, sql } = parts;
  const { row, given, context } = asked;
  if (elsewhere === undefined || !isUserName(given.name)) return undefined;
  if (row !== undefined && (row.state !== 'active' || row.passwordHash !== null)) return undefined;
  const entered = await elsewhere.signIn(given, context).catch((error: unknown) => {
    // Right there, and not let in here; a directory that is away refuses nobody.
    const isRefused = error instanceof RegistryError && REFUSALS.includes(error.code);
    if (isRefused) recordRefusedSignIn(parts, { given, context, why: error.message });
    throw error;
  });
  const user = entered && (await readUserSecrets(sql, entered.userId));
  return user?.state === 'active' ? user : undefined;
}

function methodOf({ elsewhere }: SignInParts, user: UserSecrets): string {
  return user.passwordHash === null && elsewhere !== undefined ? elsewhere.method : 'password';
}

function keyOf({ id, epoch }: UserSecrets, password: string) {
  return { userId: id, epoch, password };
}

export function wrongPassword(): RegistryError {
  return new RegistryError('UNAUTHORIZED', 'The user name or the password is wrong.');
}

export function recordRefusedSignIn(
  parts: Pick<SignInParts, 'recordRefusal'>,
  refusal: { given: PasswordGiven; isUser?: boolean; context: SignInContext; why: string },
): void {
  const { given, isUser = true, context, why } = refusal;
  parts.recordRefusal({
    actor: { ...context, name: 'anonymous', principal: 'anonymous', credential: '' },
    action: 'sign-in',
    // What nobody is called may be a password in the wrong field.
    target: isUser ? `user ${given.name.toLowerCase()}` : 'user (of no known name)',
    outcome: 'refused',
    detail: { why },
  });
}

function isUserName(name: string): boolean {
  return isRepositoryName(name) && !name.includes('/');
}
