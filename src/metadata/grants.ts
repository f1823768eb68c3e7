// Grants: who has which role at which path. They add up along the path; nothing here decides anything.
import type { SubjectKind } from './access-schema.ts';
import { pathRange } from './path-range.ts';
import type { Sql, Transaction } from './sql.ts';
import { type Queries, statement } from './statement.ts';

export type GrantId = number;

/** Whom a grant is for; `id` is 0 for `signed-in` and `anyone`. */
export interface Subject {
  readonly kind: SubjectKind;
  readonly id: number;
}

export interface Grant {
  readonly id: GrantId;
  readonly subjectKind: SubjectKind;
  readonly subjectId: number;
  /** As a person writes it: `alice`, `acme/core`, `team/backend:ci`; undefined for no one in particular. */
  readonly subjectName: string | undefined;
  readonly path: string;
  readonly role: string;
  readonly tags: readonly string[] | undefined;
  /** See access/condition.ts. */
  readonly condition: unknown;
  readonly createdBy: string;
  readonly createdAt: number;
}

/** A grant to be made; JSON as it is stored. */
export interface NewGrant {
  readonly subject: Subject;
  readonly path: string;
  readonly role: string;
  readonly tags: string | null;
  readonly condition: string | null;
  readonly createdBy: string;
}

/** With the names of whom they are for. */
function grantsWithNames(q: Queries) {
  return q
    .selectFrom('grants as g')
    .leftJoin('users as u', (j) =>
      j.onRef('u.id', '=', 'g.subject_id').on('g.subject_kind', '=', 'user'),
    )
    .leftJoin('robots as r', (j) =>
      j.onRef('r.id', '=', 'g.subject_id').on('g.subject_kind', '=', 'robot'),
    )
    .leftJoin('teams as t', (j) =>
      j.onRef('t.id', '=', 'g.subject_id').on('g.subject_kind', '=', 'team'),
    )
    .leftJoin('organisations as owner', 'owner.id', 't.organisation_id')
    .leftJoin('organisations as o', (j) =>
      j.onRef('o.id', '=', 'g.subject_id').on('g.subject_kind', '=', 'organisation'),
    )
    .select([
      'g.id',
      'g.subject_kind as subjectKind',
      'g.subject_id as subjectId',
      'g.path',
      'g.role',
      'g.tags',
      'g.condition',
      'g.created_by as createdBy',
      'g.created_at as createdAt',
      'u.name as user',
      'r.path as robotPath',
      'r.name as robot',
      't.name as team',
      'owner.name as teamOrganisation',
      'o.name as organisation',
    ]);
}

const byId = statement<{ id: number }>()((q, p) => grantsWithNames(q).where('g.id', '=', p.id));

const ofSubject = statement<{ kind: string; id: number }>()((q, p) =>
  grantsWithNames(q)
    .where('g.subject_kind', '=', p.kind as SubjectKind)
    .where('g.subject_id', '=', p.id)
    // Not those on what lies in the trash.
    .where('g.path', '<', '~')
    .orderBy('g.path')
    .orderBy('g.id'),
);

const atPath = statement<{ path: string }>()((q, p) =>
  grantsWithNames(q).where('g.path', '=', p.path).orderBy('g.id'),
);

interface PageParameters {
  path: string;
  below: string;
  before: string;
  afterPath: string;
  afterId: number;
  limit: number;
}

const page = statement<PageParameters>()((q, p) =>
  grantsWithNames(q)
    .where('g.path', '>=', p.afterPath)
    .where('g.path', '<', p.before)
    .where((e) => e.or([e('g.path', '=', p.path), e('g.path', '>=', p.below)]))
    .where((e) => e.or([e('g.path', '>', p.afterPath), e('g.id', '>', p.afterId)]))
    .orderBy('g.path')
    .orderBy('g.id')
    .limit(p.limit),
);

const alike = statement<{ kind: string; id: number; path: string; role: string }>()((q, p) =>
  q
    .selectFrom('grants')
    .select(['id', 'tags', 'condition'])
    .where('subject_kind', '=', p.kind as SubjectKind)
    .where('subject_id', '=', p.id)
    .where('path', '=', p.path)
    .where('role', '=', p.role),
);

const withRole = statement<{ role: string }>()((q, p) =>
  q.selectFrom('grants').select('path').where('role', '=', p.role).limit(1),
);

const anyWithin = statement<{ path: string; below: string; before: string }>()((q, p) =>
  q
    .selectFrom('grants')
    .select('id')
    .where('path', '>=', p.path)
    .where('path', '<', p.before)
    .where((e) => e.or([e('path', '=', p.path), e('path', '>=', p.below)]))
    .limit(1),
);

interface GrantParameters {
  kind: string;
  subject: number;
  path: string;
  role: string;
  tags: string | null;
  condition: string | null;
  createdBy: string;
  now: number;
}

const insertRow = statement<GrantParameters>()((q, p) =>
  q.insertInto('grants').values({
    subject_kind: p.kind as SubjectKind,
    subject_id: p.subject,
    path: p.path,
    role: p.role,
    tags: p.tags,
    condition: p.condition,
    created_by: p.createdBy,
    created_at: p.now,
  }),
);

