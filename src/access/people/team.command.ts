// Teams, and who a person put into them. What a provider says of its groups: metadata/teams.ts.
import { changeAccess, lockAccess } from '../../metadata/access-facts.ts';
import { type Actor, recordAct } from '../../metadata/audit.ts';
import { synced } from '../../metadata/command.ts';
import { deleteGrantsOf } from '../../metadata/grants.ts';
import { findMember, type OrganisationId, readOrganisation } from '../../metadata/organisations.ts';
import type { Transaction } from '../../metadata/sql.ts';
import {
  addTeamMember,
  deleteTeam,
  insertTeam,
  readTeam,
  removeTeamMember,
  setTeamName,
  type TeamId,
  teamsOf,
} from '../../metadata/teams.ts';
import { readUser, type User, type UserId } from '../../metadata/users.ts';
import { checkPartName, conflict, notFound } from './names.ts';

/** Whose word a membership is that a person made. */
const MANUAL = 'manual';

export function teamCommands() {
  return {
    createTeam: synced(createTeam),
    renameTeam: synced(renameTeam),
    deleteTeam: synced(dropTeam),
    addTeamMember: synced(addMember),
    removeTeamMember: synced(dropMember),
  };
}

async function createTeam(
  tx: Transaction,
  { organisation, name, actor }: { organisation: OrganisationId; name: string; actor: Actor },
): Promise<TeamId> {
  checkPartName('team', name);
  await lockAccess(tx);
  const owner = await readOrganisation(tx, organisation);
  if (owner === undefined) throw notFound('There is no such organisation.');
  const team = await insertTeam(tx, { organisation, name });
  if (team === undefined) throw conflict(`There is a team ${owner.name}/${name} already.`);
  await recordAct(tx, { actor, action: 'team.create', target: `team ${owner.name}/${name}` });
  return team;
}

/** It keeps its members and grants. A group of a provider that is mapped to the old name fills it no more. */
async function renameTeam(
  tx: Transaction,
  { id, name, actor }: { id: TeamId; name: string; actor: Actor },
): Promise<void> {
  checkPartName('team', name);
  await lockAccess(tx);
  const team = await known(tx, id);
  if (team.name === name) return;
  const { organisationId: organisation, fullName } = team;
  if (!(await setTeamName(tx, { id, organisation, name }))) {
    throw conflict(`There is a team "${name}" in that organisation already.`);
  }
  // The reasons of verdicts name it.
  await changeAccess(tx);
  await recordAct(tx, {
    actor,
    action: 'team.rename',
    target: `team ${fullName}`,
    detail: { name },
  });
}

/** With its grants: what they gave is gone. */
async function dropTeam(
  tx: Transaction,
  { id, actor }: { id: TeamId; actor: Actor },
): Promise<void> {
  await lockAccess(tx);
  const team = await known(tx, id);
  await deleteGrantsOf(tx, { kind: 'team', id });
  await deleteTeam(tx, id);
  await changeAccess(tx);
  await recordAct(tx, { actor, action: 'team.delete', target: `team ${team.fullName}` });
}

interface MemberChange {
  readonly team: TeamId;
  readonly user: UserId;
  readonly actor: Actor;
}

async function addMember(tx: Transaction, { team, user, actor }: MemberChange): Promise<void> {
  await lockAccess(tx);
  const { fullName, organisationId } = await known(tx, team);
  const { name } = await activeUser(tx, user);
  if ((await findMember(tx, { organisation: organisationId, user })) === undefined) {
    throw conflict(
      `${name} is not a member of the organisation that ${fullName} belongs to. Add them there first.`,
    );
  }
  if (!(await addTeamMember(tx, { team, user, source: MANUAL }))) return;
  await changeAccess(tx);
  const target = `team ${fullName}`;
  await recordAct(tx, { actor, action: 'team.add-member', target, detail: { user: name } });
}

async function dropMember(tx: Transaction, { team, user, actor }: MemberChange): Promise<void> {
  await lockAccess(tx);
  const { fullName } = await known(tx, team);
  if (!(await removeTeamMember(tx, { team, user, source: MANUAL }))) {
    const other = (await teamsOf(tx, user)).find(({ id }) => id === team);
    if (other === undefined) throw notFound(`They are not in the team ${fullName}.`);
    throw conflict(
      `They are in the team ${fullName} by a group of ${other.source}. Take them out of that group.`,
    );
  }
  await changeAccess(tx);
  const detail = { user: (await readUser(tx, user))?.name };
  const target = `team ${fullName}`;
  await recordAct(tx, { actor, action: 'team.remove-member', target, detail });
}

async function known(
  tx: Transaction,
  id: TeamId,
): Promise<{ name: string; fullName: string; organisationId: OrganisationId }> {
  const team = await readTeam(tx, id);
  if (team === undefined) throw notFound('There is no such team.');
  return team;
}

async function activeUser(tx: Transaction, id: UserId): Promise<User> {
  const user = await readUser(tx, id);
  if (user?.state === 'active') return user;
  throw notFound('There is no such user, or they are disabled.');
}
