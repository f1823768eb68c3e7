// Whom a grant is for: from the name that a person writes to the row, and back.
import type { SubjectKind } from '../../metadata/access-schema.ts';
import type { Subject } from '../../metadata/grants.ts';
import { findOrganisation, readOrganisation } from '../../metadata/organisations.ts';
import { findRobot, readRobot } from '../../metadata/robots.ts';
import type { Sql } from '../../metadata/sql.ts';
import { findTeams, readTeam } from '../../metadata/teams.ts';
import { findUser, readUser } from '../../metadata/users.ts';
import { isAtOrBelow } from '../pattern.ts';

/**
 * `name`: of a user or organisation, `organisation/team`, or `path:robot`; not looked at for
 * `signed-in` and `anyone`. `at`: where it is to be granted something; a robot of elsewhere is nobody there,
 * because its name says which paths there are. @returns undefined when there is none of that name.
 */
export async function findSubject(
  sql: Sql,
  { kind, name, at }: { kind: SubjectKind; name: string; at?: string },
): Promise<Subject | undefined> {
  const robotPath = name.slice(0, Math.max(0, name.lastIndexOf(':')));
  if (kind === 'robot' && at !== undefined && !isAtOrBelow(at, robotPath)) return undefined;
  const id = await idOf(sql, { kind, name });
  return id === undefined ? undefined : { kind, id };
}

async function idOf(
  sql: Sql,
  { kind, name }: { kind: SubjectKind; name: string },
): Promise<number | undefined> {
  switch (kind) {
    case 'user': {
      const user = await findUser(sql, name);
      return user?.state === 'deleted' ? undefined : user?.id;
    }
    case 'team':
      return (await findTeams(sql, [name])).get(name);
    case 'robot': {
      const colon = name.lastIndexOf(':');
      if (colon < 0) return undefined;
      const key = { path: name.slice(0, colon), name: name.slice(colon + 1) };
      const robot = await findRobot(sql, key);
      return robot?.state === 'deleted' ? undefined : robot?.id;
    }
    case 'organisation':
      return (await findOrganisation(sql, name))?.id;
    default:
      return 0;
  }
}

/** `user alice`, `team acme/core`, `anyone`; undefined when there is no such subject any more. */
export async function subjectTitle(sql: Sql, { kind, id }: Subject): Promise<string | undefined> {
  switch (kind) {
    case 'user': {
      const user = await readUser(sql, id);
      return user === undefined || user.state === 'deleted' ? undefined : `user ${user.name}`;
    }
    case 'team': {
      const team = await readTeam(sql, id);
      return team && `team ${team.fullName}`;
    }
    case 'robot': {
      const robot = await readRobot(sql, id);
      const isThere = robot !== undefined && robot.state !== 'deleted';
      return isThere ? `robot ${robot.path}:${robot.name}` : undefined;
    }
    case 'organisation': {
      const organisation = await readOrganisation(sql, id);
      return organisation && `organisation ${organisation.name}`;
    }
    default:
      return id === 0 ? kind : undefined;
  }
}
