// What holds of grants, roles, robots and trust policies on every engine.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { grantsAt, grantsOf, listGrants } from '../../metadata/grants.ts';
import { findRobot, listRobots, readRobot } from '../../metadata/robots.ts';
import { findRole, listRoles } from '../../metadata/roles.ts';
import {
  findTrustPolicy,
  listTrustPolicies,
  policiesOfIssuer,
  readTrustPolicy,
} from '../../metadata/trust-policies.ts';
import { findSubject } from './subject.ts';
import { ADMIN, hashOf, type OpenPeople, People, race, refusal } from './suite-people.ts';

export function describeRights(name: string, open: OpenPeople): void {
  describe(name, () => {
    const people = new People();
    beforeAll(() => people.open(open), 60_000);
    afterAll(() => people.close());

    describeGrants(people);
    describeGrantRules(people);
    describeRoles(people);
    describeRobots(people);
    describePolicies(people);
  });
}

function describeGrants(people: People): void {
  test('are listed at their path, below it, by whom they are for, and by where they hold', async () => {
    const { id, name } = await people.user();
    const organisation = await people.organisation(id);
    const team = await people.team(organisation);
    const top = organisation.name;
    const robot = await people.robot(top, 'ci');
    await people.grant({ kind: 'team', id: team.id }, 'writer', `${top}/app`);
    await people.grant({ kind: 'robot', id: robot }, 'writer', `${top}/app/web`);
    await people.grant({ kind: 'user', id }, 'maintainer', top);
    await people.grant({ kind: 'organisation', id: organisation.id }, 'reader', top);
    await people.grant({ kind: 'signed-in', id: 0 }, 'reader', `${top}-other`);
    const names = (grants: { subjectName: string | undefined }[]) =>
      grants.map(({ subjectName }) => subjectName);
    expect(names(await grantsAt(people.sql, top))).toEqual([name, top]);
    const robotName = `${top}:ci`;
    const all = await listGrants(people.sql, { path: top, limit: 10 });
    expect(names(all)).toEqual([name, top, team.name, robotName]);
    for (const [at, after] of all.entries()) {
      const next = await listGrants(people.sql, { path: top, limit: 1, after });
      expect(names(next)).toEqual(names(all.slice(at + 1, at + 2)));
    }
    const own = await grantsOf(people.sql, { kind: 'team', id: team.id });
    expect(own).toMatchObject([{ path: `${top}/app`, role: 'writer', tags: undefined }]);
    const found = await findSubject(people.sql, { kind: 'robot', name: robotName });
    expect(found).toEqual({ kind: 'robot', id: robot });
    expect(await findSubject(people.sql, { kind: 'team', name: team.name })).toEqual({
      kind: 'team',
      id: team.id,
    });
  });

  test('are each there once, also when two give them at once', async () => {
    const { id } = await people.user();
    const subject = { kind: 'user', id } as const;
    const condition = { networks: ['10.0.0.0/8'] };
    const wanted = { subject, role: 'writer', path: 'team', actor: ADMIN };
    const [done, refused] = await race([
      people.run('addGrant', wanted),
      people.run('addGrant', wanted),
    ]);
    expect([done, refused]).toEqual([1, [expect.stringContaining('already')]]);
    await people.run('addGrant', { ...wanted, tags: ['prod-*'] });
    await people.run('addGrant', { ...wanted, tags: ['prod-*'], condition });
    const same = people.run('addGrant', { ...wanted, tags: ['prod-*'], condition });
    expect(await refusal(same)).toMatch(/^CONFLICT/);
    const grants = await grantsOf(people.sql, subject);
    expect(grants.map(({ tags, condition }) => [tags, condition])).toEqual([
      [undefined, undefined],
      [['prod-*'], undefined],
      [['prod-*'], condition],
    ]);
  });

  test('given or taken away, they raise the revision and are on record', async () => {
    const { id, name } = await people.user();
    const give = () => people.grant({ kind: 'user', id }, 'reader', 'team');
    expect(await people.changes(give)).toBe(true);
    const [grant] = await grantsOf(people.sql, { kind: 'user', id });
    const take = () => people.run('removeGrant', { id: grant?.id ?? 0, actor: ADMIN });
    expect(await people.changes(take)).toBe(true);
    expect(await people.acts(2)).toMatchObject([
      { action: 'grant.remove', actor: 'admin', target: `reader on team for user ${name}` },
      { action: 'grant.add', actor: 'admin', target: `reader on team for user ${name}` },
    ]);
    expect(await refusal(take())).toMatch(/^NOT_FOUND/);
  });
}

