// What holds of the end of an organisation and of a team's new name, on every engine.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { readUserFacts } from '../../metadata/access-facts.ts';
import { readAccessToken } from '../../metadata/access-tokens.ts';
import { grantsOf, isAnythingGranted } from '../../metadata/grants.ts';
import { findInvitation } from '../../metadata/invitations.ts';
import { findOrganisation, organisationsOf } from '../../metadata/organisations.ts';
import { readPathSetting, settingsBelow } from '../../metadata/path-settings.ts';
import { listRobots, readRobot } from '../../metadata/robots.ts';
import { findTeams, teamsOf } from '../../metadata/teams.ts';
import { listTrustPolicies, readTrustPolicy } from '../../metadata/trust-policies.ts';
import { ADMIN, hashOf, type OpenPeople, People, race, refusal } from './suite-people.ts';

const HOUR_MS = 3_600_000;

export function describeOrganisationEnd(name: string, open: OpenPeople): void {
  describe(name, () => {
    const people = new People();
    beforeAll(() => people.open(open), 60_000);
    afterAll(() => people.close());

    describeEnd(people);
    describeTeamNames(people);
  });
}

const end = (people: People, id: number) => people.run('deleteOrganisation', { id, actor: ADMIN });

/** An organisation with one of everything that may hang on it, and as much of a sibling's. */
async function furnished(people: People) {
  const { id: user } = await people.user();
  const organisation = await people.organisation(user);
  const { id, name } = organisation;
  const team = await people.team(organisation);
  await people.run('addTeamMember', { team: team.id, user, actor: ADMIN });
  const robot = await people.robot(`${name}/app`);
  const owner = { kind: 'robot', id: robot } as const;
  const secret = { hash: hashOf(name), hint: 'abcd', expiresAt: null, actor: ADMIN };
  const token = await people.run('createAccessToken', { owner, name: 'ci', ...secret });
  await people.grant({ kind: 'robot', id: robot }, 'writer', `${name}/app`);
  await people.grant({ kind: 'user', id: user }, 'maintainer', name);
  await people.grant({ kind: 'signed-in', id: 0 }, 'reader', `${name}/app/web`);
  // What it was given elsewhere.
  await people.grant({ kind: 'organisation', id }, 'reader', 'elsewhere');
  await people.grant({ kind: 'team', id: team.id }, 'reader', 'elsewhere');
  const policy = await people.run('createTrustPolicy', {
    path: name,
    name: 'ci',
    issuer: 'https://issuer.example.org',
    audience: 'entrepot',
    conditions: { repository: 'acme/app' },
    grants: [{ actions: ['push'], names: [`${name}/app`] }],
    lifetimeMs: HOUR_MS,
    actor: ADMIN,
  });
  await people.run('setPathSetting', { path: name, visibility: 'public', actor: ADMIN });
  await people.run('setPathSetting', { path: `${name}/app`, creation: 'push', actor: ADMIN });
  await people.run('createInvitation', {
    hash: hashOf(`invitation to ${name}`),
    email: null,
    organisation: id,
    expiresAt: Date.now() + HOUR_MS,
    actor: ADMIN,
  });
  return { id, name, user, team, robot, token, policy };
}

