// Custom roles. `administer` is in none of them: only the built-in administrator has it.
import { changeAccess, lockAccess } from '../../metadata/access-facts.ts';
import { type Actor, recordAct } from '../../metadata/audit.ts';
import { synced } from '../../metadata/command.ts';
import { grantsOf, pathWithRole } from '../../metadata/grants.ts';
import { deleteRole, insertRole, listRoles, setRoleActions } from '../../metadata/roles.ts';
import type { Transaction } from '../../metadata/sql.ts';
import { ACTIONS, isAction, isBuiltInRole } from '../action.ts';
import { ACCESS_LIMITS } from './limits.ts';
import { checkPartName, conflict, invalid, notFound } from './names.ts';

export function roleCommands() {
  return {
    createRole: synced(createRole),
    updateRole: synced(updateRole),
    deleteRole: synced(dropRole),
  };
}

interface RoleContent {
  readonly name: string;
  readonly actions: readonly string[];
  readonly actor: Actor;
}

async function createRole(tx: Transaction, { name, actions, actor }: RoleContent): Promise<void> {
  checkPartName('role', name);
  if (isBuiltInRole(name)) throw conflict(`"${name}" is a built-in role.`);
  const set = checkActions(actions);
  await lockAccess(tx);
  if ((await listRoles(tx)).length >= ACCESS_LIMITS.roles) {
    throw conflict(`A registry has at most ${ACCESS_LIMITS.roles} roles of its own.`);
  }
  if (!(await insertRole(tx, { name, actions: set }))) {
    throw conflict(`There is a role "${name}" already.`);
  }
  const detail = { actions: set };
  await recordAct(tx, { actor, action: 'role.create', target: `role ${name}`, detail });
}

async function updateRole(tx: Transaction, { name, actions, actor }: RoleContent): Promise<void> {
  refuseBuiltIn(name);
  const set = checkActions(actions);
  await lockAccess(tx);
  if (set.includes('manage') && (await isForAnyone(tx, name))) {
    throw conflict(`The role "${name}" is granted to anyone, who may never manage.`);
  }
  if (!(await setRoleActions(tx, { name, actions: set }))) throw unknownRole(name);
  await changeAccess(tx);
  const detail = { actions: set };
  await recordAct(tx, { actor, action: 'role.update', target: `role ${name}`, detail });
}

async function isForAnyone(tx: Transaction, role: string): Promise<boolean> {
  return (await grantsOf(tx, { kind: 'anyone', id: 0 })).some((grant) => grant.role === role);
}

async function dropRole(
  tx: Transaction,
  { name, actor }: { name: string; actor: Actor },
): Promise<void> {
  refuseBuiltIn(name);
  await lockAccess(tx);
  const path = await pathWithRole(tx, name);
  if (path !== undefined) {
    throw conflict(
      `The role "${name}" is granted on ${path || 'the root'}. Take away its grants first.`,
    );
  }
  if (!(await deleteRole(tx, name))) throw unknownRole(name);
  await recordAct(tx, { actor, action: 'role.delete', target: `role ${name}` });
}

function refuseBuiltIn(name: string): void {
  if (isBuiltInRole(name)) throw conflict(`"${name}" is a built-in role and stays as it is.`);
}

function unknownRole(name: string): Error {
  return notFound(`There is no role "${name}".`);
}

/** Each once, in the order of ACTIONS. */
function checkActions(actions: readonly string[]): string[] {
  const wrong = actions.find((action) => !isAction(action) || action === 'administer');
  if (wrong !== undefined || actions.length === 0) {
    throw invalid(
      `A role has one or more of the actions ${ACTIONS.filter((action) => action !== 'administer').join(', ')}.`,
    );
  }
  return ACTIONS.filter((action) => actions.includes(action));
}