function describeGrantRules(people: People): void {
  test('refuse what could never be meant', async () => {
    const { id } = await people.user();
    const user = { kind: 'user', id } as const;
    const wanted = { subject: user, role: 'writer', path: 'team', actor: ADMIN };
    const long = Array.from({ length: 21 }, (_, at) => `v${at}`);
    const cases: [object, RegExp][] = [
      [{ path: 'Team' }, /REQUEST_INVALID: "Team" is not a path/],
      [{ path: 'team/' }, /REQUEST_INVALID/],
      [{ role: 'emperor' }, /REQUEST_INVALID: There is no role/],
      [{ tags: long }, /at most 20 tag patterns/],
      [{ tags: ['a'.repeat(129)] }, /not a tag pattern/],
      [{ tags: ['a b'] }, /not a tag pattern/],
      [{ tags: ['!'] }, /not a tag pattern/],
      [{ role: 'administrator' }, /grant the role at the root/],
      [{ role: 'administrator', path: '', tags: ['a'] }, /no tags or conditions/],
      [{ role: 'owner', subject: { kind: 'anyone', id: 0 } }, /those who sign in only/],
      [{ subject: { kind: 'anyone', id: 1 } }, /^NOT_FOUND/],
      [{ subject: { kind: 'team', id: 999_999 } }, /^NOT_FOUND/],
      [{ subject: { kind: 'user', id: 999_999 } }, /^NOT_FOUND/],
    ];
    for (const [change, expected] of cases) {
      expect(await refusal(people.run('addGrant', { ...wanted, ...change }))).toMatch(expected);
    }
    expect(await grantsOf(people.sql, user)).toEqual([]);
  });

  test('an administrator is a user', async () => {
    const robot = await people.robot('');
    const grant = people.grant({ kind: 'robot', id: robot }, 'administrator', '');
    expect(await refusal(grant)).toMatch(/Only a user/);
  });

  test('a robot is given rights where it belongs and below only', async () => {
    const subject = { kind: 'robot', id: await people.robot('team/app') } as const;
    for (const path of ['', 'team', 'team/app-other', 'team/other']) {
      expect(await refusal(people.grant(subject, 'writer', path))).toMatch(/belongs to team\/app/);
    }
    await people.grant(subject, 'writer', 'team/app');
    await people.grant(subject, 'writer', 'team/app/web');
    expect(await grantsOf(people.sql, subject)).toHaveLength(2);
  });
}

function describeRoles(people: People): void {
  test('have actions but never administer, and stay while they are granted', async () => {
    const name = people.fresh('role');
    const make = (actions: string[], called = name) =>
      people.run('createRole', { name: called, actions, actor: ADMIN });
    expect(await refusal(make(['pull', 'administer']))).toMatch(/^REQUEST_INVALID/);
    expect(await refusal(make([]))).toMatch(/^REQUEST_INVALID/);
    expect(await refusal(make(['pull'], 'owner'))).toMatch(/CONFLICT: .* built-in/);
    await make(['delete', 'pull', 'pull']);
    expect(await refusal(make(['pull']))).toMatch(/^CONFLICT/);
    expect((await findRole(people.sql, name))?.actions).toEqual(['pull', 'delete']);
    const grant = await people.grant({ kind: 'anyone', id: 0 }, name, 'team');
    const change = (actions: string[]) => () =>
      people.run('updateRole', { name, actions, actor: ADMIN });
    expect(await people.changes(change(['pull']))).toBe(true);
    expect(await refusal(change(['pull', 'manage'])())).toMatch(/granted to anyone/);
    const drop = () => people.run('deleteRole', { name, actor: ADMIN });
    expect(await refusal(drop())).toMatch(/CONFLICT: .* granted on team/);
    await people.run('removeGrant', { id: grant, actor: ADMIN });
    await drop();
    expect(await refusal(drop())).toMatch(/^NOT_FOUND/);
    expect((await listRoles(people.sql)).map((role) => role.name)).not.toContain(name);
  });

  test('a role is not deleted while it is being granted', async () => {
    const { id } = await people.user();
    const name = people.fresh('role');
    await people.run('createRole', { name, actions: ['pull'], actor: ADMIN });
    const [done] = await race([
      people.run('deleteRole', { name, actor: ADMIN }),
      people.grant({ kind: 'user', id }, name, 'team'),
    ]);
    expect(done).toBe(1);
    const isThere = (await findRole(people.sql, name)) !== undefined;
    expect(await grantsOf(people.sql, { kind: 'user', id })).toHaveLength(isThere ? 1 : 0);
  });
}

