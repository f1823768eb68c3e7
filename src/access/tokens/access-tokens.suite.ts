// What holds of access tokens on every engine.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { listAccessTokens, readAccessToken } from '../../metadata/access-tokens.ts';
import { listRefreshTokens } from '../../metadata/refresh-tokens.ts';
import { ACCESS_LIMITS } from '../people/limits.ts';
import { ADMIN, hashOf, type OpenPeople, People, race, refusal } from '../people/suite-people.ts';

const DAY_MS = 86_400_000;

export function describeAccessTokens(name: string, open: OpenPeople): void {
  describe(name, () => {
    const people = new People();
    beforeAll(() => people.open(open), 60_000);
    afterAll(() => people.close());

    describeMaking(people);
    describeRotation(people);
    describeUse(people);
    describeRefreshTokens(people);
  });
}

async function make(people: People, user: number, more: object = {}): Promise<number> {
  const made = {
    owner: { kind: 'user', id: user } as const,
    name: 'ci',
    hash: hashOf(people.fresh('secret')),
    hint: 'abcd',
    expiresAt: null,
    actor: ADMIN,
  };
  return people.run('createAccessToken', { ...made, ...more });
}

function describeMaking(people: People): void {
  test('one that is made ends nothing that is remembered; one that is revoked does', async () => {
    const { id: user, name } = await people.user();
    let token = 0;
    const scopes = [{ actions: ['pull' as const], names: ['team/**'] }];
    const condition = { networks: ['10.0.0.0/8'] };
    const create = async () => {
      token = await make(people, user, { scopes, condition });
    };
    expect(await people.changes(create)).toBe(false);
    const row = await readAccessToken(people.sql, token);
    expect(JSON.parse(row?.scopes ?? '')).toEqual(scopes);
    expect(JSON.parse(row?.condition ?? '')).toEqual(condition);
    const [act] = await people.acts(1);
    expect(act).toMatchObject({ action: 'token.create', target: `token ${token} of user ${name}` });
    const revoke = () => people.run('revokeAccessToken', { id: token, actor: ADMIN });
    expect(await people.changes(revoke)).toBe(true);
    expect(await people.changes(revoke)).toBe(false);
  });

  test('neither its secret nor its hash is on record', async () => {
    const { id: user } = await people.user();
    const hash = hashOf('known');
    await make(people, user, { hash });
    const [act] = await people.acts(1);
    expect(JSON.stringify(act)).not.toContain(Buffer.from(hash).toString('hex'));
    expect(act?.detail).not.toContain('hash');
  });

  test('what could not be meant is refused', async () => {
    const { id: user } = await people.user();
    const cases: [object, RegExp][] = [
      [{ name: '  ' }, /needs a name/],
      [{ name: 'a'.repeat(129) }, /at most 128/],
      [{ expiresAt: 1000 }, /has passed/],
      [{ owner: { kind: 'user', id: 999_999 } }, /^NOT_FOUND/],
      [{ owner: { kind: 'robot', id: 999_999 } }, /^NOT_FOUND/],
    ];
    for (const [change, expected] of cases) {
      expect(await refusal(make(people, user, change))).toMatch(expected);
    }
    await people.run('disableUser', { id: user, actor: ADMIN });
    expect(await refusal(make(people, user))).toMatch(/CONFLICT: The user .* is disabled/);
  });

  test('an owner reaches only tokens of their own, and may revoke all at once', async () => {
    const [ann, ben] = [await people.user(), await people.user()];
    const owner = { kind: 'user', id: ann.id } as const;
    const [first, second] = [await make(people, ann.id), await make(people, ann.id)];
    const others = await make(people, ben.id);
    const foreign = people.run('revokeAccessToken', { id: others, owner, actor: ADMIN });
    expect(await refusal(foreign)).toMatch(/^NOT_FOUND/);
    const page = await listAccessTokens(people.sql, { owner, limit: 1 });
    expect(page).toMatchObject([{ id: second }]);
    const rest = await listAccessTokens(people.sql, { owner, before: second, limit: 5 });
    expect(rest).toMatchObject([{ id: first }]);
    expect(await people.run('revokeAccessTokensOf', { owner, actor: ADMIN })).toBe(2);
    expect(await people.run('revokeAccessTokensOf', { owner, actor: ADMIN })).toBe(0);
    expect(await readAccessToken(people.sql, others)).toMatchObject({ revokedAt: null });
  });
}

