// Robots: made without any right, given some by grants at or below their path.
import { changeAccess, lockAccess } from '../../metadata/access-facts.ts';
import { revokeTokensOf } from '../../metadata/access-tokens.ts';
import { type Actor, recordAct } from '../../metadata/audit.ts';
import { synced } from '../../metadata/command.ts';
import { deleteGrantsOf } from '../../metadata/grants.ts';
import {
  insertRobot,
  type Robot,
  type RobotId,
  readRobot,
  setRobot,
  setRobotState,
} from '../../metadata/robots.ts';
import type { Transaction } from '../../metadata/sql.ts';
import { ACCESS_LIMITS } from './limits.ts';
import { checkPartName, checkPath, checkText, conflict, invalid, notFound } from './names.ts';

export function robotCommands() {
  return {
    createRobot: synced(createRobot),
    updateRobot: synced(updateRobot),
    disableRobot: synced((tx: Transaction, change: RobotChange) =>
      setState(tx, { ...change, state: 'disabled' }),
    ),
    enableRobot: synced((tx: Transaction, change: RobotChange) =>
      setState(tx, { ...change, state: 'active' }),
    ),
    deleteRobot: synced(deleteRobot),
  };
}

interface RobotChange {
  readonly id: RobotId;
  readonly actor: Actor;
}

interface NewRobot {
  /** The namespace or repository that it belongs to; '' for the whole registry. */
  readonly path: string;
  readonly name: string;
  readonly description: string;
  /** Milliseconds since 1970; null = never. */
  readonly expiresAt: number | null;
  readonly actor: Actor;
}

async function createRobot(tx: Transaction, robot: NewRobot): Promise<RobotId> {
  const { path, name, description, expiresAt, actor } = robot;
  checkPath(path);
  checkPartName('robot', name);
  checkDescription(description);
  await checkExpiry(tx, expiresAt);
  await lockAccess(tx);
  const id = await insertRobot(tx, { path, name, description, expiresAt, createdBy: actor.name });
  if (id === undefined) throw conflict(`There is a robot ${robotName(robot)} already.`);
  // It may be the row of a deleted one, that a node remembers as ended.
  await changeAccess(tx);
  const target = `robot ${robotName(robot)}`;
  await recordAct(tx, { actor, action: 'robot.create', target, detail: { expiresAt } });
  return id;
}

/** What is not given stays as it is. */
async function updateRobot(
  tx: Transaction,
  change: RobotChange & { description?: string; expiresAt?: number | null },
): Promise<void> {
  await lockAccess(tx);
  const robot = await known(tx, change.id);
  const { description = robot.description, expiresAt = robot.expiresAt, id, actor } = change;
  checkDescription(description);
  if (change.expiresAt !== undefined) await checkExpiry(tx, expiresAt);
  await setRobot(tx, { id, description, expiresAt });
  if (expiresAt !== robot.expiresAt) await changeAccess(tx);
  const target = `robot ${robotName(robot)}`;
  const detail = { description, expiresAt };
  await recordAct(tx, { actor, action: 'robot.update', target, detail });
}

async function setState(
  tx: Transaction,
  { id, actor, state }: RobotChange & { state: 'active' | 'disabled' },
): Promise<void> {
  await lockAccess(tx);
  const robot = await known(tx, id);
  if (robot.state === state) return;
  await setRobotState(tx, { id, state });
  await changeAccess(tx);
  const action = state === 'active' ? 'robot.enable' : 'robot.disable';
  await recordAct(tx, { actor, action, target: `robot ${robotName(robot)}` });
}

/** With its tokens and grants. */
async function deleteRobot(tx: Transaction, { id, actor }: RobotChange): Promise<void> {
  await lockAccess(tx);
  const robot = await known(tx, id);
  await setRobotState(tx, { id, state: 'deleted' });
  await revokeTokensOf(tx, { kind: 'robot', id });
  await deleteGrantsOf(tx, { kind: 'robot', id });
  await changeAccess(tx);
  await recordAct(tx, { actor, action: 'robot.delete', target: `robot ${robotName(robot)}` });
}

/** As a person writes it: `team/backend:deployer`; of the whole registry `:deployer`. */
export function robotName({ path, name }: { path: string; name: string }): string {
  return `${path}:${name}`;
}

function checkDescription(description: string): void {
  checkText('A description', description, ACCESS_LIMITS.descriptionLength);
}

async function checkExpiry(tx: Transaction, expiresAt: number | null): Promise<void> {
  if (expiresAt !== null && expiresAt <= (await tx.now())) {
    throw invalid('The time at which the robot expires has passed already.');
  }
}

async function known(tx: Transaction, id: RobotId): Promise<Robot> {
  const robot = await readRobot(tx, id);
  if (robot === undefined || robot.state === 'deleted') throw notFound('There is no such robot.');
  return robot;
}
