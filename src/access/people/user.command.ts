// Users: made, changed, disabled and deleted. Who may do so is decided where it is asked.
import { changeAccess, lockAccess } from '../../metadata/access-facts.ts';
import { revokeTokensOf } from '../../metadata/access-tokens.ts';
import { type Actor, recordAct, SYSTEM } from '../../metadata/audit.ts';
import { synced } from '../../metadata/command.ts';
import { deleteGrantsOf, insertGrant } from '../../metadata/grants.ts';
import { hasOtherOwner, organisationsOf, removeMemberships } from '../../metadata/organisations.ts';
import { removeAllPasskeys } from '../../metadata/passkeys.ts';
import { replaceRecoveryCodes } from '../../metadata/second-factor.ts';
import type { Transaction } from '../../metadata/sql.ts';
import { removeFromTeams } from '../../metadata/teams.ts';
import { identitiesOf, setRefreshToken } from '../../metadata/user-identities.ts';
import {
  hasAnyUser,
  readUser,
  setPasswordHash,
  setUserDisplayName,
  setUserEmail,
  setUserState,
  type User,
  type UserId,
} from '../../metadata/users.ts';
import { removeSecondFactor } from '../sign-in/second-factor.command.ts';
import { keepAnAdministrator } from './administrators.ts';
import { disableNamespace } from './disable-namespace.ts';
import { checkDisplayName, checkEmail, conflict, notFound } from './names.ts';
import { makeUser, makeUserOfAnyName, type NewUser } from './new-user.ts';

export function userCommands() {
  return {
    createUser: synced(createUser),
    ensureAdministrator: synced(ensureAdministrator),
    updateUser: synced(updateUser),
    setUserPassword: synced(setUserPassword),
    disableUser: synced((tx: Transaction, change: UserChange) => disable(tx, change)),
    enableUser: synced((tx: Transaction, change: UserChange) => enable(tx, change)),
    deleteUser: synced((tx: Transaction, change: UserChange) => remove(tx, change)),
  };
}

interface UserChange {
  readonly id: UserId;
  readonly actor: Actor;
}

async function createUser(tx: Transaction, user: NewUser & { actor: Actor }): Promise<UserId> {
  const id = await makeUser(tx, user);
  const { name, email, actor } = user;
  await recordAct(tx, { actor, action: 'user.create', target: `user ${name}`, detail: { email } });
  return id;
}

/** The first start: makes the administrator when there is no user at all. @returns whether it did. */
async function ensureAdministrator(
  tx: Transaction,
  { name, passwordHash }: { name: string; passwordHash: string },
): Promise<boolean> {
  await lockAccess(tx);
  if (await hasAnyUser(tx)) return false;
  const user = { name, displayName: '', email: null, passwordHash, adoptsNamespace: true };
  const id = await makeUserOfAnyName(tx, user);
  await insertGrant(tx, {
    subject: { kind: 'user', id },
    path: '',
    role: 'administrator',
    tags: null,
    condition: null,
    createdBy: SYSTEM.name,
  });
  await changeAccess(tx);
  await recordAct(tx, {
    actor: SYSTEM,
    action: 'user.create',
    target: `user ${name}`,
    detail: { role: 'administrator' },
  });
  return true;
}

/**
 * What is not given stays as it is. An address that a user writes down is their own word: with it they must
 * not become whom a provider knows by it.
 */
async function updateUser(
  tx: Transaction,
  change: UserChange & { displayName?: string; email?: string | null },
): Promise<void> {
  const user = await known(tx, change.id);
  const { displayName = user.displayName, email = user.email, actor } = change;
  checkDisplayName(displayName);
  checkEmail(email);
  const { id } = user;
  await setUserDisplayName(tx, { id, displayName: displayName || user.name });
  if (email !== user.email) {
    await setUserEmail(tx, { id, email, isUnchecked: actor.principal === `user:${id}` });
  }
  const before = { displayName: user.displayName, email: user.email };
  await recordAct(tx, {
    actor,
    action: 'user.update',
    target: `user ${user.name}`,
    detail: { before, displayName, email },
  });
}

