// The user for an account that nobody here has yet: the one who asked, the one with the same e-mail, or a
// new one. Each of these but the first must be allowed in the settings of the provider.
import { readUserFacts } from '../../metadata/access-facts.ts';
import { type Actor, recordAct } from '../../metadata/audit.ts';
import { countPasskeys } from '../../metadata/passkeys.ts';
import type { Transaction } from '../../metadata/sql.ts';
import { findUsersByEmail, readUser, type User } from '../../metadata/users.ts';
import { RegistryError } from '../../oci/errors.ts';
import { ACCESS_LIMITS } from '../people/limits.ts';
import { makeUser } from '../people/new-user.ts';
import {
  type EntryRules,
  type ExternalAccount,
  providerTitle,
  userNameOf,
} from './external-account.ts';

interface Newcomer {
  readonly account: ExternalAccount;
  readonly rules: EntryRules;
  readonly linkTo: number | null;
  readonly actor: Actor;
}

/** @throws RegistryError DENIED, with what would let them in. */
export async function userForNewAccount(tx: Transaction, newcomer: Newcomer): Promise<User> {
  const { account, rules, linkTo } = newcomer;
  if (linkTo !== null) return signedInUser(tx, linkTo);
  const linked = rules.linkByEmail ? await userOfEmail(tx, account) : undefined;
  if (linked !== undefined) return linked;
  if (rules.allowSignUp) return signUp(tx, newcomer);
  throw new RegistryError(
    'DENIED',
    `No user here belongs to the account "${account.name}" of ${providerTitle(account.provider)}, and accounts are not made at the first sign-in. Ask an administrator, or sign in another way and link it.`,
  );
}

async function signedInUser(tx: Transaction, id: number): Promise<User> {
  const user = await readUser(tx, id);
  if (user !== undefined) return user;
  throw new RegistryError('DENIED', 'The user who asked for this link is not there any more.');
}

/**
 * An e-mail is a weaker proof than a password: it never opens an account of an administrator, nor one
 * that asks for a second factor.
 */
async function userOfEmail(tx: Transaction, account: ExternalAccount): Promise<User | undefined> {
  const { email, isEmailVerified } = account;
  if (email === undefined || !isEmailVerified) return undefined;
  const [user, ...others] = (await findUsersByEmail(tx, email)).filter(
    ({ state }) => state !== 'deleted',
  );
  if (user === undefined) return undefined;
  const asksMore = user.hasTotp || (await countPasskeys(tx, user.id)) > 0;
  const isCertain = others.length === 0 && !asksMore && !(await isAdministrator(tx, user.id));
  if (isCertain) return user;
  throw new RegistryError(
    'DENIED',
    `The e-mail ${email} belongs to a user here whom it alone cannot sign in. Sign in as that user, then link the account of ${providerTitle(account.provider)}.`,
  );
}

async function isAdministrator(tx: Transaction, user: number): Promise<boolean> {
  const facts = await readUserFacts(tx, user);
  return facts?.rights.some(({ role }) => role === 'administrator') ?? false;
}

/** The provider's word for somebody must be free here: it is never changed into another one. */
async function signUp(tx: Transaction, { account, actor }: Newcomer): Promise<User> {
  const { provider, displayName, email, isEmailVerified } = account;
  const name = userNameOf(account.name);
  const id = await makeUser(tx, {
    name,
    displayName: displayName.slice(0, ACCESS_LIMITS.displayNameLength),
    // What nobody has checked must not pass for theirs later.
    email: isEmailVerified && email !== undefined ? email : null,
    passwordHash: null,
    adoptsNamespace: false,
  }).catch((error: unknown) => {
    throw withWayOut(error, account);
  });
  const user = await readUser(tx, id);
  if (user === undefined) throw new Error('a user was not there after it was made');
  const target = `user ${name}`;
  await recordAct(tx, { actor, action: 'user.create', target, detail: { provider } });
  return user;
}

/** Nobody can choose another name at this point: say what else there is to do. */
function withWayOut(error: unknown, { name, provider }: ExternalAccount): unknown {
  if (!(error instanceof RegistryError)) return error;
  const sentence = `No user can be made here for the account "${name}" of ${providerTitle(provider)}: ${error.message} If a user here is yours, sign in another way and link this account; if not, ask an administrator.`;
  return new RegistryError('CONFLICT', sentence, undefined, { cause: error });
}
