// Organisations and their members. An organisation always has an owner.
import { changeAccess, lockAccess } from '../../metadata/access-facts.ts';
import { type Actor, recordAct } from '../../metadata/audit.ts';
import { synced } from '../../metadata/command.ts';
import {
  findMember,
  hasOtherOwner,
  insertOrganisation,
  type Organisation,
  type OrganisationId,
  putMember,
  readOrganisation,
  removeMember,
  setOrganisationName,
} from '../../metadata/organisations.ts';
import type { Transaction } from '../../metadata/sql.ts';
import { removeFromTeams } from '../../metadata/teams.ts';
import { readUser, type User, type UserId } from '../../metadata/users.ts';
import { dropOrganisation } from './delete-organisation.command.ts';
import { checkAccountName, checkDisplayName, conflict, notFound } from './names.ts';
import { takeName } from './new-user.ts';

export function organisationCommands() {
  return {
    createOrganisation: synced(createOrganisation),
    renameOrganisation: synced(renameOrganisation),
    deleteOrganisation: synced(dropOrganisation),
    setMember: synced(setMember),
    removeMember: synced(dropMember),
  };
}

interface MemberChange {
  readonly organisation: OrganisationId;
  readonly user: UserId;
  readonly actor: Actor;
}

interface NewOrganisation {
  readonly name: string;
  /** Empty: the name. */
  readonly displayName: string;
  readonly owner: UserId;
  /** As for a user. */
  readonly adoptsNamespace: boolean;
  readonly actor: Actor;
}

async function createOrganisation(
  tx: Transaction,
  { name, displayName, owner, adoptsNamespace, actor }: NewOrganisation,
): Promise<OrganisationId> {
  checkAccountName(name);
  checkDisplayName(displayName);
  await takeName(tx, { name, adoptsNamespace });
  const user = await activeUser(tx, owner);
  const organisation = await insertOrganisation(tx, { name, displayName: displayName || name });
  if (organisation === undefined) throw conflict(`The name "${name}" is taken.`);
  await putMember(tx, { organisation, user: owner, isOwner: true });
  // Its owner owns the namespace from now on.
  await changeAccess(tx);
  await recordAct(tx, {
    actor,
    action: 'organisation.create',
    target: `organisation ${name}`,
    detail: { owner: user.name },
  });
  return organisation;
}

/** Changes the display name; the name itself stands in the names of repositories and stays. */
async function renameOrganisation(
  tx: Transaction,
  change: { id: OrganisationId; displayName: string; actor: Actor },
): Promise<void> {
  const { name } = await known(tx, change.id);
  checkDisplayName(change.displayName);
  const displayName = change.displayName || name;
  await setOrganisationName(tx, { id: change.id, displayName });
  await recordAct(tx, {
    actor: change.actor,
    action: 'organisation.update',
    target: `organisation ${name}`,
    detail: { displayName },
  });
}

/** Adds a member, or says anew whether they own the organisation. */
async function setMember(
  tx: Transaction,
  change: MemberChange & { isOwner: boolean },
): Promise<void> {
  await lockAccess(tx);
  const organisation = await known(tx, change.organisation);
  const before = await findMember(tx, change);
  if (before?.isOwner === change.isOwner) return;
  const user = await activeUser(tx, change.user);
  if (before?.isOwner === true) await keepAnOwner(tx, change, organisation);
  await putMember(tx, change);
  await changeAccess(tx);
  await recordAct(tx, {
    actor: change.actor,
    action: before === undefined ? 'organisation.add-member' : 'organisation.set-member',
    target: `organisation ${organisation.name}`,
    detail: { user: user.name, isOwner: change.isOwner },
  });
}

/** From its teams too, by whatever source they were in them. */
async function dropMember(tx: Transaction, change: MemberChange): Promise<void> {
  await lockAccess(tx);
  const organisation = await known(tx, change.organisation);
  const before = await findMember(tx, change);
  if (before === undefined) {
    throw notFound(`They are not a member of the organisation ${organisation.name}.`);
  }
  if (before.isOwner) await keepAnOwner(tx, change, organisation);
  await removeMember(tx, change);
  await removeFromTeams(tx, change);
  await changeAccess(tx);
  const user = await readUser(tx, change.user);
  await recordAct(tx, {
    actor: change.actor,
    action: 'organisation.remove-member',
    target: `organisation ${organisation.name}`,
    detail: { user: user?.name },
  });
}

async function keepAnOwner(
  tx: Transaction,
  change: MemberChange,
  { name }: Organisation,
): Promise<void> {
  if (await hasOtherOwner(tx, change)) return;
  throw conflict(
    `They are the last owner of the organisation ${name}. Make somebody else its owner first.`,
  );
}

async function known(tx: Transaction, id: OrganisationId): Promise<Organisation> {
  const organisation = await readOrganisation(tx, id);
  if (organisation === undefined) throw notFound('There is no such organisation.');
  return organisation;
}

async function activeUser(tx: Transaction, id: UserId): Promise<User> {
  const user = await readUser(tx, id);
  if (user?.state === 'active') return user;
  if (user?.state === 'disabled') throw conflict(`The user ${user.name} is disabled.`);
  throw notFound('There is no such user.');
}
