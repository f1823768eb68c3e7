// Teams of an organisation, and who is in them by whose word: a person's (`manual`) or a provider's.
import { wantedNames } from './fragments.ts';
import type { OrganisationId } from './organisations.ts';
import type { Sql, Transaction } from './sql.ts';
import { statement } from './statement.ts';
import type { UserId } from './users.ts';

export type TeamId = number;

export interface Team {
  readonly id: TeamId;
  readonly organisationId: OrganisationId;
  readonly name: string;
  readonly createdAt: number;
}

export interface TeamMember {
  readonly userId: UserId;
  readonly name: string;
  /** `manual`, `oidc:NAME`, `ldap`. */
  readonly source: string;
  readonly createdAt: number;
}

/** A team that somebody is in; `name` with its organisation: `acme/core`. */
export interface TeamOfUser {
  readonly id: TeamId;
  readonly name: string;
  readonly source: string;
}

const TEAM = [
  'id',
  'organisation_id as organisationId',
  'name',
  'created_at as createdAt',
] as const;

const byName = statement<{ organisation: number; name: string }>()((q, p) =>
  q
    .selectFrom('teams')
    .select(TEAM)
    .where('organisation_id', '=', p.organisation)
    .where('name', '=', p.name),
);

const byId = statement<{ id: number }>()((q, p) =>
  q
    .selectFrom('teams as t')
    .innerJoin('organisations as o', 'o.id', 't.organisation_id')
    .select(['t.id', 't.organisation_id as organisationId', 't.name', 'o.name as organisation'])
    .where('t.id', '=', p.id),
);

const ofOrganisation = statement<{ organisation: number; after: string; limit: number }>()((q, p) =>
  q
    .selectFrom('teams')
    .select(TEAM)
    .where('organisation_id', '=', p.organisation)
    .where('name', '>', p.after)
    .orderBy('name')
    .limit(p.limit),
);

const allOfOrganisations = statement<{ names: string }>()((q, p, engine) =>
  q
    .selectFrom(wantedNames(engine, p.names))
    .crossJoin('organisations as o')
    .innerJoin('teams as t', 't.organisation_id', 'o.id')
    .select(['t.id', 't.name', 'o.name as organisation'])
    .whereRef('o.name', '=', 'wanted.name'),
);

const insertRow = statement<{ organisation: number; name: string; now: number }>()((q, p) =>
  q
    .insertInto('teams')
    .values({ organisation_id: p.organisation, name: p.name, created_at: p.now })
    .onConflict((c) => c.columns(['organisation_id', 'name']).doNothing()),
);

const deleteRow = statement<{ id: number }>()((q, p) =>
  q.deleteFrom('teams').where('id', '=', p.id),
);

const deleteRows = statement<{ organisation: number }>()((q, p) =>
  q.deleteFrom('teams').where('organisation_id', '=', p.organisation),
);

/** Changes nothing when the organisation has another one of that name. */
const setName = statement<{ id: number; organisation: number; name: string }>()((q, p) =>
  q
    .updateTable('teams')
    .set({ name: p.name })
    .where('id', '=', p.id)
    .where((e) =>
      e.not(
        e.exists(
          e
            .selectFrom('teams as t')
            .select('t.id')
            .where('t.organisation_id', '=', p.organisation)
            .where('t.name', '=', p.name),
        ),
      ),
    ),
);

const memberPage = statement<{
  team: number;
  afterUser: number;
  afterSource: string;
  limit: number;
}>()((q, p) =>
  q
    .selectFrom('team_members as m')
    .innerJoin('users as u', 'u.id', 'm.user_id')
    .select(['u.id as userId', 'u.name', 'm.source', 'm.created_at as createdAt'])
    .where('m.team_id', '=', p.team)
    .where((e) =>
      e.or([
        e('m.user_id', '>', p.afterUser),
        e.and([e('m.user_id', '=', p.afterUser), e('m.source', '>', p.afterSource)]),
      ]),
    )
    .orderBy('m.user_id')
    .orderBy('m.source')
    .limit(p.limit),
);

const ofUser = statement<{ user: number }>()((q, p) =>
  q
    .selectFrom('team_members as m')
    .innerJoin('teams as t', 't.id', 'm.team_id')
    .innerJoin('organisations as o', 'o.id', 't.organisation_id')
    .select(['t.id', 't.name', 'o.name as organisation', 'm.source'])
    .where('m.user_id', '=', p.user)
    .orderBy('o.name')
    .orderBy('t.name')
    .orderBy('m.source'),
);

const insertMember = statement<{ team: number; user: number; source: string; now: number }>()(
  (q, p) =>
    q
      .insertInto('team_members')
      .values({ team_id: p.team, user_id: p.user, source: p.source, created_at: p.now })
      .onConflict((c) => c.columns(['team_id', 'user_id', 'source']).doNothing()),
);

const deleteMember = statement<{ team: number; user: number; source: string }>()((q, p) =>
  q
    .deleteFrom('team_members')
    .where('team_id', '=', p.team)
    .where('user_id', '=', p.user)
    .where('source', '=', p.source),
);

const deleteOfUser = statement<{ user: number }>()((q, p) =>
  q.deleteFrom('team_members').where('user_id', '=', p.user),
);

const deleteWithin = statement<{ user: number; organisation: number }>()((q, p) =>
  q
    .deleteFrom('team_members')
    .where('user_id', '=', p.user)
    .where('team_id', 'in', (e) =>
      e.selectFrom('teams').select('id').where('organisation_id', '=', p.organisation),
    ),
);

