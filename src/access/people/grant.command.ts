// Grants, given and taken away, and what none of them may be.
import { changeAccess, lockAccess } from '../../metadata/access-facts.ts';
import { type Actor, recordAct } from '../../metadata/audit.ts';
import { synced } from '../../metadata/command.ts';
import {
  deleteGrant,
  findSameGrant,
  type Grant,
  type GrantId,
  insertGrant,
  readGrant,
  type Subject,
} from '../../metadata/grants.ts';
import { readRobot } from '../../metadata/robots.ts';
import { findRole } from '../../metadata/roles.ts';
import type { Transaction } from '../../metadata/sql.ts';
import { readUser } from '../../metadata/users.ts';
import { isBuiltInRole, ROLES } from '../action.ts';
import { type Condition, storedCondition } from '../condition.ts';
import { isAtOrBelow } from '../pattern.ts';
import { keepAnAdministrator } from './administrators.ts';
import { ACCESS_LIMITS } from './limits.ts';
import { checkPath, conflict, invalid, notFound } from './names.ts';
import { subjectTitle } from './subject.ts';

export function grantCommands() {
  return { addGrant: synced(addGrant), removeGrant: synced(removeGrant) };
}

export interface WantedGrant {
  readonly subject: Subject;
  readonly path: string;
  readonly role: string;
  /** Patterns, see pattern.ts; absent or empty = all tags. */
  readonly tags?: readonly string[];
  readonly condition?: Condition;
}

/** @throws RegistryError CONFLICT for one that is there, REQUEST_INVALID, NOT_FOUND. */
async function addGrant(
  tx: Transaction,
  { actor, ...wanted }: WantedGrant & { actor: Actor },
): Promise<GrantId> {
  const { subject, path, role, tags = [] } = wanted;
  checkPath(path);
  checkTags(tags);
  const condition = storedCondition(wanted.condition);
  await lockAccess(tx);
  const title = await subjectTitle(tx, subject);
  if (title === undefined) throw notFound('There is nobody of that name to grant anything to.');
  const isLimited = tags.length > 0 || condition !== null;
  if (role === 'administrator') checkAdministrator({ subject, path, isLimited });
  const actions = await actionsOf(tx, role);
  if (subject.kind === 'anyone' && actions.includes('manage')) {
    throw invalid(`The role ${role} manages; it can be granted to those who sign in only.`);
  }
  if (subject.kind === 'robot') await checkRobotPath(tx, wanted);
  const grant = {
    subject,
    path,
    role,
    tags: tags.length === 0 ? null : JSON.stringify(tags),
    condition,
    createdBy: actor.name,
  };
  if ((await findSameGrant(tx, grant)) !== undefined) {
    throw conflict(`${title} has the role ${role} on ${path || 'the root'} already.`);
  }
  const id = await insertGrant(tx, grant);
  await changeAccess(tx);
  await record(tx, { actor, action: 'grant.add', id, title, grant: wanted });
  return id;
}

async function removeGrant(
  tx: Transaction,
  { id, actor }: { id: GrantId; actor: Actor },
): Promise<void> {
  await lockAccess(tx);
  const grant = await readGrant(tx, id);
  if (grant === undefined) throw notFound('There is no such grant.');
  if (grant.role === 'administrator') await keepOneAdministrator(tx, grant);
  await deleteGrant(tx, id);
  await changeAccess(tx);
  const { subjectKind, subjectName } = grant;
  const title = subjectName === undefined ? subjectKind : `${subjectKind} ${subjectName}`;
  await record(tx, { actor, action: 'grant.remove', id, title, grant });
}

async function record(
  tx: Transaction,
  done: {
    actor: Actor;
    action: string;
    id: GrantId;
    title: string;
    grant: Pick<Grant, 'path' | 'role'> & {
      tags?: readonly string[] | undefined;
      condition?: unknown;
    };
  },
): Promise<void> {
  const { actor, action, id, title, grant } = done;
  const { path, role, tags, condition } = grant;
  await recordAct(tx, {
    actor,
    action,
    target: `${role} on ${path || 'the root'} for ${title}`,
    detail: { id, path, role, tags, condition },
  });
}

async function actionsOf(tx: Transaction, role: string): Promise<readonly string[]> {
  if (isBuiltInRole(role)) return ROLES[role];
  const custom = await findRole(tx, role);
  if (custom !== undefined) return custom.actions;
  const builtIn = Object.keys(ROLES).join(', ');
  throw invalid(`There is no role "${role}": take ${builtIn}, or one that was made here.`);
}

function checkAdministrator(grant: { subject: Subject; path: string; isLimited: boolean }): void {
  const { subject, path, isLimited } = grant;
  if (path !== '') {
    throw invalid('An administrator is one of the whole registry: grant the role at the root.');
  }
  if (subject.kind !== 'user') throw invalid('Only a user can be administrator.');
  // Whether somebody can administer must not hang on the time of day.
  if (isLimited) {
    throw invalid('The role administrator has no tags or conditions. Limit their access tokens.');
  }
}

async function checkRobotPath(tx: Transaction, { subject, path }: WantedGrant): Promise<void> {
  const robot = await readRobot(tx, subject.id);
  if (robot === undefined || isAtOrBelow(path, robot.path)) return;
  throw invalid(
    `The robot ${robot.name} belongs to ${robot.path}: it can be given rights there and below only.`,
  );
}

async function keepOneAdministrator(tx: Transaction, { subjectId }: Grant): Promise<void> {
  const user = await readUser(tx, subjectId);
  if (user?.state === 'active') await keepAnAdministrator(tx, user);
}

function checkTags(tags: readonly string[]): void {
  if (tags.length > ACCESS_LIMITS.tagPatterns) {
    throw invalid(`A grant has at most ${ACCESS_LIMITS.tagPatterns} tag patterns.`);
  }
  for (const pattern of tags) {
    const isFit = /^!?[A-Za-z0-9_.*?-]+$/.test(pattern);
    if (isFit && pattern.length <= ACCESS_LIMITS.tagPatternLength) continue;
    throw invalid(
      `"${pattern.slice(0, 200)}" is not a tag pattern: write characters of tags, * and ?, at most ${ACCESS_LIMITS.tagPatternLength}, with a leading ! for what is not meant.`,
    );
  }
}
