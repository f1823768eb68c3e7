// What holds of users, organisations, teams and invitations on every engine.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { listInvitations } from '../../metadata/invitations.ts';
import { findOrganisation, listMembers, organisationsOf } from '../../metadata/organisations.ts';
import { listPasskeys } from '../../metadata/passkeys.ts';
import { listRobots } from '../../metadata/robots.ts';
import { countRecoveryCodes } from '../../metadata/second-factor.ts';
import { listTeamMembers, listTeams, teamsOf } from '../../metadata/teams.ts';
import { listTrustPolicies } from '../../metadata/trust-policies.ts';
import { identitiesOf } from '../../metadata/user-identities.ts';
import {
  findUser,
  findUserSecrets,
  findUsersByEmail,
  listUsers,
  readUser,
} from '../../metadata/users.ts';
import { findSubject } from './subject.ts';
import { ADMIN, hashOf, type OpenPeople, People, race, refusal } from './suite-people.ts';

const HOUR_MS = 3_600_000;

export function describeAccounts(name: string, open: OpenPeople): void {
  describe(name, () => {
    const people = new People();
    beforeAll(() => people.open(open), 60_000);
    afterAll(() => people.close());

    describeFirstStart(people);
    describeUsers(people);
    describeOrganisations(people);
    describeTeams(people);
    describeInvitations(people);
  });
}

function describeFirstStart(people: People): void {
  test('the first start makes one administrator, though two nodes start at once', async () => {
    const first = { name: 'admin', passwordHash: 'hash' };
    const made = await Promise.all([
      people.run('ensureAdministrator', first),
      people.run('ensureAdministrator', first),
    ]);
    expect(made.filter(Boolean)).toHaveLength(1);
    expect(await people.run('ensureAdministrator', first)).toBe(false);
    expect(await people.acts()).toMatchObject([
      { action: 'user.create', actor: 'entrepot', target: 'user admin' },
    ]);
  });

  test('the last active administrator can neither be disabled, deleted nor lose the role', async () => {
    const admin = (await findUser(people.sql, 'admin'))?.id ?? 0;
    const last = /CONFLICT: admin is the last active administrator/;
    const change = { id: admin, actor: ADMIN };
    expect(await refusal(people.run('disableUser', change))).toMatch(last);
    expect(await refusal(people.run('deleteUser', change))).toMatch(last);
    const second = await people.user();
    const grant = await people.grant({ kind: 'user', id: second.id }, 'administrator', '');
    await people.run('disableUser', { id: second.id, actor: ADMIN });
    expect(await refusal(people.run('disableUser', change))).toMatch(last);
    await people.run('enableUser', { id: second.id, actor: ADMIN });
    // Each of the two takes away the other one.
    const [done, refused] = await race([
      people.run('disableUser', change),
      people.run('removeGrant', { id: grant, actor: ADMIN }),
    ]);
    expect([done, refused.length]).toEqual([1, 1]);
    await people.run('enableUser', change);
  });
}