export function findTeam(
  sql: Sql,
  { organisation, name }: { organisation: OrganisationId; name: string },
): Promise<Team | undefined> {
  return sql.first(byName, { organisation, name });
}

/** `fullName` with its organisation: `acme/core`. */
export async function readTeam(
  sql: Sql,
  id: TeamId,
): Promise<
  { id: TeamId; organisationId: OrganisationId; name: string; fullName: string } | undefined
> {
  const row = await sql.first(byId, { id });
  if (row === undefined) return undefined;
  const { organisation, ...team } = row;
  return { ...team, fullName: `${organisation}/${team.name}` };
}

/** Up to `limit` teams after the name `after`, in byte order. */
export function listTeams(
  sql: Sql,
  { organisation, after, limit }: { organisation: OrganisationId; after: string; limit: number },
): Promise<Team[]> {
  return sql.all(ofOrganisation, { organisation, after, limit });
}

/** The ids of those of `names` (`acme/core`) that are there, by name. */
export async function findTeams(
  sql: Sql,
  names: readonly string[],
): Promise<ReadonlyMap<string, TeamId>> {
  const organisations = [...new Set(names.map((name) => name.slice(0, name.indexOf('/'))))].sort();
  const rows = await sql.all(allOfOrganisations, { names: JSON.stringify(organisations) });
  const wanted = new Set(names);
  const found = rows.map((row) => [`${row.organisation}/${row.name}`, row.id] as const);
  return new Map(found.filter(([name]) => wanted.has(name)));
}

/** @returns undefined when the organisation has one of that name. */
export async function insertTeam(
  tx: Transaction,
  { organisation, name }: { organisation: OrganisationId; name: string },
): Promise<TeamId | undefined> {
  const inserted = await tx.run(insertRow, { organisation, name, now: await tx.now() });
  if (inserted === 0) return undefined;
  return (await findTeam(tx, { organisation, name }))?.id;
}

/** With its members; grants to it are taken away by the caller. */
export async function deleteTeam(tx: Transaction, id: TeamId): Promise<void> {
  await tx.run(deleteRow, { id });
}

/** All of an organisation, with their members; as `deleteTeam`. @returns how many there were. */
export function deleteTeamsOf(tx: Transaction, organisation: OrganisationId): Promise<number> {
  return tx.run(deleteRows, { organisation });
}

/** @returns false when the organisation has one of that name. */
export async function setTeamName(
  tx: Transaction,
  team: { id: TeamId; organisation: OrganisationId; name: string },
): Promise<boolean> {
  return (await tx.run(setName, team)) > 0;
}

/** Up to `limit` members after one of them. Who is in the team by two sources comes twice. */
export function listTeamMembers(
  sql: Sql,
  page: {
    team: TeamId;
    after?: { readonly userId: UserId; readonly source: string };
    limit: number;
  },
): Promise<TeamMember[]> {
  const { team, after = { userId: 0, source: '' }, limit } = page;
  return sql.all(memberPage, {
    team,
    afterUser: after.userId,
    afterSource: after.source,
    limit,
  });
}

export async function teamsOf(sql: Sql, user: UserId): Promise<TeamOfUser[]> {
  const rows = await sql.all(ofUser, { user });
  return rows.map(({ id, organisation, name, source }) => ({
    id,
    name: `${organisation}/${name}`,
    source,
  }));
}

interface TeamMembership {
  readonly team: TeamId;
  readonly user: UserId;
  readonly source: string;
}

/** @returns false when they were in it by that source already. */
export async function addTeamMember(
  tx: Transaction,
  { team, user, source }: TeamMembership,
): Promise<boolean> {
  return (await tx.run(insertMember, { team, user, source, now: await tx.now() })) > 0;
}

/** Takes away what one source said. @returns whether there was anything. */
export async function removeTeamMember(
  tx: Transaction,
  { team, user, source }: TeamMembership,
): Promise<boolean> {
  return (await tx.run(deleteMember, { team, user, source })) > 0;
}

/** From the teams of one organisation, or from all; by whatever source they were in them. */
export async function removeFromTeams(
  tx: Transaction,
  { user, organisation }: { user: UserId; organisation?: OrganisationId },
): Promise<void> {
  if (organisation === undefined) await tx.run(deleteOfUser, { user });
  else await tx.run(deleteWithin, { user, organisation });
}

export interface TeamChanges {
  /** Names such as `acme/core`. */
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** Teams that are not there: nobody is put into them. */
  readonly unknown: readonly string[];
}

/**
 * Makes somebody's teams by one source exactly these, named `acme/core`. What other sources say stays.
 * Whoever calls it also calls `changeAccess` when anything was added or removed.
 */
export async function replaceTeamsOf(
  tx: Transaction,
  { user, source, teams }: { user: UserId; source: string; teams: readonly string[] },
): Promise<TeamChanges> {
  const wanted = await findTeams(tx, teams);
  const had = (await teamsOf(tx, user)).filter((team) => team.source === source);
  const removed = had.filter(({ name }) => !wanted.has(name));
  for (const { id } of removed) await removeTeamMember(tx, { team: id, user, source });
  const added: string[] = [];
  for (const [name, team] of [...wanted].sort(([, a], [, b]) => a - b)) {
    if (await addTeamMember(tx, { team, user, source })) added.push(name);
  }
  return {
    added,
    removed: removed.map(({ name }) => name),
    unknown: teams.filter((name) => !wanted.has(name)),
  };
}
