// Making a user, by whatever way one comes: made by an administrator, invited, from a provider. The name
// must be free among users and organisations, and the namespace of it must not be somebody's already.
import { lockAccess } from '../../metadata/access-facts.ts';
import { aliasWithin } from '../../metadata/aliases.ts';
import { isAnythingGranted } from '../../metadata/grants.ts';
import { findOrganisation } from '../../metadata/organisations.ts';
import { isAnythingSet } from '../../metadata/path-settings.ts';
import { plansWithin } from '../../metadata/plans.ts';
import { anyRepositoryAt } from '../../metadata/repositories.ts';
import { listRobots } from '../../metadata/robots.ts';
import type { Transaction } from '../../metadata/sql.ts';
import { listTrash } from '../../metadata/trash-items.ts';
import { listTrustPolicies } from '../../metadata/trust-policies.ts';
import { findUser, insertUser, type UserId } from '../../metadata/users.ts';
import { checkAccountName, checkDisplayName, checkEmail, conflict } from './names.ts';

export interface NewUser {
  readonly name: string;
  /** Empty: the name. */
  readonly displayName: string;
  readonly email: string | null;
  /** Nobody but the user says that it is theirs. */
  readonly isEmailUnchecked?: boolean;
  /** argon2id, sealed; null = signs in by other means only. */
  readonly passwordHash: string | null;
  /** The new account may own a namespace where something is already: an administrator says so. */
  readonly adoptsNamespace: boolean;
}

/** @throws RegistryError REQUEST_INVALID for what cannot be a name, CONFLICT for a name that is taken. */
export async function makeUser(tx: Transaction, user: NewUser): Promise<UserId> {
  checkAccountName(user.name);
  return makeUserOfAnyName(tx, user);
}

/** As `makeUser`, for the one account whose name is reserved: the first administrator's. */
export async function makeUserOfAnyName(tx: Transaction, user: NewUser): Promise<UserId> {
  const { name, email, isEmailUnchecked = false, passwordHash, adoptsNamespace } = user;
  const displayName = user.displayName || name;
  checkDisplayName(displayName);
  checkEmail(email);
  await takeName(tx, { name, adoptsNamespace });
  const row = { name, displayName, email, isEmailUnchecked, passwordHash };
  const id = await insertUser(tx, row);
  if (id === undefined) throw taken(name);
  return id;
}

/** Names of users and organisations are one set. Nobody else takes the name until the transaction ends. */
export async function takeName(
  tx: Transaction,
  { name, adoptsNamespace }: { name: string; adoptsNamespace: boolean },
): Promise<void> {
  await lockAccess(tx);
  const user = await findUser(tx, name);
  if (user?.state === 'deleted') {
    throw conflict(
      `The name "${name}" was a user's who is deleted: history names them. Choose another.`,
    );
  }
  if (user !== undefined || (await findOrganisation(tx, name)) !== undefined) throw taken(name);
  if (adoptsNamespace) return;
  // Else whoever comes first and calls themselves that would own what others pushed or set.
  if (await isAnythingAt(tx, name)) {
    throw conflict(
      `There is a namespace "${name}" already, which this account would own. An administrator can make the account and hand it over.`,
    );
  }
}

async function isAnythingAt(tx: Transaction, path: string): Promise<boolean> {
  return (
    (await anyRepositoryAt(tx, path)) !== undefined ||
    (await isAnythingGranted(tx, path)) ||
    (await isAnythingSet(tx, path)) ||
    // What was deleted there could be restored by who owns the namespace, and what was renamed is reserved.
    (await listTrash(tx, { filter: { path }, after: undefined, limit: 1 })).length > 0 ||
    (await plansWithin(tx, { path, before: undefined, limit: 1 })).length > 0 ||
    (await aliasWithin(tx, path)) !== undefined ||
    (await listRobots(tx, { path, limit: 1 })).length > 0 ||
    (await listTrustPolicies(tx, { path, limit: 1 })).length > 0
  );
}

function taken(name: string): Error {
  return conflict(`The name "${name}" is taken. Choose another one.`);
}
