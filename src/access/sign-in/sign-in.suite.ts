// Sessions and second factors on every engine: what ends when, and what counts once.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { readSessionFacts } from '../../metadata/access-facts.ts';
import type { Actor } from '../../metadata/audit.ts';
import { listRefreshTokens } from '../../metadata/refresh-tokens.ts';
import { readUser } from '../../metadata/users.ts';
import { changeOwnPassword, resetPassword } from './change-password.ts';
import type { FactorChanged, PasskeyParts } from './passkeys.ts';
import {
  beginTotpApp,
  confirmTotpApp,
  removeTotpApp,
  renewRecoveryCodes,
} from './second-factor.ts';
import { Sessions } from './session.ts';
import { factorsOf, signIn, signInForClients } from './sign-in.ts';
import {
  actorOf,
  CONTEXT,
  codeAt,
  type OpenSignIn,
  PASSWORD,
  refusalOf,
  SignInWorld,
} from './suite-sign-in.ts';

const DAY_MS = 24 * 60 * 60_000;

export function describeSignIn(name: string, open: OpenSignIn): void {
  describe(name, () => {
    let world: SignInWorld;
    beforeAll(async () => {
      world = new SignInWorld(await open());
    }, 60_000);
    afterAll(() => world.close());
    sessions(() => world);
    apps(() => world);
    passwords(() => world);
  });
}

/** One user with a session, and what cases do with them. */
async function person(world: SignInWorld) {
  const { id, name } = await world.addUser();
  const failures: unknown[] = [];
  const sessions = new Sessions({
    sql: world.sql,
    commands: world.commands,
    now: world.now,
    idleMs: 7 * DAY_MS,
    lifeMs: 30 * DAY_MS,
    noteFailed: (error) => failures.push(error),
  });
  const enter = async (before?: string) => {
    const { epoch } = await userOf(world, id);
    const signedIn = { userId: id, name, epoch, method: 'password' };
    return sessions.create(signedIn, { context: CONTEXT, before });
  };
  const actor: Actor = actorOf({ id, name });
  return { id, name, sessions, enter, actor, failures, given: { name, password: PASSWORD } };
}

async function userOf(world: SignInWorld, id: number) {
  const user = await readUser(world.sql, id);
  if (user === undefined) throw new Error('the user is gone');
  return user;
}

