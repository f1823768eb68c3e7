// What verdicts are made from, read as it is today: who somebody is, what they were granted, what a path
// shows. Few statements, each answered from an index; `access/standing.ts` decides when to ask again.
import { sql as raw } from 'kysely';
import type { AccountState, SubjectKind, TokenOwnerKind, Visibility } from './access-schema.ts';
import { locked } from './fragments.ts';
import { pathRange } from './path-range.ts';
import type { Sql, Transaction } from './sql.ts';
import { statement } from './statement.ts';

const state = statement()((q) =>
  q.selectFrom('access_state').select(['revision', 'service_id as serviceId']).where('id', '=', 1),
);

const stateLocked = statement()((q, _p, engine) =>
  locked(engine, q.selectFrom('access_state').select('revision').where('id', '=', 1)),
);

const stateShared = statement()((q) =>
  q.selectFrom('access_state').select('revision').where('id', '=', 1).forShare(),
);

const nextRevision = statement()((q) =>
  q
    .updateTable('access_state')
    .set((e) => ({ revision: e('revision', '+', 1) }))
    .where('id', '=', 1),
);

const userById = statement<{ id: number }>()((q, p) =>
  q.selectFrom('users').select(['name', 'epoch', 'state']).where('id', '=', p.id),
);

const robotById = statement<{ id: number }>()((q, p) =>
  q
    .selectFrom('robots')
    .select(['path', 'name', 'epoch', 'state', 'expires_at as expiresAt'])
    .where('id', '=', p.id),
);

const policyById = statement<{ id: number }>()((q, p) =>
  q
    .selectFrom('trust_policies')
    .select(['path', 'name', 'epoch', 'state', 'grants'])
    .where('id', '=', p.id),
);

const tokenById = statement<{ id: number }>()((q, p) =>
  q
    .selectFrom('access_tokens')
    .select([
      'owner_kind as ownerKind',
      'owner_id as ownerId',
      'owner_epoch as ownerEpoch',
      'name',
      'scopes',
      'condition',
      'claims',
      'expires_at as expiresAt',
      'revoked_at as revokedAt',
    ])
    .where('id', '=', p.id),
);

const tokenByHash = statement<{ hash: Uint8Array }>()((q, p) =>
  q
    .selectFrom('access_tokens')
    .select(['id', 'owner_kind as ownerKind', 'owner_id as ownerId'])
    .where('hash', '=', p.hash),
);

const sessionById = statement<{ id: number }>()((q, p) =>
  q
    .selectFrom('sessions')
    .select([
      'user_id as userId',
      'user_epoch as userEpoch',
      'expires_at as expiresAt',
      'revoked_at as revokedAt',
    ])
    .where('id', '=', p.id),
);

const RIGHT = ['g.path', 'g.role', 'g.tags', 'g.condition', 'r.actions'] as const;

/** Own grants, those of teams, those of organisations: each with what it comes through. */
const rightsOfUser = statement<{ user: number }>()((q, p) =>
  q
    .selectFrom('grants as g')
    .leftJoin('roles as r', 'r.name', 'g.role')
    .select([...RIGHT, raw<string>`'a grant'`.as('through')])
    .where('g.subject_kind', '=', 'user')
    .where('g.subject_id', '=', p.user)
    .unionAll((e) =>
      e
        .selectFrom('team_members as m')
        .innerJoin('teams as t', 't.id', 'm.team_id')
        .innerJoin('organisations as o', 'o.id', 't.organisation_id')
        .innerJoin('grants as g', 'g.subject_id', 't.id')
        .leftJoin('roles as r', 'r.name', 'g.role')
        .select([...RIGHT, raw<string>`'team ' || o.name || '/' || t.name`.as('through')])
        .where('m.user_id', '=', p.user)
        .where('g.subject_kind', '=', 'team'),
    )
    .unionAll((e) =>
      e
        .selectFrom('organisation_members as m')
        .innerJoin('organisations as o', 'o.id', 'm.organisation_id')
        .innerJoin('grants as g', 'g.subject_id', 'o.id')
        .leftJoin('roles as r', 'r.name', 'g.role')
        .select([...RIGHT, raw<string>`'organisation ' || o.name`.as('through')])
        .where('m.user_id', '=', p.user)
        .where('g.subject_kind', '=', 'organisation'),
    ),
);