function describeRobots(people: People): void {
  test('a deleted one comes back without what it had', async () => {
    const [path, name] = [people.fresh('path'), 'ci'];
    const id = await people.robot(path, name);
    expect(await refusal(people.robot(path, name))).toMatch(/^CONFLICT/);
    await people.grant({ kind: 'robot', id }, 'writer', path);
    const secret = { hash: hashOf(path), hint: 'abcd', expiresAt: null, actor: ADMIN };
    const owner = { kind: 'robot', id } as const;
    const token = await people.run('createAccessToken', { owner, name: 'x', ...secret });
    expect(await people.changes(() => people.run('deleteRobot', { id, actor: ADMIN }))).toBe(true);
    expect(await findRobot(people.sql, { path, name })).toMatchObject({ state: 'deleted' });
    expect(await listRobots(people.sql, { path, limit: 10 })).toEqual([]);
    expect(await people.robot(path, name)).toBe(id);
    expect(await readRobot(people.sql, id)).toMatchObject({ state: 'active', epoch: 3 });
    expect(await grantsOf(people.sql, { kind: 'robot', id })).toEqual([]);
    expect(await people.run('revokeAccessToken', { id: token, actor: ADMIN })).toBe(false);
  });

  test('expiry and state can be changed, with an end for what is remembered', async () => {
    const id = await people.robot(people.fresh('path'));
    const update = (change: { description?: string; expiresAt?: number }) => () =>
      people.run('updateRobot', { id, ...change, actor: ADMIN });
    expect(await people.changes(update({ description: 'builds' }))).toBe(false);
    const expiresAt = Date.now() + 3_600_000;
    expect(await people.changes(update({ expiresAt }))).toBe(true);
    expect(await readRobot(people.sql, id)).toMatchObject({ description: 'builds', expiresAt });
    expect(await refusal(update({ expiresAt: 1000 })())).toMatch(/has passed/);
    await people.run('disableRobot', { id, actor: ADMIN });
    expect(await readRobot(people.sql, id)).toMatchObject({ state: 'disabled', epoch: 2 });
  });

  test('listed with those below, page by page', async () => {
    const top = people.fresh('top');
    const places = [top, `${top}/a`, `${top}/a`, `${top}/b`];
    for (const path of places) await people.robot(path);
    await people.robot(`${top}-sibling`);
    const seen: { path: string; name: string }[] = [];
    for (;;) {
      const after = seen.at(-1);
      const list = { path: top, limit: 2, ...(after && { after }) };
      const page = await listRobots(people.sql, list);
      if (page.length === 0) break;
      seen.push(...page);
    }
    expect(seen.map(({ path }) => path)).toEqual(places);
    const all = await listRobots(people.sql, { path: '', limit: 1000 });
    expect(all.map(({ path }) => path)).toContain(`${top}-sibling`);
  });
}

