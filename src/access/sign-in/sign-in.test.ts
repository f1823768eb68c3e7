// Signing in with a password, alone and with a second factor.
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { RegistryError } from '../../oci/errors.ts';
import { describeSignIn } from './sign-in.suite.ts';
import { signIn, signInForClients } from './sign-in.ts';
import {
  actorOf,
  CONTEXT,
  openSignInSqlite,
  PASSWORD,
  refusalOf,
  SignInWorld,
} from './suite-sign-in.ts';

let world: SignInWorld;
beforeEach(async () => {
  world = new SignInWorld(await openSignInSqlite());
});
afterEach(() => world.close());

const WRONG = {
  code: 'UNAUTHORIZED',
  message: 'The user name or the password is wrong.',
  detail: undefined,
};

describe('a name and a password', () => {
  test('sign in, the name in any case', async () => {
    const { id: userId, name } = await world.addUser();
    const given = { name: name.toUpperCase(), password: PASSWORD };
    const signedIn = { userId, name, epoch: 1, method: 'password' };
    expect(await signIn(world, given, CONTEXT)).toEqual(signedIn);
    expect(await signInForClients(world, given, CONTEXT)).toEqual(signedIn);
    expect(await world.acts()).toEqual([
      { action: 'sign-in', target: `user ${name}`, actor: name, detail: { method: 'password' } },
    ]);
  });

  test('are refused with one sentence, whatever is wrong', async () => {
    const { name } = await world.addUser();
    const bare = await world.addUser({ hasPassword: false });
    const disabled = await world.addUser();
    await world.commands.run('setUserState', { id: disabled.id, state: 'disabled' });
    const deleted = await world.addUser();
    await world.commands.run('setUserState', { id: deleted.id, state: 'deleted' });
    const cases = [
      { name, password: 'wrong' },
      { name, password: '' },
      { name, password: 'x'.repeat(5_000) },
      { name: 'nobody', password: PASSWORD },
      { name: 'no body\0', password: PASSWORD },
      { name: '', password: PASSWORD },
      { name: bare.name, password: PASSWORD },
      { name: disabled.name, password: PASSWORD },
      { name: deleted.name, password: PASSWORD },
    ];
    for (const given of cases) {
      expect(await refusalOf(signIn(world, given, CONTEXT))).toEqual(WRONG);
    }
    expect(world.refused).toHaveLength(cases.length);
  });

  test('are compared once for each refusal, and asked for with the same statements', async () => {
    const { name } = await world.addUser();
    const bare = await world.addUser({ hasPassword: false });
    const seen: string[] = [];
    const { sql, passwords } = world;
    const parts = {
      ...world,
      sleep: async () => {},
      recordRefusal: () => {},
      passwords: {
        verify(asked: Parameters<typeof passwords.verify>[0]) {
          seen.push('compared');
          return passwords.verify(asked);
        },
      } as typeof passwords,
      sql: {
        engine: sql.engine,
        all: sql.all.bind(sql),
        first(...asked: Parameters<typeof sql.first>) {
          seen.push(asked[0].compile(sql.engine).sql);
          return sql.first(...asked);
        },
      } as typeof sql,
    };
    const traces: string[][] = [];
    for (const wrong of [name, bare.name, 'nobody', 'not/a/name', '']) {
      seen.length = 0;
      await refusalOf(signIn(parts, { name: wrong, password: 'wrong' }, CONTEXT));
      traces.push([...seen]);
    }
    expect(traces[0]).toHaveLength(2);
    for (const trace of traces) expect(trace).toEqual(traces[0] ?? []);
  });

  test('are on record when refused, and nothing typed that is no name', async () => {
    const { name: known } = await world.addUser();
    const tries = [known, 'nobody', 'My Secret Password', 'x'.repeat(65)];
    for (const name of tries) {
      await refusalOf(signIn(world, { name, password: 'secret-text' }, CONTEXT));
    }
    expect(world.refused.map((act) => act.target)).toEqual([
      `user ${known}`,
      'user (of no known name)',
      'user (of no known name)',
      'user (of no known name)',
    ]);
    expect(world.refused[0]).toMatchObject({
      action: 'sign-in',
      outcome: 'refused',
      actor: { ...CONTEXT, name: 'anonymous', principal: 'anonymous' },
    });
    expect(JSON.stringify(world.refused)).not.toContain('secret-text');
  });
});