function describeUsers(people: People): void {
  test('a name is one part of a repository name, not reserved, and of one account only', async () => {
    for (const wrong of [
      '',
      'Alice',
      'a/b',
      'a..b',
      '-a',
      'a'.repeat(65),
      'admin',
      'oidc',
      'token',
    ]) {
      expect(await refusal(people.user(wrong))).toMatch(/^REQUEST_INVALID/);
    }
    const { name, id } = await people.user();
    expect(await refusal(people.user(name))).toMatch(/CONFLICT: .* is taken/);
    expect(await refusal(people.organisation(id, name))).toMatch(/CONFLICT: .* is taken/);
    const both = people.fresh('both');
    const [done] = await race([
      people.user(both),
      people.organisation(id, both),
      people.user(both),
      people.organisation(id, both),
    ]);
    expect(done).toBe(1);
  });

  test('nobody gets a namespace where something is by calling themselves so', async () => {
    const [pushed, granted] = [people.fresh('p'), people.fresh('g')];
    await people.run('pushed', `${pushed}/app`);
    await people.run('pushed', `${granted}-sibling/app`);
    await people.grant({ kind: 'anyone', id: 0 }, 'reader', `${granted}/app`);
    expect(await refusal(people.user(pushed))).toMatch(/CONFLICT: There is a namespace/);
    expect(await refusal(people.user(granted))).toMatch(/CONFLICT: There is a namespace/);
    const [set, machine, trusted] = [people.fresh('s'), people.fresh('m'), people.fresh('t')];
    const robot = { name: 'ci', description: '', expiresAt: null, actor: ADMIN };
    await people.run('setPathSetting', { path: set, visibility: 'public', actor: ADMIN });
    await people.run('createRobot', { ...robot, path: `${machine}/prod` });
    const policy = { issuer: 'https://ci.example', audience: 'x', conditions: {}, grants: [] };
    const named = { path: trusted, name: 'ci', lifetimeMs: 60_000, actor: ADMIN };
    await people.run('createTrustPolicy', { ...policy, ...named });
    for (const name of [set, machine, trusted]) {
      expect(await refusal(people.user(name))).toMatch(/CONFLICT: There is a namespace/);
    }
    const rest = { displayName: '', email: null, passwordHash: null, actor: ADMIN };
    await people.run('createUser', { name: pushed, adoptsNamespace: true, ...rest });
    expect((await findUser(people.sql, pushed))?.name).toBe(pushed);
  });

  test('a password, a state: the epoch rises and the revision too', async () => {
    const { id, name } = await people.user();
    const change = { id, actor: ADMIN };
    const epoch = async () => (await readUser(people.sql, id))?.epoch;
    expect(await epoch()).toBe(1);
    const set = () => people.run('setUserPassword', { ...change, passwordHash: 'other' });
    expect(await people.changes(set)).toBe(true);
    expect(await epoch()).toBe(2);
    expect((await findUserSecrets(people.sql, name))?.passwordHash).toBe('other');
    expect(await people.changes(() => people.run('disableUser', change))).toBe(true);
    expect(await epoch()).toBe(3);
    // A second time nothing is done and nothing put on record.
    const acts = await people.acts(1);
    expect(await people.changes(() => people.run('disableUser', change))).toBe(false);
    expect(await people.acts(1)).toEqual(acts);
    expect(await people.changes(() => people.run('enableUser', change))).toBe(true);
  });

  test('a new password and the end of the second factor are one change, or none', async () => {
    const { id, name } = await people.user();
    await people.run('addSecrets', id);
    const left = async () => ({
      password: (await findUserSecrets(people.sql, name))?.passwordHash,
      totp: (await findUserSecrets(people.sql, name))?.totpSecret,
      passkeys: (await listPasskeys(people.sql, id)).length,
      codes: await countRecoveryCodes(people.sql, id),
    });
    const before = await left();
    expect(before).toMatchObject({ totp: 'sealed', passkeys: 1, codes: 1 });
    const change = { id, passwordHash: 'new', isSecondFactorGone: true, actor: ADMIN };
    // No JSON, so that what comes last in the transaction fails.
    const broken = { ...change, systemUser: 1n as unknown as string };
    await expect(people.run('setUserPassword', broken)).rejects.toThrow();
    expect(await left()).toEqual(before);
    expect(await people.changes(() => people.run('setUserPassword', change))).toBe(true);
    expect(await left()).toEqual({ password: 'new', totp: null, passkeys: 0, codes: 0 });
    const acts = (await people.acts(2)).map(({ action, target }) => ({ action, target }));
    expect(acts).toEqual([
      { action: 'user.set-password', target: `user ${name}` },
      { action: 'second-factor.off', target: `user ${name}` },
    ]);
  });

  test('deleting takes everything but the row and the name', async () => {
    const [{ id, name }, other] = [await people.user(), await people.user()];
    const organisation = await people.organisation(other.id);
    const member = { organisation: organisation.id, user: id, isOwner: false, actor: ADMIN };
    await people.run('setMember', member);
    const team = await people.team(organisation);
    await people.run('addTeamMember', { team: team.id, user: id, actor: ADMIN });
    await people.grant({ kind: 'user', id }, 'reader', organisation.name);
    const secret = { hash: hashOf(name), hint: 'abcd', expiresAt: null, actor: ADMIN };
    const owner = { kind: 'user', id } as const;
    const token = await people.run('createAccessToken', { owner, name: 'ci', ...secret });
    await people.run('updateUser', { id, email: 'gone@example.org', actor: ADMIN });
    await people.run('deleteUser', { id, actor: ADMIN });
    expect(await findUsersByEmail(people.sql, 'gone@example.org')).toEqual([]);
    expect(await findUser(people.sql, name)).toMatchObject({
      state: 'deleted',
      hasPassword: false,
    });
    expect(await organisationsOf(people.sql, id)).toEqual([]);
    expect(await teamsOf(people.sql, id)).toEqual([]);
    expect(await findSubject(people.sql, { kind: 'user', name })).toBeUndefined();
    expect(await people.run('revokeAccessToken', { id: token, actor: ADMIN })).toBe(false);
    expect(await refusal(people.user(name))).toMatch(/CONFLICT: .* was a user's who is deleted/);
    expect(await refusal(people.run('enableUser', { id, actor: ADMIN }))).toMatch(/^NOT_FOUND/);
  });

  test('the machines of a deleted user are disabled, and those beside are not', async () => {
    const { id, name } = await people.user();
    const paths = [name, `${name}/app`, `${name}-b`];
    const machine = { name: 'ci', actor: ADMIN };
    const robot = { ...machine, description: '', expiresAt: null };
    const policy = { issuer: 'https://ci.example', audience: 'x', conditions: {}, grants: [] };
    for (const path of paths) {
      await people.run('createRobot', { ...robot, path });
      await people.run('createTrustPolicy', { ...machine, ...policy, lifetimeMs: 60_000, path });
    }
    // More than are read at once.
    for (let at = 0; at < 150; at += 1) {
      await people.run('createRobot', { ...robot, path: `${name}/many`, name: `r${at}` });
    }
    await people.run('deleteUser', { id, actor: ADMIN });
    const states = async (path: string) => [
      ...(await listRobots(people.sql, { path, limit: 1_000 })).map(({ state }) => state),
      ...(await listTrustPolicies(people.sql, { path, limit: 1_000 })).map(({ state }) => state),
    ];
    expect(await states(`${name}-b`)).toEqual(['active', 'active']);
    const own = await states(name);
    expect([own.length, new Set(own)]).toEqual([154, new Set(['disabled'])]);
    const [deletion] = await people.acts(1);
    expect(JSON.parse(deletion?.detail ?? '')).toEqual({
      disabled: { robots: 152, trustPolicies: 2 },
    });
  });

  test('nothing that proved who they were is left of somebody deleted', async () => {
    const [{ id, name }, other] = [await people.user(), await people.user()];
    for (const user of [id, other.id]) {
      await people.run('setUserPassword', { id: user, passwordHash: 'hash', actor: ADMIN });
      await people.run('addSecrets', user);
    }
    const left = async (user: { id: number; name: string }) => ({
      secrets: await findUserSecrets(people.sql, user.name),
      passkeys: (await listPasskeys(people.sql, user.id)).length,
      codes: await countRecoveryCodes(people.sql, user.id),
      tokens: (await identitiesOf(people.sql, user.id)).map((one) => one.refreshToken),
    });
    await people.run('deleteUser', { id, actor: ADMIN });
    expect(await left({ id, name })).toMatchObject({
      secrets: { passwordHash: null, totpSecret: null },
      passkeys: 0,
      codes: 0,
      tokens: [null],
    });
    expect(await left(other)).toMatchObject({
      secrets: { passwordHash: 'hash', totpSecret: 'sealed' },
      passkeys: 1,
      codes: 1,
      tokens: ['sealed'],
    });
  });

  test('profiles change in part, and are found by search and by address', async () => {
    const { id, name } = await people.user();
    const email = `${name}@Example.org`;
    await people.run('updateUser', { id, displayName: 'Ann % Example', email, actor: ADMIN });
    await people.run('updateUser', { id, displayName: 'Ann %_ Example', actor: ADMIN });
    expect(await readUser(people.sql, id)).toMatchObject({ displayName: 'Ann %_ Example', email });
    expect(await findUsersByEmail(people.sql, email.toLowerCase())).toMatchObject([{ id }]);
    for (const search of ['%_ EX', `${name}@exa`, name]) {
      const found = await listUsers(people.sql, { after: '', limit: 10, search });
      expect(found.map((user) => user.id)).toContain(id);
    }
    expect(await listUsers(people.sql, { after: '', limit: 10, search: '%%' })).toEqual([]);
    const wrong = people.run('updateUser', { id, email: 'nobody', actor: ADMIN });
    expect(await refusal(wrong)).toMatch(/^REQUEST_INVALID/);
  });

  test('a list goes on where a page ended, in byte order', async () => {
    const seen: string[] = [];
    for (let after = ''; ; after = seen.at(-1) ?? '') {
      const page = await listUsers(people.sql, { after, limit: 3 });
      if (page.length === 0) break;
      seen.push(...page.map((user) => user.name));
    }
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen).toEqual([...seen].sort());
    expect(seen).toContain('admin');
  });

  test('last seen never goes back', async () => {
    const { id } = await people.user();
    await people.run('noteSeen', [{ kind: 'user', id, at: 2000 }]);
    await people.run('noteSeen', [{ kind: 'user', id, at: 1000 }]);
    expect((await readUser(people.sql, id))?.lastSeenAt).toBe(2000);
  });
}

