// Custom roles: sets of actions with a name, besides the built-in ones (access/action.ts).
import type { Sql, Transaction } from './sql.ts';
import { statement } from './statement.ts';

export interface CustomRole {
  readonly id: number;
  readonly name: string;
  /** Of access/action.ts. */
  readonly actions: readonly string[];
  readonly createdAt: number;
}

const ROLE = ['id', 'name', 'actions', 'created_at as createdAt'] as const;

const byName = statement<{ name: string }>()((q, p) =>
  q.selectFrom('roles').select(ROLE).where('name', '=', p.name),
);

const every = statement()((q) => q.selectFrom('roles').select(ROLE).orderBy('name'));

const insertRow = statement<{ name: string; actions: string; now: number }>()((q, p) =>
  q
    .insertInto('roles')
    .values({ name: p.name, actions: p.actions, created_at: p.now })
    .onConflict((c) => c.column('name').doNothing()),
);

const setActions = statement<{ name: string; actions: string }>()((q, p) =>
  q.updateTable('roles').set({ actions: p.actions }).where('name', '=', p.name),
);

const deleteRow = statement<{ name: string }>()((q, p) =>
  q.deleteFrom('roles').where('name', '=', p.name),
);

function roleOf(row: { id: number; name: string; actions: string; createdAt: number }): CustomRole {
  return { ...row, actions: JSON.parse(row.actions) as string[] };
}

export async function findRole(sql: Sql, name: string): Promise<CustomRole | undefined> {
  const row = await sql.first(byName, { name });
  return row && roleOf(row);
}

/** All: their number is bounded where they are made. */
export async function listRoles(sql: Sql): Promise<CustomRole[]> {
  return (await sql.all(every, {})).map(roleOf);
}

/** @returns false when one of that name is there. */
export async function insertRole(
  tx: Transaction,
  { name, actions }: { name: string; actions: readonly string[] },
): Promise<boolean> {
  const row = { name, actions: JSON.stringify(actions), now: await tx.now() };
  return (await tx.run(insertRow, row)) > 0;
}

/** @returns false when there is none of that name. */
export async function setRoleActions(
  tx: Transaction,
  { name, actions }: { name: string; actions: readonly string[] },
): Promise<boolean> {
  return (await tx.run(setActions, { name, actions: JSON.stringify(actions) })) > 0;
}

/** @returns false when there is none of that name. */
export async function deleteRole(tx: Transaction, name: string): Promise<boolean> {
  return (await tx.run(deleteRow, { name })) > 0;
}