function describeRotation(people: People): void {
  const rotate = (id: number, more: object = {}) => {
    const secret = { hash: hashOf(people.fresh('secret')), hint: 'wxyz', actor: ADMIN };
    return people.run('rotateAccessToken', { id, ...secret, overlapMs: DAY_MS, ...more });
  };

  test('the new one has the same rights and as long a life, the old one works on for a while', async () => {
    const { id: user } = await people.user();
    const scopes = [{ actions: ['pull' as const], names: ['**'] }];
    const old = await make(people, user, { scopes, expiresAt: Date.now() + 30 * DAY_MS });
    const made = await readAccessToken(people.sql, old);
    const before = Date.now();
    let id = 0;
    const turn = async () => {
      id = await rotate(old);
    };
    expect(await people.changes(turn)).toBe(true);
    const fresh = await readAccessToken(people.sql, id);
    expect(fresh).toMatchObject({ replacesId: old, name: 'ci', hint: 'wxyz', uses: 0 });
    expect(fresh?.scopes).toBe(JSON.stringify(scopes));
    const life = (made?.expiresAt ?? 0) - (made?.createdAt ?? 0);
    // The clock of the database may not be this one's.
    expect(Math.abs((fresh?.expiresAt ?? 0) - (fresh?.createdAt ?? 0) - life)).toBeLessThan(1000);
    const until = (await readAccessToken(people.sql, old))?.expiresAt ?? 0;
    expect(until).toBeGreaterThanOrEqual(before + DAY_MS - 1000);
    expect(until).toBeLessThan((made?.expiresAt ?? 0) - 20 * DAY_MS);
    expect(await refusal(rotate(old))).toMatch(/CONFLICT: .* rotated already/);
  });

  test('never makes the old one live longer', async () => {
    const { id: user } = await people.user();
    const expiresAt = Date.now() + 3_600_000;
    const old = await make(people, user, { expiresAt });
    await rotate(old, { expiresAt: null });
    expect((await readAccessToken(people.sql, old))?.expiresAt).toBe(expiresAt);
  });

  test('is done once, and not with one that has ended', async () => {
    const { id: user } = await people.user();
    const old = await make(people, user);
    const [done] = await race([rotate(old), rotate(old)]);
    expect(done).toBe(1);
    const revoked = await make(people, user);
    await people.run('revokeAccessToken', { id: revoked, actor: ADMIN });
    expect(await refusal(rotate(revoked))).toMatch(/CONFLICT: This token has ended/);
    const { id } = await people.user();
    const owner = { kind: 'user', id } as const;
    expect(await refusal(rotate(await make(people, user), { owner }))).toMatch(/^NOT_FOUND/);
  });
}

function describeUse(people: People): void {
  test('uses add up, and the last one is the latest', async () => {
    const { id: user } = await people.user();
    const [id, other] = [await make(people, user), await make(people, user)];
    const use = { id, from: '192.0.2.7', by: 'docker/27' };
    await Promise.all([
      people.run('noteTokenUses', [
        { ...use, count: 3, at: 5000 },
        { ...use, id: other, count: 1, at: 1 },
      ]),
      people.run('noteTokenUses', [
        { ...use, id: other, count: 1, at: 2 },
        { ...use, count: 2, at: 4000, from: '192.0.2.8' },
      ]),
    ]);
    expect(await readAccessToken(people.sql, id)).toMatchObject({
      uses: 5,
      lastUsedAt: 5000,
      lastUsedFrom: '192.0.2.7',
      lastUsedBy: 'docker/27',
    });
    expect(await readAccessToken(people.sql, other)).toMatchObject({ uses: 2, lastUsedAt: 2 });
  });

  test('those that ended long ago are forgotten, with what was made from them', async () => {
    const { id: user } = await people.user();
    const [expired, revoked, lives] = [
      await make(people, user, { expiresAt: Date.now() + DAY_MS }),
      await make(people, user),
      await make(people, user),
    ];
    await people.run('revokeAccessToken', { id: revoked, actor: ADMIN });
    await people.run('insertRefresh', { user, token: revoked });
    const trim = () =>
      people.run('trimAccessTokens', { before: Date.now() - 90 * DAY_MS, limit: 100 });
    await trim();
    expect(await readAccessToken(people.sql, revoked)).toBeDefined();
    await people.run('ageTokens', 92 * DAY_MS);
    expect(await trim()).toBeGreaterThanOrEqual(2);
    expect(await trim()).toBe(0);
    expect(await readAccessToken(people.sql, expired)).toBeUndefined();
    expect(await readAccessToken(people.sql, revoked)).toBeUndefined();
    expect(await readAccessToken(people.sql, lives)).toBeDefined();
  });
}

function describeRefreshTokens(people: People): void {
  test('of a user the oldest refresh tokens end when there are too many, and nobody else loses any', async () => {
    const [{ id: user }, { id: other }] = [await people.user(), await people.user()];
    const give = async (owner: number) => {
      const hash = hashOf(people.fresh('refresh'));
      const token = { user: owner, epoch: 1, accessToken: undefined, hash, client: 'x' };
      const made = { token: { ...token, lifetimeMs: DAY_MS }, actor: ADMIN };
      return people.run('addRefreshToken', made);
    };
    const live = (owner: number) => listRefreshTokens(people.sql, { user: owner, now: Date.now() });
    await give(other);
    const most = ACCESS_LIMITS.refreshTokens;
    for (let at = 0; at < most; at += 1) {
      expect(await people.changes(() => give(user))).toBe(false);
    }
    const before = (await live(user)).map(({ id }) => id);
    expect(before).toHaveLength(most);
    expect(await people.changes(() => give(user))).toBe(true);
    const after = (await live(user)).map(({ id }) => id);
    expect(after).toHaveLength(most);
    expect(after.slice(0, -1)).toEqual(before.slice(1));
    expect(await live(other)).toHaveLength(1);
  }, 30_000);
}