describe('failures', () => {
  test('make the pair wait, then not even the right password is looked at', async () => {
    const { name } = await world.addUser();
    const given = { name, password: PASSWORD };
    // Remembered, it would answer at once: guessing must not be quick either.
    await signIn(world, given, CONTEXT);
    for (let at = 0; at < 5; at += 1) {
      await refusalOf(signIn(world, { name, password: 'wrong' }, CONTEXT));
    }
    const refusal = await refusalOf(signIn(world, given, CONTEXT));
    expect(refusal).toMatchObject({ code: 'TOOMANYREQUESTS', detail: { retryAfterSeconds: 1 } });
    // From elsewhere the owner comes in.
    expect((await signIn(world, given, { ...CONTEXT, address: '192.0.2.7' })).name).toBe(name);
    world.time += 1_000;
    expect((await signIn(world, given, CONTEXT)).name).toBe(name);
  });

  test('of a name that nobody has count like any other', async () => {
    for (let at = 0; at < 5; at += 1) {
      await refusalOf(signIn(world, { name: 'Nobody', password: 'wrong' }, CONTEXT));
    }
    const refusal = await refusalOf(signIn(world, { name: 'nobody', password: 'x' }, CONTEXT));
    expect(refusal.code).toBe('TOOMANYREQUESTS');
  });

  test('side by side are not more than failures one after another', async () => {
    const { name } = await world.addUser();
    const tried = Array.from({ length: 30 }, (_, at) =>
      refusalOf(signIn(world, { name, password: `wrong ${at}` }, CONTEXT)),
    );
    const codes = (await Promise.all(tried)).map(({ code }) => code);
    // Two are compared at once, and a place is handed on before its failure is counted: a few slip in.
    expect(codes.filter((code) => code === 'UNAUTHORIZED').length).toBeLessThanOrEqual(8);
  });

  test('from everywhere delay an answer, but not that of a password that was right a moment ago', async () => {
    const { name } = await world.addUser();
    const given = { name, password: PASSWORD };
    await signIn(world, given, CONTEXT);
    for (let at = 0; at < 40; at += 1) {
      world.throttle.failed({ account: name, address: `198.51.100.${at}` });
    }
    world.slept.length = 0;
    await signIn(world, given, CONTEXT);
    expect(world.slept).toEqual([]);
    await refusalOf(signIn(world, { name, password: 'wrong' }, CONTEXT));
    expect(world.slept).toEqual([2_000]);
  });
});

describe('a password that was right a moment ago', () => {
  test('is not compared again, and not put on record again for clients', async () => {
    const { name } = await world.addUser();
    const given = { name, password: PASSWORD };
    let compared = 0;
    const { passwords } = world;
    const verify = passwords.verify.bind(passwords);
    passwords.verify = (asked) => {
      compared += 1;
      return verify(asked);
    };
    for (let at = 0; at < 3; at += 1) await signInForClients(world, given, CONTEXT);
    expect(compared).toBe(1);
    expect(await world.acts()).toHaveLength(1);
    world.time += 5 * 60_000;
    await signInForClients(world, given, CONTEXT);
    expect(compared).toBe(2);
  });

  test('counts no more once it was changed, or the account was disabled', async () => {
    const { id, name } = await world.addUser();
    const given = { name, password: PASSWORD };
    await signInForClients(world, given, CONTEXT);
    const passwordHash = await world.passwords.hash('another password');
    const actor = actorOf({ id, name });
    await world.commands.run('setUserPassword', { id, passwordHash, actor });
    expect(await refusalOf(signInForClients(world, given, CONTEXT))).toEqual(WRONG);
    const now = { name, password: 'another password' };
    expect(await signInForClients(world, now, CONTEXT)).toMatchObject({ epoch: 2 });
    await world.commands.run('setUserState', { id, state: 'disabled' });
    expect(await refusalOf(signInForClients(world, now, CONTEXT))).toEqual(WRONG);
  });

  test.each(['disabled', 'given another password'])(
    'does not help when the account is %s while it is compared',
    async (change) => {
      const { id, name } = await world.addUser();
      const { passwords } = world;
      const verify = passwords.verify.bind(passwords);
      passwords.verify = async (asked) => {
        const isRight = await verify(asked);
        if (change === 'disabled') {
          await world.commands.run('setUserState', { id, state: 'disabled' });
        } else {
          const actor = actorOf({ id, name });
          await world.commands.run('setUserPassword', { id, passwordHash: null, actor });
        }
        return isRight;
      };
      const given = { name, password: PASSWORD };
      expect(await refusalOf(signIn(world, given, CONTEXT))).toEqual(WRONG);
      expect((await world.acts()).map(({ action }) => action)).not.toContain('sign-in');
    },
  );
});

describe('passwords that another place knows', () => {
  test('are asked for there only when there is none here', async () => {
    const asked: string[] = [];
    const local = await world.addUser();
    const remote = await world.addUser({ hasPassword: false });
    const disabled = await world.addUser({ hasPassword: false });
    await world.commands.run('setUserState', { id: disabled.id, state: 'disabled' });
    const parts: SignInWorld = Object.assign(world, {
      elsewhere: {
        method: 'ldap',
        async signIn({ name, password }: { name: string; password: string }) {
          asked.push(name);
          return name === remote.name && password === 'there' ? { userId: remote.id } : undefined;
        },
      },
    });
    for (const { name } of [local, disabled]) {
      await refusalOf(signIn(parts, { name, password: 'there' }, CONTEXT));
    }
    expect(asked).toEqual([]);
    expect(await signIn(parts, { name: remote.name, password: 'there' }, CONTEXT)).toEqual({
      userId: remote.id,
      name: remote.name,
      epoch: 1,
      method: 'ldap',
    });
    // Remembered like any other.
    await signIn(parts, { name: remote.name, password: 'there' }, CONTEXT);
    expect(asked).toEqual([remote.name]);
    const given = { name: 'nobody', password: 'there' };
    expect(await refusalOf(signIn(parts, given, CONTEXT))).toEqual(WRONG);
  });
});

test('somebody whom another place knows and who may not come in is on record', async () => {
  const refuse = async () => {
    throw new RegistryError('DENIED', 'Accounts are not made here.');
  };
  const parts = Object.assign(world, { elsewhere: { method: 'ldap', signIn: refuse } });
  const given = { name: 'newcomer', password: 'there' };
  expect((await refusalOf(signIn(parts, given, CONTEXT))).code).toBe('DENIED');
  expect(world.refused).toMatchObject([
    {
      action: 'sign-in',
      target: 'user newcomer',
      outcome: 'refused',
      detail: { why: 'Accounts are not made here.' },
    },
  ]);
});

describeSignIn('signing in, on SQLite', openSignInSqlite);