interface PasswordOfUser extends UserChange {
  /** Null: the user signs in by other means only. */
  readonly passwordHash: string | null;
  /** Takes the second factor away as well: with one of both left over nobody would come in. */
  readonly isSecondFactorGone?: boolean;
  readonly systemUser?: string;
}

/** Ends everything that was signed in with the old one. */
async function setUserPassword(tx: Transaction, change: PasswordOfUser): Promise<void> {
  await lockAccess(tx);
  const user = await known(tx, change.id);
  if (change.isSecondFactorGone === true) {
    await removeSecondFactor(tx, { userId: user.id, actor: change.actor });
  }
  await setPasswordHash(tx, { id: user.id, hash: change.passwordHash });
  await changeAccess(tx);
  await recordAct(tx, {
    actor: change.actor,
    action: change.passwordHash === null ? 'user.remove-password' : 'user.set-password',
    target: `user ${user.name}`,
    ...(change.systemUser !== undefined && { detail: { systemUser: change.systemUser } }),
  });
}

async function disable(tx: Transaction, { id, actor }: UserChange): Promise<void> {
  await lockAccess(tx);
  const user = await known(tx, id);
  if (user.state === 'disabled') return;
  await keepAnAdministrator(tx, user);
  await setUserState(tx, { id, state: 'disabled' });
  await changeAccess(tx);
  await recordAct(tx, { actor, action: 'user.disable', target: `user ${user.name}` });
}

async function enable(tx: Transaction, { id, actor }: UserChange): Promise<void> {
  await lockAccess(tx);
  const user = await known(tx, id);
  if (user.state === 'active') return;
  await setUserState(tx, { id, state: 'active' });
  await changeAccess(tx);
  await recordAct(tx, { actor, action: 'user.enable', target: `user ${user.name}` });
}

/**
 * For good: secrets, tokens, rights and memberships go; the row and the name stay for history. Robots and
 * trust policies of their namespace are disabled, or somebody who left could go on by them.
 */
async function remove(tx: Transaction, { id, actor }: UserChange): Promise<void> {
  await lockAccess(tx);
  const user = await known(tx, id);
  await keepAnAdministrator(tx, user);
  await keepOwners(tx, user);
  await setUserState(tx, { id, state: 'deleted' });
  await forgetSecrets(tx, id);
  await revokeTokensOf(tx, { kind: 'user', id });
  await deleteGrantsOf(tx, { kind: 'user', id });
  await removeFromTeams(tx, { user: id });
  await removeMemberships(tx, id);
  const disabled = await disableNamespace(tx, user.name);
  await changeAccess(tx);
  const target = `user ${user.name}`;
  await recordAct(tx, { actor, action: 'user.delete', target, detail: { disabled } });
}

/** What proved who they were; the password and the authenticator's secret went with their state. */
async function forgetSecrets(tx: Transaction, id: UserId): Promise<void> {
  await removeAllPasskeys(tx, id);
  await replaceRecoveryCodes(tx, { user: id, hashes: [] });
  for (const { provider, subject } of await identitiesOf(tx, id)) {
    await setRefreshToken(tx, { provider, subject, token: null });
  }
}

async function keepOwners(tx: Transaction, user: User): Promise<void> {
  for (const { id, name, isOwner } of await organisationsOf(tx, user.id)) {
    if (isOwner && !(await hasOtherOwner(tx, { organisation: id, user: user.id }))) {
      throw conflict(
        `${user.name} is the last owner of the organisation ${name}. Make somebody else its owner first.`,
      );
    }
  }
}

async function known(tx: Transaction, id: UserId): Promise<User> {
  const user = await readUser(tx, id);
  if (user === undefined || user.state === 'deleted') throw notFound('There is no such user.');
  return user;
}