function describeOrganisations(people: People): void {
  test('who makes it owns it, and somebody always does', async () => {
    const [ann, ben] = [await people.user(), await people.user()];
    const { id, name } = await people.organisation(ann.id);
    expect(await findOrganisation(people.sql, name)).toMatchObject({ id });
    const change = (user: { id: number }) => ({ organisation: id, user: user.id, actor: ADMIN });
    const last = /CONFLICT: .* last owner/;
    expect(await refusal(people.run('removeMember', change(ann)))).toMatch(last);
    expect(await refusal(people.run('setMember', { ...change(ann), isOwner: false }))).toMatch(
      last,
    );
    expect(await refusal(people.run('deleteUser', { id: ann.id, actor: ADMIN }))).toMatch(last);
    await people.run('setMember', { ...change(ben), isOwner: true });
    const [done] = await race([
      people.run('removeMember', change(ann)),
      people.run('removeMember', change(ben)),
    ]);
    expect(done).toBe(1);
    const members = await listMembers(people.sql, { organisation: id, after: 0, limit: 10 });
    expect(members).toMatchObject([{ isOwner: true }]);
  });

  test('an owner who cannot sign in does not count', async () => {
    const [ann, ben] = [await people.user(), await people.user()];
    const { id } = await people.organisation(ann.id);
    await people.run('setMember', { organisation: id, user: ben.id, isOwner: true, actor: ADMIN });
    await people.run('disableUser', { id: ben.id, actor: ADMIN });
    const leave = people.run('removeMember', { organisation: id, user: ann.id, actor: ADMIN });
    expect(await refusal(leave)).toMatch(/last owner/);
  });
}