const ownedOrganisations = statement<{ user: number }>()((q, p) =>
  q
    .selectFrom('organisation_members as m')
    .innerJoin('organisations as o', 'o.id', 'm.organisation_id')
    .select('o.name')
    .where('m.user_id', '=', p.user)
    .where('m.is_owner', '=', 1),
);

const rightsOfRobot = statement<{ robot: number }>()((q, p) =>
  q
    .selectFrom('grants as g')
    .leftJoin('roles as r', 'r.name', 'g.role')
    .select([...RIGHT, raw<string>`'a grant'`.as('through')])
    .where('g.subject_kind', '=', 'robot')
    .where('g.subject_id', '=', p.robot),
);

const settingAt = statement<{ path: string }>()((q, p) =>
  q.selectFrom('path_settings').select(['visibility', 'creation']).where('path', '=', p.path),
);

const openGrantsAt = statement<{ path: string }>()((q, p) =>
  q
    .selectFrom('grants as g')
    .leftJoin('roles as r', 'r.name', 'g.role')
    .select([...RIGHT, 'g.subject_kind as subjectKind'])
    .where('g.path', '=', p.path)
    .where('g.subject_kind', 'in', ['anyone', 'signed-in']),
);

const openGrants = statement()((q) =>
  q
    .selectFrom('grants as g')
    .leftJoin('roles as r', 'r.name', 'g.role')
    .select([...RIGHT, 'g.subject_kind as subjectKind'])
    .where('g.subject_kind', 'in', ['anyone', 'signed-in']),
);

const anySettingBelow = statement<{ after: string; before: string }>()((q, p) =>
  q
    .selectFrom('path_settings')
    .select('path')
    .where('path', '>', p.after)
    .where('path', '<', p.before)
    .limit(1),
);

const anyOpenGrantBelow = statement<{ after: string; before: string }>()((q, p) =>
  q
    .selectFrom('grants')
    .select('path')
    .where('path', '>', p.after)
    .where('path', '<', p.before)
    .where('subject_kind', 'in', ['anyone', 'signed-in'])
    .limit(1),
);

export interface AccessState {
  readonly revision: number;
  readonly serviceId: string;
}

export async function readAccessState(sql: Sql): Promise<AccessState> {
  const row = await sql.first(state, {});
  if (row === undefined) throw new Error('the database has no row of access state');
  return row;
}

/**
 * Called first by a change whose rule looks at other rows: that a name is free, that an owner stays. Such
 * changes are rare and run one after the other, so that none of them decides by what another takes away.
 */
export async function lockAccess(tx: Transaction): Promise<void> {
  await tx.first(stateLocked, {});
}

/** No change that locks access runs beside this transaction; others of this kind may. */
export async function holdAccess(tx: Transaction): Promise<void> {
  // SQLite has one writer.
  if (tx.engine === 'postgres') await tx.first(stateShared, {});
}

/**
 * Called in the transaction of every change that a verdict can depend on: it ends what the nodes
 * remember. What only adds somebody whom no verdict was ever about need not call it.
 */
export async function changeAccess(tx: Transaction): Promise<void> {
  await tx.run(nextRevision, {});
}

/** A grant as it is stored; `actions` only for a custom role. */
export interface RightRow {
  readonly path: string;
  readonly role: string;
  readonly tags: string | null;
  readonly condition: string | null;
  readonly actions: string | null;
  readonly through: string;
}

export interface UserFacts {
  readonly name: string;
  readonly epoch: number;
  readonly state: AccountState;
  readonly rights: readonly RightRow[];
  /** Names of the organisations that they own. */
  readonly owned: readonly string[];
}

