// Organisations, each the owner of the top-level namespace of its name, and their members.
import type { Sql, Transaction } from './sql.ts';
import { statement } from './statement.ts';
import type { UserId } from './users.ts';

export type OrganisationId = number;

export interface Organisation {
  readonly id: OrganisationId;
  readonly name: string;
  readonly displayName: string;
  readonly createdAt: number;
}

export interface Member {
  readonly userId: UserId;
  readonly name: string;
  readonly isOwner: boolean;
  readonly createdAt: number;
}

/** An organisation that somebody is a member of. */
export interface Membership extends Organisation {
  readonly isOwner: boolean;
}

const ORGANISATION = [
  'id',
  'name',
  'display_name as displayName',
  'created_at as createdAt',
] as const;

const byName = statement<{ name: string }>()((q, p) =>
  q.selectFrom('organisations').select(ORGANISATION).where('name', '=', p.name),
);

const byId = statement<{ id: number }>()((q, p) =>
  q.selectFrom('organisations').select(ORGANISATION).where('id', '=', p.id),
);

const page = statement<{ after: string; limit: number }>()((q, p) =>
  q
    .selectFrom('organisations')
    .select(ORGANISATION)
    .where('name', '>', p.after)
    .orderBy('name')
    .limit(p.limit),
);

const ofUser = statement<{ user: number }>()((q, p) =>
  q
    .selectFrom('organisation_members as m')
    .innerJoin('organisations as o', 'o.id', 'm.organisation_id')
    .select([
      'o.id',
      'o.name',
      'o.display_name as displayName',
      'o.created_at as createdAt',
      'm.is_owner as isOwner',
    ])
    .where('m.user_id', '=', p.user)
    .orderBy('o.name'),
);

const insertRow = statement<{ name: string; displayName: string; now: number }>()((q, p) =>
  q
    .insertInto('organisations')
    .values({ name: p.name, display_name: p.displayName, created_at: p.now })
    .onConflict((c) => c.column('name').doNothing()),
);

const setDisplayName = statement<{ id: number; displayName: string }>()((q, p) =>
  q.updateTable('organisations').set({ display_name: p.displayName }).where('id', '=', p.id),
);

const memberRow = statement<{ organisation: number; user: number }>()((q, p) =>
  q
    .selectFrom('organisation_members')
    .select(['is_owner as isOwner'])
    .where('organisation_id', '=', p.organisation)
    .where('user_id', '=', p.user),
);

const memberPage = statement<{ organisation: number; after: number; limit: number }>()((q, p) =>
  q
    .selectFrom('organisation_members as m')
    .innerJoin('users as u', 'u.id', 'm.user_id')
    .select(['u.id as userId', 'u.name', 'm.is_owner as isOwner', 'm.created_at as createdAt'])
    .where('m.organisation_id', '=', p.organisation)
    .where('m.user_id', '>', p.after)
    .orderBy('m.user_id')
    .limit(p.limit),
);

const otherOwner = statement<{ organisation: number; but: number }>()((q, p) =>
  q
    .selectFrom('organisation_members as m')
    .innerJoin('users as u', 'u.id', 'm.user_id')
    .select('m.user_id')
    .where('m.organisation_id', '=', p.organisation)
    .where('m.is_owner', '=', 1)
    .where('m.user_id', '<>', p.but)
    .where('u.state', '=', 'active')
    .limit(1),
);

const putRow = statement<{ organisation: number; user: number; isOwner: number; now: number }>()(
  (q, p) =>
    q
      .insertInto('organisation_members')
      .values({
        organisation_id: p.organisation,
        user_id: p.user,
        is_owner: p.isOwner,
        created_at: p.now,
      })
      .onConflict((c) =>
        c.columns(['organisation_id', 'user_id']).doUpdateSet({ is_owner: p.isOwner }),
      ),
);

const deleteRow = statement<{ organisation: number; user: number }>()((q, p) =>
  q
    .deleteFrom('organisation_members')
    .where('organisation_id', '=', p.organisation)
    .where('user_id', '=', p.user),
);