function describeTeams(people: People): void {
  test('members of the organisation only, and gone with their membership', async () => {
    const [ann, ben] = [await people.user(), await people.user()];
    const organisation = await people.organisation(ann.id);
    const team = await people.team(organisation);
    const add = { team: team.id, user: ben.id, actor: ADMIN };
    expect(await refusal(people.run('addTeamMember', add))).toMatch(/CONFLICT: .* not a member/);
    const member = { organisation: organisation.id, user: ben.id, actor: ADMIN };
    await people.run('setMember', { ...member, isOwner: false });
    expect(await people.changes(() => people.run('addTeamMember', add))).toBe(true);
    expect(await people.changes(() => people.run('addTeamMember', add))).toBe(false);
    await people.run('removeMember', member);
    expect(await teamsOf(people.sql, ben.id)).toEqual([]);
  });

  test('what one provider says takes nothing away of what others said', async () => {
    const { id: user } = await people.user();
    const organisation = await people.organisation(user);
    const [a, b, c] = [
      await people.team(organisation),
      await people.team(organisation),
      await people.team(organisation),
    ];
    await people.run('addTeamMember', { team: a.id, user, actor: ADMIN });
    await people.run('addTeamMemberBy', { team: b.id, user, source: 'ldap' });
    const source = 'oidc:company';
    const first = { user, source, teams: [a.name, b.name, 'no/such', 'odd'] };
    expect(await people.run('replaceTeamsOf', first)).toEqual({
      added: [a.name, b.name],
      removed: [],
      unknown: ['no/such', 'odd'],
    });
    const second = await people.run('replaceTeamsOf', { user, source, teams: [c.name, b.name] });
    expect(second).toEqual({ added: [c.name], removed: [a.name], unknown: [] });
    await people.run('replaceTeamsOf', { user, source, teams: [] });
    expect((await teamsOf(people.sql, user)).map(({ id, source }) => [id, source])).toEqual([
      [a.id, 'manual'],
      [b.id, 'ldap'],
    ]);
    const byHand = people.run('removeTeamMember', { team: b.id, user, actor: ADMIN });
    expect(await refusal(byHand)).toMatch(/CONFLICT: .* group of ldap/);
  });

  test('a team takes its grants with it', async () => {
    const { id: user } = await people.user();
    const organisation = await people.organisation(user);
    const team = await people.team(organisation);
    const again = {
      organisation: organisation.id,
      name: team.name.split('/')[1] ?? '',
      actor: ADMIN,
    };
    expect(await refusal(people.run('createTeam', again))).toMatch(/^CONFLICT/);
    await people.grant({ kind: 'team', id: team.id }, 'writer', organisation.name);
    await people.run('addTeamMember', { team: team.id, user, actor: ADMIN });
    const page = { team: team.id, limit: 10 };
    expect(await listTeamMembers(people.sql, page)).toMatchObject([{ userId: user }]);
    await people.run('deleteTeam', { id: team.id, actor: ADMIN });
    const left = { organisation: organisation.id, after: '', limit: 10 };
    expect(await listTeams(people.sql, left)).toEqual([]);
    expect(await people.run('createTeam', again)).not.toBe(team.id);
  });

  test('members by pages, one who is there by two words twice', async () => {
    const { id: user } = await people.user();
    const team = await people.team(await people.organisation(user));
    for (const source of ['manual', 'ldap', 'oidc:x']) {
      await people.run('addTeamMemberBy', { team: team.id, user, source });
    }
    const page = { team: team.id, limit: 2 };
    const first = await listTeamMembers(people.sql, page);
    expect(first.map(({ source }) => source)).toEqual(['ldap', 'manual']);
    const [, after] = first;
    const rest = await listTeamMembers(people.sql, { ...page, ...(after && { after }) });
    expect(rest.map(({ source }) => source)).toEqual(['oidc:x']);
  });
}

