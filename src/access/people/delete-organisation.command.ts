// The end of an organisation: all that its members, and those that it let in, had through it ends with it,
// and its name can be taken again. Knows no content: while a repository is listed, it is refused.
import { changeAccess, lockAccess } from '../../metadata/access-facts.ts';
import { revokeTokensOf } from '../../metadata/access-tokens.ts';
import { type Actor, recordAct } from '../../metadata/audit.ts';
import { deleteGrantsOf, deleteGrantsOfTeams, deleteGrantsWithin } from '../../metadata/grants.ts';
import { deleteInvitationsOf } from '../../metadata/invitations.ts';
import {
  deleteOrganisation,
  type Organisation,
  type OrganisationId,
  readOrganisation,
} from '../../metadata/organisations.ts';
import { deleteSettingsWithin, showRepositories } from '../../metadata/path-settings.ts';
import { listedRepositoriesAt } from '../../metadata/repositories.ts';
import { listRobots, setRobotState } from '../../metadata/robots.ts';
import type { Transaction } from '../../metadata/sql.ts';
import { deleteTeamsOf } from '../../metadata/teams.ts';
import { listTrustPolicies, setTrustPolicyState } from '../../metadata/trust-policies.ts';
import { conflict, notFound } from './names.ts';

/** Repositories named in a refusal. */
const REPOSITORIES_SHOWN = 5;
/** Robots and trust policies read at once. */
const PAGE = 100;

/** @throws RegistryError NOT_FOUND, CONFLICT while a repository is listed in its namespace. */
export async function dropOrganisation(
  tx: Transaction,
  { id, actor }: { id: OrganisationId; actor: Actor },
): Promise<void> {
  await lockAccess(tx);
  const organisation = await readOrganisation(tx, id);
  if (organisation === undefined) throw notFound('There is no such organisation.');
  const { name } = organisation;
  await refuseWhileItHolds(tx, organisation);
  const taken = {
    robots: await deleteRobots(tx, name),
    trustPolicies: await deletePolicies(tx, name),
    grants:
      (await deleteGrantsOf(tx, { kind: 'organisation', id })) +
      (await deleteGrantsOfTeams(tx, id)) +
      (await deleteGrantsWithin(tx, name)),
    teams: await deleteTeamsOf(tx, id),
    invitations: await deleteInvitationsOf(tx, id),
    settings: await deleteSettingsWithin(tx, name),
    members: await deleteOrganisation(tx, id),
  };
  // Those that hold no manifest yet: what was set for them must not hold for who comes next.
  await showRepositories(tx, name);
  await changeAccess(tx);
  const target = `organisation ${name}`;
  await recordAct(tx, { actor, action: 'organisation.delete', target, detail: taken });
}

async function refuseWhileItHolds(tx: Transaction, { name }: Organisation): Promise<void> {
  // One more than is shown, to say that there are others.
  const page = { path: name, last: '', limit: REPOSITORIES_SHOWN + 1 };
  const found = await listedRepositoriesAt(tx, page);
  if (found.length === 0) return;
  const repositories = found.slice(0, REPOSITORIES_SHOWN);
  const others = found.length > REPOSITORIES_SHOWN ? ' and others' : '';
  throw conflict(
    `The organisation ${name} still holds ${repositories.join(', ')}${others}. It can be deleted when it holds no repository.`,
  );
}

/** With their tokens; what they were granted lies at their path or below it. @returns how many. */
async function deleteRobots(tx: Transaction, path: string): Promise<number> {
  for (let count = 0; ; ) {
    // Deleted ones are not listed: what comes first is always one that is left.
    const robots = await listRobots(tx, { path, limit: PAGE });
    if (robots.length === 0) return count;
    for (const { id } of robots) {
      await setRobotState(tx, { id, state: 'deleted' });
      await revokeTokensOf(tx, { kind: 'robot', id });
    }
    count += robots.length;
  }
}

/** What was issued by them ends by their epoch. @returns how many. */
async function deletePolicies(tx: Transaction, path: string): Promise<number> {
  for (let count = 0; ; ) {
    const policies = await listTrustPolicies(tx, { path, limit: PAGE });
    if (policies.length === 0) return count;
    for (const { id } of policies) await setTrustPolicyState(tx, { id, state: 'deleted' });
    count += policies.length;
  }
}