function describePolicies(people: People): void {
  const content = (issuer: string) => ({
    issuer,
    audience: 'entrepot',
    conditions: { repository: 'acme/app' },
    grants: [{ actions: ['push' as const], names: ['acme/{repository}'] }],
    lifetimeMs: 3_600_000,
  });

  test('are found by issuer while they are active', async () => {
    const issuer = `https://${people.fresh('issuer')}.example.org`;
    const path = people.fresh('path');
    const make = (name: string) =>
      people.run('createTrustPolicy', { path, name, ...content(issuer), actor: ADMIN });
    const [b, a] = [await make('b'), await make('a')];
    expect(await refusal(make('a'))).toMatch(/^CONFLICT/);
    const found = async () =>
      (await policiesOfIssuer(people.sql, { issuer, limit: 10 })).map(({ id }) => id);
    expect(await found()).toEqual([a, b]);
    const row = await findTrustPolicy(people.sql, { path, name: 'a' });
    expect(JSON.parse(row?.grants ?? '')).toEqual(content(issuer).grants);
    const disable = () => people.run('disableTrustPolicy', { id: a, actor: ADMIN });
    expect(await people.changes(disable)).toBe(true);
    expect(await found()).toEqual([b]);
    await people.run('enableTrustPolicy', { id: a, actor: ADMIN });
    const page = { path, after: { path, name: 'a' }, limit: 10 };
    expect((await listTrustPolicies(people.sql, page)).map(({ id }) => id)).toEqual([b]);
  });

  test('are in force in a bounded number at one path, however they come about', async () => {
    const [path, below] = [people.fresh('path'), people.fresh('other')];
    const at = (place: string, name: string) =>
      people.run('createTrustPolicy', {
        path: place,
        name,
        ...content('https://many.example.org'),
        actor: ADMIN,
      });
    const change = (id: number) => ({ id, actor: ADMIN });
    const ids: number[] = [];
    for (let count = 0; count < 49; count += 1) ids.push(await at(path, `p${count}`));
    // Two that come at once see each other.
    const [done, refused] = await race([at(path, 'last'), at(path, 'late')]);
    expect([done, refused]).toEqual([1, [expect.stringContaining('50 trust policies in force')]]);
    const [id = 0] = ids;
    expect(await refusal(at(path, 'more'))).toMatch(/^CONFLICT: .* Disable or delete one first/);
    await at(`${path}/${below}`, 'more');
    await people.run('disableTrustPolicy', change(id));
    await at(path, 'more');
    expect(await refusal(people.run('enableTrustPolicy', change(id)))).toMatch(/^CONFLICT/);
    // What is there can be changed.
    await people.run('updateTrustPolicy', { ...content('https://b'), ...change(ids[1] ?? 0) });
    await people.run('deleteTrustPolicy', change(ids[1] ?? 0));
    await people.run('enableTrustPolicy', change(id));
  });

  test('of one owner are so many at most, and are read a page after the other', async () => {
    const [top, other] = [people.fresh('top'), people.fresh('other')];
    const issuer = `https://${top}.example.org`;
    const at = (path: string, name: string) =>
      people.run('createTrustPolicy', { path, name, ...content(issuer), actor: ADMIN });
    const made: number[] = [];
    for (let count = 0; count < 500; count += 1) {
      const path = `${top}/${String(Math.floor(count / 50))}`;
      made.push(await at(path, `p${String(count % 50).padStart(2, '0')}`));
    }
    expect(await refusal(at(`${top}/x/y`, 'one'))).toContain('500 trust policies in force');
    const beside = await at(`${top}-${other}`, 'one');
    const seen: number[] = [];
    for (let after: { path: string; name: string } | undefined; ; ) {
      const page = await policiesOfIssuer(people.sql, { issuer, after, limit: 99 });
      seen.push(...page.map(({ id }) => id));
      after = page.at(-1);
      if (page.length < 99) break;
    }
    // `top-other` stands before `top/0`.
    expect(seen).toEqual([beside, ...made]);
  }, 30_000);

  test('a change ends what was issued, and a deleted one comes back as a new one', async () => {
    const path = people.fresh('path');
    const make = () =>
      people.run('createTrustPolicy', { path, name: 'x', ...content('https://a'), actor: ADMIN });
    const id = await make();
    const update = () =>
      people.run('updateTrustPolicy', { id, ...content('https://b'), actor: ADMIN });
    expect(await people.changes(update)).toBe(true);
    expect(await readTrustPolicy(people.sql, id)).toMatchObject({ epoch: 2, issuer: 'https://b' });
    await people.run('deleteTrustPolicy', { id, actor: ADMIN });
    expect(await refusal(update())).toMatch(/^NOT_FOUND/);
    expect(await listTrustPolicies(people.sql, { path, limit: 10 })).toEqual([]);
    expect(await make()).toBe(id);
    expect(await readTrustPolicy(people.sql, id)).toMatchObject({ epoch: 4, issuer: 'https://a' });
  });
}