function describeInvitations(people: People): void {
  const accept = { displayName: '', email: null, passwordHash: 'hash', actor: ADMIN };
  const invite = async (secret: string, organisation: number | null = null) => {
    const expiresAt = Date.now() + HOUR_MS;
    const made = { hash: hashOf(secret), email: 'new@example.org', organisation, expiresAt };
    return people.run('createInvitation', { ...made, actor: ADMIN });
  };

  test('makes one user, who joins the organisation', async () => {
    const organisation = await people.organisation((await people.user()).id);
    const secret = people.fresh('secret');
    await invite(secret, organisation.id);
    const hash = hashOf(secret);
    const [a, b] = [people.fresh('inv'), people.fresh('inv')];
    const [done, refused] = await race([
      people.run('acceptInvitation', { ...accept, hash, name: a }),
      people.run('acceptInvitation', { ...accept, hash, name: b }),
    ]);
    expect([done, refused]).toEqual([1, [expect.stringContaining('was used')]]);
    const user = (await findUser(people.sql, a)) ?? (await findUser(people.sql, b));
    expect(user).toMatchObject({ email: 'new@example.org', hasPassword: true });
    const [joined] = await organisationsOf(people.sql, user?.id ?? 0);
    expect(joined).toMatchObject({ name: organisation.name, isOwner: false });
  });

  test('stays good when the name is taken, and is nothing after its time', async () => {
    const secret = people.fresh('secret');
    const id = await invite(secret);
    const hash = hashOf(secret);
    const taken = { ...accept, hash, name: 'admin' };
    expect(await refusal(people.run('acceptInvitation', taken))).toMatch(/^REQUEST_INVALID/);
    const [listed] = await listInvitations(people.sql, { limit: 1 });
    expect(listed).toMatchObject({ id, usedAt: null });
    await people.run('ageInvitations', 2 * HOUR_MS);
    const late = { ...accept, hash, name: people.fresh('inv') };
    expect(await refusal(people.run('acceptInvitation', late))).toMatch(/^NOT_FOUND/);
    await people.run('deleteInvitation', { id, actor: ADMIN });
    const again = people.run('deleteInvitation', { id, actor: ADMIN });
    expect(await refusal(again)).toMatch(/^NOT_FOUND/);
  });
}
