// Invitations to make an account, each good for one. The link's secret is here as a hash only.
import type { OrganisationId } from './organisations.ts';
import type { Sql, Transaction } from './sql.ts';
import { statement } from './statement.ts';

export interface Invitation {
  readonly id: number;
  readonly email: string | null;
  readonly organisationId: OrganisationId | null;
  /** Name of the organisation. */
  readonly organisation: string | null;
  readonly createdBy: string;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly usedAt: number | null;
}

const INVITATION = [
  'i.id',
  'i.email',
  'i.organisation_id as organisationId',
  'o.name as organisation',
  'i.created_by as createdBy',
  'i.created_at as createdAt',
  'i.expires_at as expiresAt',
  'i.used_at as usedAt',
] as const;

const byHash = statement<{ hash: Uint8Array }>()((q, p) =>
  q
    .selectFrom('invitations as i')
    .leftJoin('organisations as o', 'o.id', 'i.organisation_id')
    .select(INVITATION)
    .where('i.hash', '=', p.hash),
);

const page = statement<{ before: number; limit: number }>()((q, p) =>
  q
    .selectFrom('invitations as i')
    .leftJoin('organisations as o', 'o.id', 'i.organisation_id')
    .select(INVITATION)
    .where('i.id', '<', p.before)
    .orderBy('i.id', 'desc')
    .limit(p.limit),
);

interface InvitationParameters {
  hash: Uint8Array;
  email: string | null;
  organisation: number | null;
  createdBy: string;
  now: number;
  expiresAt: number;
}

const insertRow = statement<InvitationParameters>()((q, p) =>
  q.insertInto('invitations').values({
    hash: p.hash,
    email: p.email,
    organisation_id: p.organisation,
    created_by: p.createdBy,
    created_at: p.now,
    expires_at: p.expiresAt,
    used_at: null,
  }),
);

const takeRow = statement<{ id: number; now: number }>()((q, p) =>
  q
    .updateTable('invitations')
    .set({ used_at: p.now })
    .where('id', '=', p.id)
    .where('used_at', 'is', null)
    .where('expires_at', '>', p.now),
);

const deleteRow = statement<{ id: number }>()((q, p) =>
  q.deleteFrom('invitations').where('id', '=', p.id).where('used_at', 'is', null),
);

const deleteOfOrganisation = statement<{ organisation: number }>()((q, p) =>
  q.deleteFrom('invitations').where('organisation_id', '=', p.organisation),
);

export function findInvitation(sql: Sql, hash: Uint8Array): Promise<Invitation | undefined> {
  return sql.first(byHash, { hash });
}

/** Up to `limit` invitations, newest first, older than `before`. */
export function listInvitations(
  sql: Sql,
  { before = Number.MAX_SAFE_INTEGER, limit }: { before?: number; limit: number },
): Promise<Invitation[]> {
  return sql.all(page, { before, limit });
}

export async function insertInvitation(
  tx: Transaction,
  invitation: {
    hash: Uint8Array;
    email: string | null;
    organisation: OrganisationId | null;
    createdBy: string;
    expiresAt: number;
  },
): Promise<number> {
  await tx.run(insertRow, { ...invitation, now: await tx.now() });
  return (await findInvitation(tx, invitation.hash))?.id as number;
}

/** Uses it up. @returns false when it was used before, or has expired. */
export async function takeInvitation(tx: Transaction, id: number): Promise<boolean> {
  return (await tx.run(takeRow, { id, now: await tx.now() })) > 0;
}

/** Takes back one that nobody used. @returns whether there was one. */
export async function deleteInvitation(tx: Transaction, id: number): Promise<boolean> {
  return (await tx.run(deleteRow, { id })) > 0;
}

/** Used ones too. @returns how many there were. */
export function deleteInvitationsOf(
  tx: Transaction,
  organisation: OrganisationId,
): Promise<number> {
  return tx.run(deleteOfOrganisation, { organisation });
}
