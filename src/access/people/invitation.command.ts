// Invitations: a link that makes one account. Only the hash of its secret comes here.
import { changeAccess, holdAccess, lockAccess } from '../../metadata/access-facts.ts';
import { type Actor, recordAct } from '../../metadata/audit.ts';
import { synced } from '../../metadata/command.ts';
import {
  deleteInvitation,
  findInvitation,
  insertInvitation,
  takeInvitation,
} from '../../metadata/invitations.ts';
import { type OrganisationId, putMember, readOrganisation } from '../../metadata/organisations.ts';
import type { Transaction } from '../../metadata/sql.ts';
import type { UserId } from '../../metadata/users.ts';
import { checkEmail, invalid, notFound } from './names.ts';
import { makeUser } from './new-user.ts';

export function invitationCommands() {
  return {
    createInvitation: synced(createInvitation),
    acceptInvitation: synced(acceptInvitation),
    deleteInvitation: synced(dropInvitation),
  };
}

interface NewInvitation {
  readonly hash: Uint8Array;
  /** Becomes the new user's address; null = they say it themselves. */
  readonly email: string | null;
  /** Whom the new user joins. */
  readonly organisation: OrganisationId | null;
  readonly expiresAt: number;
  readonly actor: Actor;
}

async function createInvitation(tx: Transaction, invitation: NewInvitation): Promise<number> {
  const { email, organisation, expiresAt, actor } = invitation;
  checkEmail(email);
  if (expiresAt <= (await tx.now())) {
    throw invalid('The time at which the invitation expires has passed already.');
  }
  // The organisation is not deleted meanwhile.
  await holdAccess(tx);
  const joined = organisation === null ? undefined : await readOrganisation(tx, organisation);
  if (organisation !== null && joined === undefined) {
    throw notFound('There is no such organisation.');
  }
  const id = await insertInvitation(tx, { ...invitation, createdBy: actor.name });
  await recordAct(tx, {
    actor,
    action: 'invitation.create',
    target: `invitation ${id}`,
    detail: { email, organisation: joined?.name, expiresAt },
  });
  return id;
}

interface Acceptance {
  readonly hash: Uint8Array;
  readonly name: string;
  readonly displayName: string;
  /** Only when the invitation names none. */
  readonly email: string | null;
  readonly passwordHash: string | null;
  readonly actor: Actor;
}

/** Makes the account. Whatever goes wrong, the invitation stays good. @throws RegistryError */
async function acceptInvitation(tx: Transaction, acceptance: Acceptance): Promise<UserId> {
  const { hash, name, displayName, passwordHash, actor } = acceptance;
  await lockAccess(tx);
  const invitation = await findInvitation(tx, hash);
  if (invitation === undefined || !(await takeInvitation(tx, invitation.id))) {
    throw notFound('This invitation was used, taken back, or has expired. Ask for another one.');
  }
  const email = invitation.email ?? acceptance.email;
  const isEmailUnchecked = invitation.email === null;
  const user = { name, displayName, email, isEmailUnchecked, passwordHash, adoptsNamespace: false };
  const id = await makeUser(tx, user);
  const { organisationId } = invitation;
  if (organisationId !== null) {
    await putMember(tx, { organisation: organisationId, user: id, isOwner: false });
    await changeAccess(tx);
  }
  await recordAct(tx, {
    actor,
    action: 'invitation.accept',
    target: `user ${name}`,
    detail: {
      invitation: invitation.id,
      email,
      organisation: invitation.organisation,
      invitedBy: invitation.createdBy,
    },
  });
  return id;
}

async function dropInvitation(
  tx: Transaction,
  { id, actor }: { id: number; actor: Actor },
): Promise<void> {
  if (!(await deleteInvitation(tx, id))) {
    throw notFound('There is no such invitation, or it was used.');
  }
  await recordAct(tx, { actor, action: 'invitation.delete', target: `invitation ${id}` });
}