const deleteRow = statement<{ id: number }>()((q, p) =>
  q.deleteFrom('grants').where('id', '=', p.id),
);

const deleteOfSubject = statement<{ kind: string; id: number }>()((q, p) =>
  q
    .deleteFrom('grants')
    .where('subject_kind', '=', p.kind as SubjectKind)
    .where('subject_id', '=', p.id),
);

const deleteWithin = statement<{ path: string; below: string; before: string }>()((q, p) =>
  q
    .deleteFrom('grants')
    .where('path', '>=', p.path)
    .where('path', '<', p.before)
    .where((e) => e.or([e('path', '=', p.path), e('path', '>=', p.below)])),
);

const deleteOfTeams = statement<{ organisation: number }>()((q, p) =>
  q
    .deleteFrom('grants')
    .where('subject_kind', '=', 'team')
    .where('subject_id', 'in', (e) =>
      e.selectFrom('teams').select('id').where('organisation_id', '=', p.organisation),
    ),
);

interface GrantRow extends Omit<Grant, 'subjectName' | 'tags' | 'condition'> {
  readonly tags: string | null;
  readonly condition: string | null;
  readonly user: string | null;
  readonly robotPath: string | null;
  readonly robot: string | null;
  readonly team: string | null;
  readonly teamOrganisation: string | null;
  readonly organisation: string | null;
}

function grantOf(row: GrantRow): Grant {
  const { user, robot, robotPath, team, teamOrganisation, organisation, ...rest } = row;
  const names = {
    user,
    robot: robot && `${robotPath}:${robot}`,
    team: team && `${teamOrganisation}/${team}`,
    organisation,
    'signed-in': null,
    anyone: null,
  };
  return {
    ...rest,
    subjectName: names[row.subjectKind] ?? undefined,
    tags: row.tags === null ? undefined : (JSON.parse(row.tags) as string[]),
    condition: row.condition === null ? undefined : JSON.parse(row.condition),
  };
}

export async function readGrant(sql: Sql, id: GrantId): Promise<Grant | undefined> {
  const row = await sql.first(byId, { id });
  return row && grantOf(row);
}

export async function grantsOf(sql: Sql, subject: Subject): Promise<Grant[]> {
  return (await sql.all(ofSubject, { kind: subject.kind, id: subject.id })).map(grantOf);
}

/** Those that stand on the path itself. */
export async function grantsAt(sql: Sql, path: string): Promise<Grant[]> {
  return (await sql.all(atPath, { path })).map(grantOf);
}

/** Up to `limit` of those on a path and all below it, by path and id, after one of them. */
export async function listGrants(
  sql: Sql,
  list: { path: string; after?: { readonly path: string; readonly id: GrantId }; limit: number },
): Promise<Grant[]> {
  const { path, after = { path, id: 0 }, limit } = list;
  const key = { afterPath: after.path, afterId: after.id };
  return (await sql.all(page, { ...pathRange(path), ...key, limit })).map(grantOf);
}

/** The grant that is the same in all that matters. */
export async function findSameGrant(
  sql: Sql,
  { subject, path, role, tags, condition }: NewGrant,
): Promise<GrantId | undefined> {
  const rows = await sql.all(alike, { kind: subject.kind, id: subject.id, path, role });
  return rows.find((row) => row.tags === tags && row.condition === condition)?.id;
}

/** A path where a role is granted; undefined when it is nowhere. */
export async function pathWithRole(sql: Sql, role: string): Promise<string | undefined> {
  return (await sql.first(withRole, { role }))?.path;
}

/** Whether anything is granted on a path or below it. */
export async function isAnythingGranted(sql: Sql, path: string): Promise<boolean> {
  return (await sql.first(anyWithin, pathRange(path))) !== undefined;
}

export async function insertGrant(tx: Transaction, grant: NewGrant): Promise<GrantId> {
  const { subject, ...rest } = grant;
  const row = { ...rest, kind: subject.kind, subject: subject.id, now: await tx.now() };
  await tx.run(insertRow, row);
  return (await findSameGrant(tx, grant)) as GrantId;
}

/** @returns whether it was there. */
export async function deleteGrant(tx: Transaction, id: GrantId): Promise<boolean> {
  return (await tx.run(deleteRow, { id })) > 0;
}

/** @returns how many there were. */
export function deleteGrantsOf(tx: Transaction, subject: Subject): Promise<number> {
  return tx.run(deleteOfSubject, { kind: subject.kind, id: subject.id });
}

/** Those to the teams of an organisation. @returns how many there were. */
export function deleteGrantsOfTeams(tx: Transaction, organisation: number): Promise<number> {
  return tx.run(deleteOfTeams, { organisation });
}

/** Those on a path and all below it, whomever they are for. @returns how many there were. */
export function deleteGrantsWithin(tx: Transaction, path: string): Promise<number> {
  return tx.run(deleteWithin, pathRange(path));
}