function sessions(get: () => SignInWorld): void {
  test('a name that no database takes is one that nobody has', async () => {
    const given = { name: 'no\0body', password: PASSWORD };
    expect((await refusalOf(signIn(get(), given, CONTEXT))).code).toBe('UNAUTHORIZED');
  });

  describe('a session', () => {
    test('is found by its secret, by nothing else, and its secret is not stored', async () => {
      const world = get();
      const { id, name, sessions, enter } = await person(world);
      const { secret, session } = await enter();
      expect(secret).toStartWith('eps_');
      expect(await sessions.find(secret, CONTEXT)).toMatchObject({
        id: session.id,
        userId: id,
        name,
        method: 'password',
      });
      const other = (await enter()).secret;
      const mixed = `${secret.slice(0, 20)}${other.slice(20)}`;
      expect(await sessions.find(mixed, CONTEXT)).toBeUndefined();
      expect(await sessions.find('', CONTEXT)).toBeUndefined();
    });

    test('ends when it is not used, and when its time is over, used or not', async () => {
      const world = get();
      const { sessions, enter, failures } = await person(world);
      const { secret } = await enter();
      const start = Date.now();
      world.time = start + 6 * DAY_MS;
      expect(await sessions.find(secret, CONTEXT)).toBeDefined();
      await world.settled();
      world.time = start + 12 * DAY_MS;
      expect(await sessions.find(secret, CONTEXT)).toBeDefined();
      await world.settled();
      world.time = start + 20 * DAY_MS;
      expect(await sessions.find(secret, CONTEXT)).toBeUndefined();
      const used = (await enter()).secret;
      for (let day = 0; day < 29; day += 5) {
        world.time = start + day * DAY_MS;
        expect(await sessions.find(used, CONTEXT)).toBeDefined();
        await world.settled();
      }
      world.time = start + 30 * DAY_MS + 60_000;
      expect(await sessions.find(used, CONTEXT)).toBeUndefined();
      expect(failures).toEqual([]);
      world.time = start;
    });

    test('notes that somebody is there, at most once a minute', async () => {
      const world = get();
      const { id, sessions, enter } = await person(world);
      const { secret, session } = await enter();
      const seenAt = async () => (await sessions.list(id))[0]?.seenAt;
      world.time = session.seenAt + 59_000;
      await sessions.find(secret, CONTEXT);
      await world.settled();
      expect(await seenAt()).toBe(session.seenAt);
      world.time = session.seenAt + 61_000;
      const writes = world.ran('noteSessionSeen');
      for (let at = 0; at < 10; at += 1) await sessions.find(secret, CONTEXT);
      await world.settled();
      expect(world.ran('noteSessionSeen')).toBe(writes + 1);
      expect(await seenAt()).toBe(world.time);
    });

    test('gets a new secret at a new sign-in of the same browser', async () => {
      const world = get();
      const { id, sessions, enter } = await person(world);
      const first = await enter();
      const second = await enter(first.secret);
      expect(await sessions.find(first.secret, CONTEXT)).toBeUndefined();
      expect(await sessions.list(id)).toHaveLength(1);
      expect((await sessions.find(second.secret, CONTEXT))?.id).toBe(second.session.id);
    });

    test('is not made for an account that has changed since the sign-in', async () => {
      const world = get();
      const { id, name, sessions } = await person(world);
      const signedIn = { userId: id, name, epoch: 7, method: 'password' };
      const refusal = await refusalOf(sessions.create(signedIn, { context: CONTEXT }));
      expect(refusal.code).toBe('UNAUTHORIZED');
    });

    test('ends with its user, and with every change of epoch', async () => {
      const world = get();
      const { id, sessions, enter } = await person(world);
      const { secret } = await enter();
      await world.commands.run('setUserState', { id, state: 'disabled' });
      expect(await sessions.find(secret, CONTEXT)).toBeUndefined();
      await world.commands.run('setUserState', { id, state: 'active' });
      expect(await sessions.find(secret, CONTEXT)).toBeUndefined();
      expect(await sessions.list(id)).toEqual([]);
    });

    test('ends with the refresh tokens when an administrator signs its user out', async () => {
      const world = get();
      const { id: user, sessions, enter, actor } = await person(world);
      const { secret } = await enter();
      await enter();
      for (const hash of [new Uint8Array([1, user]), new Uint8Array([2, user])]) {
        const given = { epoch: 1, accessToken: undefined, client: 'x', lifetimeMs: DAY_MS };
        await world.commands.run('addRefreshToken', { token: { user, hash, ...given }, actor });
      }
      const before = await world.revision();
      await world.commands.run('signOutUser', { userId: user, actor: { ...actor, name: 'root' } });
      expect(await world.revision()).toBeGreaterThan(before);
      expect(await sessions.find(secret, CONTEXT)).toBeUndefined();
      expect(await listRefreshTokens(world.sql, { user, now: world.time })).toEqual([]);
      const acts = (await world.acts()).filter((act) => act.actor === 'root');
      expect(acts.map(({ action }) => action)).toEqual([
        'session.end-others',
        'refresh-token.revoke',
        'refresh-token.revoke',
      ]);
    });

    test('is listed and ended by its user, and by nobody else', async () => {
      const world = get();
      const alice = await person(world);
      const bob = await person(world);
      const [one, two, three] = [await alice.enter(), await alice.enter(), await alice.enter()];
      const { id } = one.session;
      const foreign = { userId: bob.id, id, actor: bob.actor };
      expect((await refusalOf(world.commands.run('endSession', foreign))).code).toBe('NOT_FOUND');
      const before = await world.revision();
      await world.commands.run('endSession', { userId: alice.id, id, actor: alice.actor });
      expect(await world.revision()).toBe(before + 1);
      expect((await readSessionFacts(world.sql, id))?.revokedAt).not.toBeNull();
      expect(await alice.sessions.find(one.secret, CONTEXT)).toBeUndefined();
      const open = (await alice.sessions.list(alice.id)).map((session) => session.id);
      expect(open.sort()).toEqual([two.session.id, three.session.id].sort());
      const end = { userId: alice.id, but: two.session.id, actor: alice.actor };
      expect(await world.commands.run('endOtherSessions', end)).toBe(1);
      expect(await alice.sessions.find(three.secret, CONTEXT)).toBeUndefined();
      expect(await alice.sessions.find(two.secret, CONTEXT)).toBeDefined();
      expect(await world.commands.run('endOtherSessions', end)).toBe(0);
      const acts = (await world.acts()).filter(({ actor }) => actor === alice.name);
      expect(acts.map(({ action }) => action)).toEqual([
        'session.create',
        'session.create',
        'session.create',
        'session.end',
        'session.end-others',
      ]);
    });

    test('of one user are a hundred at most: the one not used longest goes', async () => {
      const world = get();
      const { id, sessions, enter } = await person(world);
      const first = await enter();
      for (let at = 0; at < 100; at += 1) await enter();
      expect(await sessions.list(id)).toHaveLength(100);
      expect(await sessions.find(first.secret, CONTEXT)).toBeUndefined();
    });

    test('is forgotten some time after its end', async () => {
      const world = get();
      const { id, enter } = await person(world);
      const { session } = await enter();
      const trim = { before: session.expiresAt, limit: 1_000 };
      await world.commands.run('trimSessions', trim);
      expect(await readSessionFacts(world.sql, session.id)).toMatchObject({ userId: id });
      await world.commands.run('trimSessions', { before: session.expiresAt + 1, limit: 1_000 });
      expect(await readSessionFacts(world.sql, session.id)).toBeUndefined();
    });
  });
}