function describeEnd(people: People): void {
  test('takes away all that hung on it, and nothing of a sibling', async () => {
    const [ended, kept] = [await furnished(people), await furnished(people)];
    const { sql } = people;
    expect(await people.changes(() => end(people, ended.id))).toBe(true);
    expect(await people.acts()).toMatchObject([
      { action: 'organisation.delete', target: `organisation ${ended.name}`, actor: 'admin' },
    ]);
    const left = async (one: typeof ended) => ({
      organisation: (await findOrganisation(sql, one.name)) !== undefined,
      memberships: (await organisationsOf(sql, one.user)).length,
      owned: (await readUserFacts(sql, one.user))?.owned.length,
      teams: (await findTeams(sql, [one.team.name])).size,
      teamsOfUser: (await teamsOf(sql, one.user)).length,
      granted: await isAnythingGranted(sql, one.name),
      toOrganisation: (await grantsOf(sql, { kind: 'organisation', id: one.id })).length,
      toTeam: (await grantsOf(sql, { kind: 'team', id: one.team.id })).length,
      robots: (await listRobots(sql, { path: one.name, limit: 10 })).length,
      robot: (await readRobot(sql, one.robot))?.state,
      isTokenRevoked: (await readAccessToken(sql, one.token))?.revokedAt !== null,
      policies: (await listTrustPolicies(sql, { path: one.name, limit: 10 })).length,
      policy: (await readTrustPolicy(sql, one.policy))?.state,
      visibility: (await readPathSetting(sql, one.name)).visibility,
      settingsBelow: (await settingsBelow(sql, { path: one.name, after: '', limit: 10 })).length,
      invitation: (await findInvitation(sql, hashOf(`invitation to ${one.name}`))) !== undefined,
    });
    expect(await left(ended)).toEqual({
      organisation: false,
      memberships: 0,
      owned: 0,
      teams: 0,
      teamsOfUser: 0,
      granted: false,
      toOrganisation: 0,
      toTeam: 0,
      robots: 0,
      robot: 'deleted',
      isTokenRevoked: true,
      policies: 0,
      policy: 'deleted',
      visibility: undefined,
      settingsBelow: 0,
      invitation: false,
    });
    expect(await left(kept)).toEqual({
      organisation: true,
      memberships: 1,
      owned: 1,
      teams: 1,
      teamsOfUser: 1,
      granted: true,
      toOrganisation: 1,
      toTeam: 1,
      robots: 1,
      robot: 'active',
      isTokenRevoked: false,
      policies: 1,
      policy: 'active',
      visibility: 'public',
      settingsBelow: 1,
      invitation: true,
    });
    expect(await refusal(end(people, ended.id))).toMatch(/^NOT_FOUND/);
    // The name is free, and who has it now has nothing of before.
    const { id } = await people.user(ended.name);
    expect((await readUserFacts(sql, id))?.rights).toEqual([]);
  });

  test('waits until it holds no repository, and names those that it holds', async () => {
    const organisation = await people.organisation((await people.user()).id);
    const { id, name } = organisation;
    await people.run('pushed', `${name}-sibling/app`);
    await people.run('pushed', `${name}/b`);
    expect(await refusal(end(people, id))).toBe(
      `CONFLICT: The organisation ${name} still holds ${name}/b. It can be deleted when it holds no repository.`,
    );
    for (const one of ['a', 'c', 'd/e', 'f', 'g']) await people.run('pushed', `${name}/${one}`);
    expect(await refusal(end(people, id))).toContain(
      `${['a', 'b', 'c', 'd/e', 'f'].map((one) => `${name}/${one}`).join(', ')} and others.`,
    );
    expect(await findOrganisation(people.sql, name)).toMatchObject({ id });
  });

  test('more robots and policies than are read at once', async () => {
    const { id, name } = await people.organisation((await people.user()).id);
    for (let count = 0; count < 101; count += 1) await people.robot(name);
    await end(people, id);
    expect(await listRobots(people.sql, { path: name, limit: 10 })).toEqual([]);
  });

  test('nothing is given to an organisation that ends at that moment', async () => {
    for (let round = 0; round < 10; round += 1) {
      const { id, name } = await people.organisation((await people.user()).id);
      const { id: user } = await people.user();
      const hash = hashOf(`race ${name}`);
      const invitation = { hash, email: null, organisation: id, expiresAt: Date.now() + HOUR_MS };
      const [, refused] = await race([
        people.run('createInvitation', { ...invitation, actor: ADMIN }),
        people.grant({ kind: 'organisation', id }, 'reader', 'elsewhere'),
        end(people, id),
        people.run('setMember', { organisation: id, user, isOwner: true, actor: ADMIN }),
        people.run('createTeam', { organisation: id, name: 'late', actor: ADMIN }),
      ]);
      for (const sentence of refused) expect(sentence).toMatch(/There is no(body| such)/);
      expect(await findInvitation(people.sql, hash)).toBeUndefined();
      expect(await grantsOf(people.sql, { kind: 'organisation', id })).toEqual([]);
      expect(await organisationsOf(people.sql, user)).toEqual([]);
    }
  });
}

function describeTeamNames(people: People): void {
  test('a team keeps its members and grants under a new name, which is its own', async () => {
    const { id: user } = await people.user();
    const organisation = await people.organisation(user);
    const [team, other] = [await people.team(organisation), await people.team(organisation)];
    await people.run('addTeamMember', { team: team.id, user, actor: ADMIN });
    await people.grant({ kind: 'team', id: team.id }, 'writer', organisation.name);
    const rename = (name: string) => () =>
      people.run('renameTeam', { id: team.id, name, actor: ADMIN });
    expect(await people.changes(rename('platform'))).toBe(true);
    const name = `${organisation.name}/platform`;
    expect(await people.acts()).toMatchObject([
      { action: 'team.rename', target: `team ${team.name}`, detail: '{"name":"platform"}' },
    ]);
    expect(await teamsOf(people.sql, user)).toMatchObject([{ id: team.id, name }]);
    const rights = (await readUserFacts(people.sql, user))?.rights;
    expect(rights).toMatchObject([{ through: `team ${name}`, role: 'writer' }]);
    expect(await people.changes(rename('platform'))).toBe(false);
    const taken = other.name.split('/')[1] ?? '';
    expect(await refusal(rename(taken)())).toMatch(/^CONFLICT/);
    expect(await refusal(rename('No Name')())).toMatch(/^REQUEST_INVALID/);
    await people.run('deleteTeam', { id: team.id, actor: ADMIN });
    expect(await refusal(rename('gone')())).toMatch(/^NOT_FOUND/);
  });
}
