// Whose an access token is, in words, and whether they may have one now.
import type { TokenOwner } from '../../metadata/access-tokens.ts';
import { readRobot } from '../../metadata/robots.ts';
import type { Sql } from '../../metadata/sql.ts';
import { readTrustPolicy } from '../../metadata/trust-policies.ts';
import { readUser } from '../../metadata/users.ts';
import { conflict, notFound } from '../people/names.ts';

interface Owner {
  readonly title: string;
  readonly state: string;
}

/** `user alice`, `robot team:ci`, `trust policy team:deploy`. */
export async function ownerTitle(sql: Sql, owner: TokenOwner): Promise<string> {
  return (await readOwner(sql, owner))?.title ?? `${owner.kind} ${owner.id}`;
}

/** @throws RegistryError NOT_FOUND, and CONFLICT for one that is disabled. */
export async function activeOwnerTitle(sql: Sql, owner: TokenOwner): Promise<string> {
  const found = await readOwner(sql, owner);
  if (found === undefined || found.state === 'deleted') {
    throw notFound(`There is no such ${owner.kind}.`);
  }
  if (found.state !== 'active') throw conflict(`The ${found.title} is ${found.state}.`);
  return found.title;
}

async function readOwner(sql: Sql, { kind, id }: TokenOwner): Promise<Owner | undefined> {
  if (kind === 'user') {
    const user = await readUser(sql, id);
    return user && { title: `user ${user.name}`, state: user.state };
  }
  const row = kind === 'robot' ? await readRobot(sql, id) : await readTrustPolicy(sql, id);
  const noun = kind === 'robot' ? 'robot' : 'trust policy';
  return row && { title: `${noun} ${row.path}:${row.name}`, state: row.state };
}