/** Turns an app on. @returns its secret, and what was given back. */
async function turnOn(
  world: SignInWorld,
  user: { id: number; actor: Actor },
  sessionId?: number,
): Promise<FactorChanged & { secret: string }> {
  const parts = partsOf(world);
  const userId = user.id;
  const { secret } = await beginTotpApp(parts, { userId, registry: 'Entrepot' }, user.actor);
  const code = codeAt(secret, world.time);
  const changed = await confirmTotpApp(parts, { userId, sessionId, code }, user.actor);
  return { ...changed, secret };
}

function partsOf(world: SignInWorld): PasskeyParts {
  return Object.assign(world, { site: undefined });
}

function apps(get: () => SignInWorld): void {
  describe('an authenticator app', () => {
    test('is asked for after the right password only, and each code counts once', async () => {
      const world = get();
      const user = await person(world);
      const { given } = user;
      const { secret } = await turnOn(world, user);
      const wrong = await refusalOf(signIn(world, { ...given, password: 'wrong' }, CONTEXT));
      expect(wrong.detail).toBeUndefined();
      const methods = ['totp', 'recovery-code'];
      expect(await refusalOf(signIn(world, given, CONTEXT))).toMatchObject({
        code: 'UNAUTHORIZED',
        detail: { secondFactor: true, methods },
      });
      // The code that turned it on was its first use.
      const code = codeAt(secret, world.time);
      expect(await refusalOf(signIn(world, { ...given, code }, CONTEXT))).toEqual({
        code: 'UNAUTHORIZED',
        message: 'The code is wrong, or was used before.',
        detail: { secondFactor: true },
      });
      world.time += 30_000;
      const next = codeAt(secret, world.time);
      const signedIn = await signIn(world, { ...given, code: next }, CONTEXT);
      expect(signedIn).toMatchObject({ userId: user.id, method: 'password+totp' });
      expect((await refusalOf(signIn(world, { ...given, code: next }, CONTEXT))).code).toBe(
        'UNAUTHORIZED',
      );
    });

    test('takes the code of the step before and after, and none further away', async () => {
      const world = get();
      const user = await person(world);
      const { secret } = await turnOn(world, user);
      const tryAt = async (aheadMs: number) => {
        const code = codeAt(secret, world.time + aheadMs);
        return signIn(world, { ...user.given, code }, CONTEXT).then(
          () => true,
          () => false,
        );
      };
      world.time += 3_600_000;
      expect(await tryAt(-60_000)).toBe(false);
      expect(await tryAt(60_000)).toBe(false);
      expect(await tryAt(-30_000)).toBe(true);
      expect(await tryAt(30_000)).toBe(true);
      // A later step was used: those before it are over.
      expect(await tryAt(0)).toBe(false);
    });

    test('takes one code once, also when it comes twice at once', async () => {
      const world = get();
      const user = await person(world);
      const { secret } = await turnOn(world, user);
      await signIn(world, user.given, CONTEXT).catch(() => {});
      world.time += 60_000;
      const code = codeAt(secret, world.time);
      const tried = await Promise.allSettled(
        Array.from({ length: 4 }, () => signIn(world, { ...user.given, code }, CONTEXT)),
      );
      expect(tried.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    });

    test('ends what was signed in without it; the session in which it was done goes on', async () => {
      const world = get();
      const user = await person(world);
      const [here, elsewhere] = [await user.enter(), await user.enter()];
      await signInForClients(world, user.given, CONTEXT);
      const before = await world.revision();
      const { sessionSecret = '', recoveryCodes } = await turnOn(world, user, here.session.id);
      expect(await world.revision()).toBe(before + 1);
      expect(recoveryCodes).toHaveLength(10);
      for (const { secret } of [here, elsewhere]) {
        expect(await user.sessions.find(secret, CONTEXT)).toBeUndefined();
      }
      expect(await user.sessions.find(sessionSecret, CONTEXT)).toMatchObject({
        id: here.session.id,
        epoch: 2,
      });
      expect(await refusalOf(signInForClients(world, user.given, CONTEXT))).toMatchObject({
        code: 'UNAUTHORIZED',
        message: expect.stringContaining('entrepot token create') as string,
        detail: { accessTokenNeeded: true },
      });
    });

    test('is on only after a first code, and then not begun anew', async () => {
      const world = get();
      const user = await person(world);
      const parts = partsOf(world);
      const begin = { userId: user.id, registry: 'Entrepot' };
      const { secret, uri } = await beginTotpApp(parts, begin, user.actor);
      expect(uri).toStartWith(`otpauth://totp/Entrepot:${user.name}?issuer=Entrepot&secret=`);
      expect(await signIn(world, user.given, CONTEXT)).toMatchObject({ method: 'password' });
      const confirm = { userId: user.id, sessionId: undefined };
      const bad = codeAt(secret, world.time + 300_000);
      expect(
        await refusalOf(confirmTotpApp(parts, { ...confirm, code: bad }, user.actor)),
      ).toMatchObject({ code: 'DENIED' });
      // Begun again, the first secret counts no more.
      const again = await beginTotpApp(parts, begin, user.actor);
      const old = codeAt(secret, world.time);
      expect(
        await refusalOf(confirmTotpApp(parts, { ...confirm, code: old }, user.actor)),
      ).toMatchObject({ code: 'DENIED' });
      // Nor does it when it is begun again while a code is compared.
      const late = { userId: user.id, sealed: 'another', step: 1, codes: [], actor: user.actor };
      expect((await refusalOf(world.commands.run('confirmTotp', late))).code).toBe('CONFLICT');
      const code = codeAt(again.secret, world.time);
      await confirmTotpApp(parts, { ...confirm, code }, user.actor);
      expect((await refusalOf(beginTotpApp(parts, begin, user.actor))).code).toBe('CONFLICT');
    });

    test('goes off with a code only, and its end ends what was signed in', async () => {
      const world = get();
      const user = await person(world);
      const { secret, recoveryCodes: [used = ''] = [] } = await turnOn(world, user);
      await signIn(world, { ...user.given, code: used }, CONTEXT);
      const parts = partsOf(world);
      const off = { userId: user.id, sessionId: undefined };
      for (const code of ['000000', used, '']) {
        world.refused.length = 0;
        const wrong = { ...off, proof: { code } };
        expect((await refusalOf(removeTotpApp(parts, wrong, user.actor))).code).toBe('DENIED');
        const { actor } = user;
        expect(world.refused).toEqual([
          {
            actor,
            action: 'second-factor.prove',
            target: `user ${user.name}`,
            outcome: 'refused',
            detail: { why: 'the second factor was wrong, or was used before' },
          },
        ]);
      }
      world.time += 30_000;
      const proof = { code: codeAt(secret, world.time) };
      await removeTotpApp(parts, { ...off, proof }, user.actor);
      expect(await userOf(world, user.id)).toMatchObject({ hasTotp: false, epoch: 3 });
      expect(await factorsOf(world.sql, { id: user.id, totpConfirmed: 0 })).toEqual([]);
      expect(await signIn(world, user.given, CONTEXT)).toMatchObject({ method: 'password' });
    });

    test('can be taken away by an administrator', async () => {
      const world = get();
      const user = await person(world);
      await turnOn(world, user);
      await world.commands.run('removeSecondFactor', { userId: user.id, actor: user.actor });
      expect(await signIn(world, user.given, CONTEXT)).toMatchObject({ method: 'password' });
    });

    test('whose codes are guessed makes the guesser wait, wherever they are', async () => {
      const world = get();
      const user = await person(world);
      const { secret } = await turnOn(world, user);
      for (let at = 0; at < 5; at += 1) {
        const context = { ...CONTEXT, address: `198.51.100.${at}` };
        await refusalOf(signIn(world, { ...user.given, code: '000000' }, context));
      }
      const code = codeAt(secret, world.time + 30_000);
      const refusal = await refusalOf(signIn(world, { ...user.given, code }, CONTEXT));
      expect(refusal).toMatchObject({ code: 'TOOMANYREQUESTS', detail: { retryAfterSeconds: 1 } });
      world.time += 1_000;
      expect(await signIn(world, { ...user.given, code }, CONTEXT)).toBeDefined();
    });
  });

  describe('recovery codes', () => {
    test('sign in once each, typed in any way', async () => {
      const world = get();
      const user = await person(world);
      const { recoveryCodes = [] } = await turnOn(world, user);
      const [first = '', second = ''] = recoveryCodes;
      // 24 of 32 letters: 120 bits.
      expect(first).toMatch(/^[A-Z2-7]{6}(-[A-Z2-7]{6}){3}$/);
      const typed = first.toLowerCase().replaceAll('-', ' ');
      expect(await signIn(world, { ...user.given, code: typed }, CONTEXT)).toMatchObject({
        method: 'password+recovery-code',
      });
      expect((await refusalOf(signIn(world, { ...user.given, code: first }, CONTEXT))).code).toBe(
        'UNAUTHORIZED',
      );
      expect(await signIn(world, { ...user.given, code: second }, CONTEXT)).toBeDefined();
    });

    test('are one user’s own', async () => {
      const world = get();
      const [alice, bob] = [await person(world), await person(world)];
      const { recoveryCodes: [code = ''] = [] } = await turnOn(world, alice);
      await turnOn(world, bob);
      expect((await refusalOf(signIn(world, { ...bob.given, code }, CONTEXT))).code).toBe(
        'UNAUTHORIZED',
      );
    });

    test('are made anew all at once, with a code', async () => {
      const world = get();
      const user = await person(world);
      const { recoveryCodes: [old = '', other = ''] = [] } = await turnOn(world, user);
      const renewal = { userId: user.id, proof: { code: old } };
      const codes = await renewRecoveryCodes(partsOf(world), renewal, user.actor);
      expect(new Set(codes).size).toBe(10);
      expect((await refusalOf(signIn(world, { ...user.given, code: other }, CONTEXT))).code).toBe(
        'UNAUTHORIZED',
      );
      expect(await signIn(world, { ...user.given, code: codes[3] }, CONTEXT)).toBeDefined();
    });
  });
}

function passwords(get: () => SignInWorld): void {
  describe('a new password', () => {
    const fresh = 'violet kettle harbour';

    test('wants the old one, ends all other sessions and keeps this one', async () => {
      const world = get();
      const user = await person(world);
      const [here, elsewhere] = [await user.enter(), await user.enter()];
      const change = { userId: user.id, newPassword: fresh, sessionId: here.session.id };
      const wrong = { ...change, oldPassword: 'not it at all' };
      expect((await refusalOf(changeOwnPassword(world, wrong, user.actor))).code).toBe('DENIED');
      const right = { ...change, oldPassword: PASSWORD };
      const secret = (await changeOwnPassword(world, right, user.actor)) ?? '';
      expect((await user.sessions.find(secret, CONTEXT))?.id).toBe(here.session.id);
      for (const before of [here.secret, elsewhere.secret]) {
        expect(await user.sessions.find(before, CONTEXT)).toBeUndefined();
      }
      expect((await refusalOf(signIn(world, user.given, CONTEXT))).code).toBe('UNAUTHORIZED');
      expect(await signIn(world, { name: user.name, password: fresh }, CONTEXT)).toMatchObject({
        epoch: 2,
      });
    });

    test('follows the rules and is another one', async () => {
      const world = get();
      const user = await person(world);
      const change = { userId: user.id, oldPassword: PASSWORD, sessionId: undefined };
      for (const newPassword of ['short', 'password123', PASSWORD]) {
        const refusal = await refusalOf(
          changeOwnPassword(world, { ...change, newPassword }, user.actor),
        );
        expect(refusal.code).toBe('REQUEST_INVALID');
      }
    });

    test('that an administrator sets ends everything that was signed in', async () => {
      const world = get();
      const user = await person(world);
      const { secret } = await user.enter();
      await resetPassword(world, { userId: user.id, password: fresh }, user.actor);
      expect(await user.sessions.find(secret, CONTEXT)).toBeUndefined();
      expect(await signIn(world, { name: user.name, password: fresh }, CONTEXT)).toBeDefined();
    });

    test('is not on record, nor the old one', async () => {
      const world = get();
      const all = JSON.stringify([await world.acts(), world.refused]);
      expect(all).toContain('user.change-password');
      for (const secret of [fresh, PASSWORD, 'not it at all']) expect(all).not.toContain(secret);
    });
  });
}