const deleteOfUser = statement<{ user: number }>()((q, p) =>
  q.deleteFrom('organisation_members').where('user_id', '=', p.user),
);

const deleteMembers = statement<{ organisation: number }>()((q, p) =>
  q.deleteFrom('organisation_members').where('organisation_id', '=', p.organisation),
);

const deleteOrganisationRow = statement<{ id: number }>()((q, p) =>
  q.deleteFrom('organisations').where('id', '=', p.id),
);

export function findOrganisation(sql: Sql, name: string): Promise<Organisation | undefined> {
  return sql.first(byName, { name });
}

export function readOrganisation(sql: Sql, id: OrganisationId): Promise<Organisation | undefined> {
  return sql.first(byId, { id });
}

/** Up to `limit` organisations after the name `after`, in byte order. */
export function listOrganisations(
  sql: Sql,
  { after, limit }: { after: string; limit: number },
): Promise<Organisation[]> {
  return sql.all(page, { after, limit });
}

export async function organisationsOf(sql: Sql, user: UserId): Promise<Membership[]> {
  const rows = await sql.all(ofUser, { user });
  return rows.map((row) => ({ ...row, isOwner: row.isOwner === 1 }));
}

/** @returns undefined when one of that name is there; users are not looked at. */
export async function insertOrganisation(
  tx: Transaction,
  { name, displayName }: { name: string; displayName: string },
): Promise<OrganisationId | undefined> {
  if ((await tx.run(insertRow, { name, displayName, now: await tx.now() })) === 0) return undefined;
  return (await findOrganisation(tx, name))?.id;
}

export async function setOrganisationName(
  tx: Transaction,
  change: { id: OrganisationId; displayName: string },
): Promise<void> {
  await tx.run(setDisplayName, change);
}

interface MemberKey {
  readonly organisation: OrganisationId;
  readonly user: UserId;
}

/** @returns undefined for who is no member. */
export async function findMember(
  sql: Sql,
  { organisation, user }: MemberKey,
): Promise<{ isOwner: boolean } | undefined> {
  const row = await sql.first(memberRow, { organisation, user });
  return row && { isOwner: row.isOwner === 1 };
}

/** Up to `limit` members after the user id `after`, in the order of ids. */
export async function listMembers(
  sql: Sql,
  { organisation, after, limit }: { organisation: OrganisationId; after: UserId; limit: number },
): Promise<Member[]> {
  const rows = await sql.all(memberPage, { organisation, after, limit });
  return rows.map((row) => ({ ...row, isOwner: row.isOwner === 1 }));
}

/** Whether somebody else owns it who can sign in. */
export async function hasOtherOwner(sql: Sql, { organisation, user }: MemberKey): Promise<boolean> {
  return (await sql.first(otherOwner, { organisation, but: user })) !== undefined;
}

/** Adds a member, or says anew whether they own the organisation. */
export async function putMember(
  tx: Transaction,
  { organisation, user, isOwner }: MemberKey & { isOwner: boolean },
): Promise<void> {
  await tx.run(putRow, { organisation, user, isOwner: isOwner ? 1 : 0, now: await tx.now() });
}

/** @returns whether they were a member. */
export async function removeMember(
  tx: Transaction,
  { organisation, user }: MemberKey,
): Promise<boolean> {
  return (await tx.run(deleteRow, { organisation, user })) > 0;
}

export async function removeMemberships(tx: Transaction, user: UserId): Promise<void> {
  await tx.run(deleteOfUser, { user });
}

/**
 * With its members. Teams and invitations name it: the caller takes them away first.
 * @returns how many members it had.
 */
export async function deleteOrganisation(tx: Transaction, id: OrganisationId): Promise<number> {
  const members = await tx.run(deleteMembers, { organisation: id });
  await tx.run(deleteOrganisationRow, { id });
  return members;
}