export async function readUserFacts(sql: Sql, id: number): Promise<UserFacts | undefined> {
  const [user, rights, owned] = await Promise.all([
    sql.first(userById, { id }),
    sql.all(rightsOfUser, { user: id }),
    sql.all(ownedOrganisations, { user: id }),
  ]);
  return user && { ...user, rights, owned: owned.map((row) => row.name) };
}

export interface RobotFacts {
  readonly path: string;
  readonly name: string;
  readonly epoch: number;
  readonly state: AccountState;
  readonly expiresAt: number | null;
  readonly rights: readonly RightRow[];
}

export async function readRobotFacts(sql: Sql, id: number): Promise<RobotFacts | undefined> {
  const [robot, rights] = await Promise.all([
    sql.first(robotById, { id }),
    sql.all(rightsOfRobot, { robot: id }),
  ]);
  return robot && { ...robot, rights };
}

export interface PolicyFacts {
  readonly path: string;
  readonly name: string;
  readonly epoch: number;
  readonly state: AccountState;
  /** JSON, see access/trust-policy.ts. */
  readonly grants: string;
}

export function readPolicyFacts(sql: Sql, id: number): Promise<PolicyFacts | undefined> {
  return sql.first(policyById, { id });
}

export interface TokenFacts {
  readonly ownerKind: TokenOwnerKind;
  readonly ownerId: number;
  readonly ownerEpoch: number | null;
  readonly name: string;
  /** JSON. */
  readonly scopes: string | null;
  readonly condition: string | null;
  readonly claims: string | null;
  readonly expiresAt: number | null;
  readonly revokedAt: number | null;
}

export function readTokenFacts(sql: Sql, id: number): Promise<TokenFacts | undefined> {
  return sql.first(tokenById, { id });
}

export interface FoundToken {
  readonly id: number;
  readonly ownerKind: TokenOwnerKind;
  readonly ownerId: number;
}

/** By the SHA-256 of its secret. Says nothing of whether it still counts. */
export function findAccessToken(sql: Sql, hash: Uint8Array): Promise<FoundToken | undefined> {
  return sql.first(tokenByHash, { hash });
}

export interface SessionFacts {
  readonly userId: number;
  readonly userEpoch: number;
  readonly expiresAt: number;
  readonly revokedAt: number | null;
}

export function readSessionFacts(sql: Sql, id: number): Promise<SessionFacts | undefined> {
  return sql.first(sessionById, { id });
}

/** What stands on one path itself, not above it. */
export interface PathRow extends OpenRows {
  readonly visibility: Visibility | undefined;
  readonly creation: 'push' | 'explicit' | undefined;
  /** Whether anything stands on a path below: if not, nobody need look there. */
  readonly isAnythingBelow: boolean;
}

export interface OpenRows {
  readonly forAnyone: readonly RightRow[];
  readonly forSignedIn: readonly RightRow[];
}

/** Grants to anyone and to any signed-in user, wherever they stand. */
export async function readOpenGrants(sql: Sql): Promise<OpenRows> {
  return openRows(await sql.all(openGrants, {}));
}

function openRows(
  grants: readonly (Omit<RightRow, 'through'> & { readonly subjectKind: SubjectKind })[],
): OpenRows {
  const of = (kind: SubjectKind, through: string): RightRow[] =>
    grants.filter((row) => row.subjectKind === kind).map((row) => ({ ...row, through }));
  return { forAnyone: of('anyone', 'anyone'), forSignedIn: of('signed-in', 'any signed-in user') };
}

/** The same statements whatever is there, a repository, a namespace or nothing. */
export async function readPath(sql: Sql, path: string): Promise<PathRow> {
  const { below: after, before } = pathRange(path);
  const below = { after, before };
  const [setting, grants, settingBelow, grantBelow] = await Promise.all([
    sql.first(settingAt, { path }),
    sql.all(openGrantsAt, { path }),
    sql.first(anySettingBelow, below),
    sql.first(anyOpenGrantBelow, below),
  ]);
  return {
    ...openRows(grants),
    visibility: setting?.visibility ?? undefined,
    creation: setting?.creation ?? undefined,
    isAnythingBelow: settingBelow !== undefined || grantBelow !== undefined,
  };
}
