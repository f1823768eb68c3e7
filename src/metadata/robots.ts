// Robots: machine accounts of a namespace or repository. A row stays when its robot is deleted, because
// history names it; a new robot of that name takes the row over with a new epoch.
import type { AccountState } from './access-schema.ts';
import { pathRange } from './path-range.ts';
import type { Sql, Transaction } from './sql.ts';
import { statement } from './statement.ts';

export type RobotId = number;

export interface Robot {
  readonly id: RobotId;
  readonly path: string;
  readonly name: string;
  readonly description: string;
  readonly epoch: number;
  readonly state: AccountState;
  readonly expiresAt: number | null;
  readonly createdBy: string;
  readonly createdAt: number;
  readonly lastSeenAt: number | null;
}

const ROBOT = [
  'id',
  'path',
  'name',
  'description',
  'epoch',
  'state',
  'expires_at as expiresAt',
  'created_by as createdBy',
  'created_at as createdAt',
  'last_seen_at as lastSeenAt',
] as const;

const byId = statement<{ id: number }>()((q, p) =>
  q.selectFrom('robots').select(ROBOT).where('id', '=', p.id),
);

const byName = statement<{ path: string; name: string }>()((q, p) =>
  q.selectFrom('robots').select(ROBOT).where('path', '=', p.path).where('name', '=', p.name),
);

interface PageParameters {
  path: string;
  below: string;
  before: string;
  afterPath: string;
  afterName: string;
  limit: number;
}

const page = statement<PageParameters>()((q, p) =>
  q
    .selectFrom('robots')
    .select(ROBOT)
    .where('path', '>=', p.afterPath)
    .where('path', '<', p.before)
    .where((e) => e.or([e('path', '=', p.path), e('path', '>=', p.below)]))
    .where((e) => e.or([e('path', '>', p.afterPath), e('name', '>', p.afterName)]))
    .where('state', '<>', 'deleted')
    .orderBy('path')
    .orderBy('name')
    .limit(p.limit),
);

interface RobotParameters {
  path: string;
  name: string;
  description: string;
  expiresAt: number | null;
  createdBy: string;
  now: number;
}

const insertRow = statement<RobotParameters>()((q, p) =>
  q
    .insertInto('robots')
    .values({
      path: p.path,
      name: p.name,
      description: p.description,
      epoch: 1,
      state: 'active',
      expires_at: p.expiresAt,
      created_by: p.createdBy,
      created_at: p.now,
      last_seen_at: null,
    })
    .onConflict((c) =>
      c
        .columns(['path', 'name'])
        .doUpdateSet((e) => ({
          description: p.description,
          epoch: e('robots.epoch', '+', 1),
          state: 'active',
          expires_at: p.expiresAt,
          created_by: p.createdBy,
          created_at: p.now,
          last_seen_at: null,
        }))
        .where('robots.state', '=', 'deleted'),
    ),
);

const setRow = statement<{ id: number; description: string; expiresAt: number | null }>()((q, p) =>
  q
    .updateTable('robots')
    .set({ description: p.description, expires_at: p.expiresAt })
    .where('id', '=', p.id),
);

const setState = statement<{ id: number; state: AccountState }>()((q, p) =>
  q
    .updateTable('robots')
    .set((e) => ({ state: p.state, epoch: e('epoch', '+', 1) }))
    .where('id', '=', p.id),
);

const setSeen = statement<{ id: number; at: number }>()((q, p) =>
  q
    .updateTable('robots')
    .set({ last_seen_at: p.at })
    .where('id', '=', p.id)
    .where((e) => e.or([e('last_seen_at', 'is', null), e('last_seen_at', '<', p.at)])),
);

export function readRobot(sql: Sql, id: RobotId): Promise<Robot | undefined> {
  return sql.first(byId, { id });
}

/** A deleted one too: see its state. */
export function findRobot(
  sql: Sql,
  { path, name }: { path: string; name: string },
): Promise<Robot | undefined> {
  return sql.first(byName, { path, name });
}

/** Up to `limit` robots of a path and all below it, by path and name, after one of them. */
export function listRobots(
  sql: Sql,
  list: { path: string; after?: { readonly path: string; readonly name: string }; limit: number },
): Promise<Robot[]> {
  const { path, after = { path, name: '' }, limit } = list;
  return sql.all(page, {
    ...pathRange(path),
    afterPath: after.path,
    afterName: after.name,
    limit,
  });
}

/** A deleted one of that name comes back, without what it had. @returns undefined when one is there. */
export async function insertRobot(
  tx: Transaction,
  robot: {
    path: string;
    name: string;
    description: string;
    expiresAt: number | null;
    createdBy: string;
  },
): Promise<RobotId | undefined> {
  if ((await tx.run(insertRow, { ...robot, now: await tx.now() })) === 0) return undefined;
  return (await findRobot(tx, robot))?.id;
}

export async function setRobot(
  tx: Transaction,
  change: { id: RobotId; description: string; expiresAt: number | null },
): Promise<void> {
  await tx.run(setRow, change);
}

/** The epoch rises: its bearer tokens end. */
export async function setRobotState(
  tx: Transaction,
  change: { id: RobotId; state: AccountState },
): Promise<void> {
  await tx.run(setState, change);
}

export async function noteRobotSeen(
  tx: Transaction,
  seen: { id: RobotId; at: number },
): Promise<void> {
  await tx.run(setSeen, seen);
}
