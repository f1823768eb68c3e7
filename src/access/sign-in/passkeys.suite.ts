// Passkeys on every engine, with a device in software: what counts, once, and what does not.
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import type { AuthenticationResponseJSON } from '@simplewebauthn/server';
import { listPasskeys } from '../../metadata/passkeys.ts';
import { readUser } from '../../metadata/users.ts';
import { CHALLENGE_LIFE_MS } from './passkey-challenge.ts';
import { passkeySite } from './passkey-site.ts';
import {
  askForPasskey,
  beginPasskey,
  finishPasskey,
  type PasskeyParts,
  signInWithPasskey,
} from './passkeys.ts';
import { removeOwnPasskey, renewRecoveryCodes } from './second-factor.ts';
import { signIn, signInForClients } from './sign-in.ts';
import { Authenticator } from './suite-authenticator.ts';
import {
  actorOf,
  CONTEXT,
  type OpenSignIn,
  PASSWORD,
  refusalOf,
  SignInWorld,
} from './suite-sign-in.ts';

const AT = { origin: 'https://registry.example.org', rpId: 'registry.example.org' };
const NOT_ACCEPTED = {
  code: 'UNAUTHORIZED',
  message: 'The passkey was not accepted.',
  detail: undefined,
};

export function describePasskeys(name: string, open: OpenSignIn): void {
  describe(name, () => {
    let world: SignInWorld;
    let parts: PasskeyParts;
    beforeEach(async () => {
      world = new SignInWorld(await open());
      parts = Object.assign(world, { site: passkeySite('https://registry.example.org/') });
    }, 60_000);
    afterEach(() => world.close());

    type Person = { id: number; name: string };

    async function register(user: Person, device: Authenticator, sessionId?: number) {
      const { options, state } = await beginPasskey(parts, { ...user, displayName: user.name });
      const response = device.register(options);
      const answer = { userId: user.id, state, response, name: 'laptop', sessionId };
      return finishPasskey(parts, answer, actorOf(user));
    }

    async function enter(device: Authenticator) {
      world.time += 1;
      const { options, state } = await askForPasskey(parts);
      return signInWithPasskey(parts, { state, response: device.sign(options) }, CONTEXT);
    }

    const counterOf = async (user: Person) => (await listPasskeys(world.sql, user.id))[0]?.counter;

    describe('a passkey', () => {
      test('signs in without a name, a password or a code', async () => {
        const user = await world.addUser();
        const device = new Authenticator(AT);
        const { recoveryCodes } = await register(user, device);
        expect(recoveryCodes).toHaveLength(10);
        const signedIn = { userId: user.id, name: user.name, epoch: 2, method: 'passkey' };
        expect(await enter(device)).toEqual(signedIn);
        expect(await enter(device)).toEqual(signedIn);
        const acts = await world.acts();
        expect(acts.map(({ action }) => action)).toEqual([
          'second-factor.on',
          'sign-in',
          'sign-in',
        ]);
      });

      test('is a second factor: the password alone signs in no more', async () => {
        const user = await world.addUser();
        const { recoveryCodes: [code = ''] = [] } = await register(user, new Authenticator(AT));
        const given = { name: user.name, password: PASSWORD };
        expect(await refusalOf(signIn(world, given, CONTEXT))).toMatchObject({
          detail: { secondFactor: true, methods: ['passkey', 'recovery-code'] },
        });
        expect(await refusalOf(signInForClients(world, given, CONTEXT))).toMatchObject({
          detail: { accessTokenNeeded: true },
        });
        expect(await signIn(world, { ...given, code }, CONTEXT)).toMatchObject({ userId: user.id });
      });

      test('is registered once, and a second one neither ends sessions nor makes new codes', async () => {
        const [alice, bob] = [await world.addUser(), await world.addUser()];
        const device = new Authenticator(AT);
        await register(alice, device);
        expect((await refusalOf(register(bob, device))).code).toBe('CONFLICT');
        expect(await register(alice, new Authenticator(AT))).toEqual({});
        expect((await readUser(world.sql, alice.id))?.epoch).toBe(2);
        expect((await readUser(world.sql, bob.id))?.epoch).toBe(1);
      });

      test('is taken away with a code or another passkey; the last one ends the second factor', async () => {
        const user = await world.addUser();
        const device = new Authenticator(AT);
        const { recoveryCodes: [code = ''] = [] } = await register(user, device);
        const [{ id } = { id: 0 }] = await listPasskeys(world.sql, user.id);
        const change = { userId: user.id, sessionId: undefined, id };
        const wrong = { ...change, proof: { code: 'AAAAA-AAAAA' } };
        expect((await refusalOf(removeOwnPasskey(parts, wrong, actorOf(user)))).code).toBe(
          'DENIED',
        );
        expect(await listPasskeys(world.sql, user.id)).toHaveLength(1);
        world.time += 1;
        const { options, state } = await askForPasskey(parts, { userId: user.id });
        expect(options.allowCredentials).toHaveLength(1);
        const proof = { passkey: { state, response: device.sign(options) } };
        await removeOwnPasskey(parts, { ...change, proof }, actorOf(user));
        expect(await listPasskeys(world.sql, user.id)).toEqual([]);
        expect(await refusalOf(enter(device))).toEqual(NOT_ACCEPTED);
        const given = { name: user.name, password: PASSWORD };
        expect(await signIn(world, given, CONTEXT)).toMatchObject({ method: 'password', epoch: 3 });
        const renewal = { userId: user.id, proof: { code } };
        expect((await refusalOf(renewRecoveryCodes(parts, renewal, actorOf(user)))).code).toBe(
          'CONFLICT',
        );
      });
    });

    describe('a passkey is not accepted', () => {
      let user: Person;
      let device: Authenticator;
      beforeEach(async () => {
        user = await world.addUser();
        device = new Authenticator(AT);
        device.counter = 5;
        await register(user, device);
      });

      test('when it counts back, or stands still: there are two of it', async () => {
        await enter(device);
        expect(await counterOf(user)).toBe(6);
        device.counter = 3;
        expect(await refusalOf(enter(device))).toEqual(NOT_ACCEPTED);
        device.counter = 5;
        expect(await refusalOf(enter(device))).toEqual(NOT_ACCEPTED);
        expect(await counterOf(user)).toBe(6);
        expect(await enter(device)).toMatchObject({ userId: user.id });
      });

      test('beside a copy of it that counts the same', async () => {
        const answers = [];
        for (let copy = 0; copy < 2; copy += 1) {
          world.time += 1;
          const { options, state } = await askForPasskey(parts);
          device.counter = 5;
          answers.push({ state, response: device.sign(options) });
        }
        const tried = await Promise.allSettled(
          answers.map((answer) => signInWithPasskey(parts, answer, CONTEXT)),
        );
        expect(tried.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
      });

      test('for a change of somebody else', async () => {
        const bob = await world.addUser();
        const own = new Authenticator(AT);
        await register(bob, own);
        const { options, state } = await askForPasskey(parts, { userId: bob.id });
        const proof = { passkey: { state, response: own.sign(options) } };
        const renewal = { userId: user.id, proof };
        expect((await refusalOf(renewRecoveryCodes(parts, renewal, actorOf(user)))).code).toBe(
          'DENIED',
        );
        const [key] = await listPasskeys(world.sql, bob.id);
        const challengedAt = world.time;
        const factor = { kind: 'passkey' as const, id: key?.id ?? 0, counter: 9, challengedAt };
        const change = { userId: user.id, factor, codes: [], actor: actorOf(user) };
        expect((await refusalOf(world.commands.run('replaceRecoveryCodes', change))).code).toBe(
          'DENIED',
        );
      });

      test('twice for one answer, on whatever node, also when it does not count', async () => {
        const still = new Authenticator(AT);
        await register(user, still);
        for (const each of [device, still]) {
          world.time += 1;
          const { options, state } = await askForPasskey(parts);
          const answer = { state, response: each.sign(options) };
          expect(await signInWithPasskey(parts, answer, CONTEXT)).toBeDefined();
          expect(await refusalOf(signInWithPasskey(parts, answer, CONTEXT))).toEqual(NOT_ACCEPTED);
        }
        world.time += 1;
        const { options, state } = await askForPasskey(parts);
        const answer = { state, response: still.sign(options) };
        const both = await Promise.allSettled([
          signInWithPasskey(parts, answer, CONTEXT),
          signInWithPasskey(parts, answer, CONTEXT),
        ]);
        expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
      });

      test('when the device did not ask who holds it', async () => {
        device.verifiesUser = false;
        expect(await refusalOf(enter(device))).toEqual(NOT_ACCEPTED);
      });

      test('at another address, or for another one', async () => {
        const { options, state } = await askForPasskey(parts);
        const phisher = Object.assign(device, { origin: 'https://registry.example.org.evil.test' });
        const answer = { state, response: phisher.sign(options) };
        expect(await refusalOf(signInWithPasskey(parts, answer, CONTEXT))).toEqual(NOT_ACCEPTED);
      });

      test('when it is nobody’s, or forged', async () => {
        expect(await refusalOf(enter(new Authenticator(AT)))).toEqual(NOT_ACCEPTED);
        const forger = Object.assign(new Authenticator(AT), { id: device.id, counter: 9 });
        expect(await refusalOf(enter(forger))).toEqual(NOT_ACCEPTED);
        expect(world.refused.map(({ action, outcome }) => [action, outcome])).toEqual([
          ['sign-in', 'refused'],
          ['sign-in', 'refused'],
        ]);
      });

      test('when what comes is no answer at all', async () => {
        const { state } = await askForPasskey(parts);
        const response = { id: device.id.toString('base64url'), response: {} };
        const answer = { state, response: response as unknown as AuthenticationResponseJSON };
        expect(await refusalOf(signInWithPasskey(parts, answer, CONTEXT))).toEqual(NOT_ACCEPTED);
      });

      test('after five minutes, or with another state', async () => {
        const { options, state } = await askForPasskey(parts);
        const response = device.sign(options);
        const other = await askForPasskey(parts);
        const crossed = { state: other.state, response };
        expect(await refusalOf(signInWithPasskey(parts, crossed, CONTEXT))).toEqual(NOT_ACCEPTED);
        for (const bad of ['', 'v1.', 'v1.AAAA', `${state.slice(0, -2)}AA`]) {
          const answer = { state: bad, response };
          expect((await refusalOf(signInWithPasskey(parts, answer, CONTEXT))).code).toBe(
            'UNAUTHORIZED',
          );
        }
        world.time += CHALLENGE_LIFE_MS;
        const late = await refusalOf(signInWithPasskey(parts, { state, response }, CONTEXT));
        expect(late.message).toContain('took too long');
      });

      test('with a signature that was for a change, and the other way round', async () => {
        const prove = await askForPasskey(parts, { userId: user.id });
        const answer = { state: prove.state, response: device.sign(prove.options) };
        expect((await refusalOf(signInWithPasskey(parts, answer, CONTEXT))).code).toBe(
          'UNAUTHORIZED',
        );
        const { options, state } = await askForPasskey(parts);
        const passkey = { state, response: device.sign(options) };
        const renewal = { userId: user.id, proof: { passkey } };
        expect((await refusalOf(renewRecoveryCodes(parts, renewal, actorOf(user)))).code).toBe(
          'UNAUTHORIZED',
        );
      });

      test('when its user is disabled', async () => {
        await world.commands.run('setUserState', { id: user.id, state: 'disabled' });
        expect(await refusalOf(enter(device))).toEqual(NOT_ACCEPTED);
      });

      test('from an address that failed too often', async () => {
        for (let at = 0; at < 5; at += 1) await refusalOf(enter(new Authenticator(AT)));
        expect((await refusalOf(enter(device))).code).toBe('TOOMANYREQUESTS');
      });
    });

    describe('registering', () => {
      test('is refused at another address, without a check of who holds it, and for another user', async () => {
        const [alice, bob] = [await world.addUser(), await world.addUser()];
        const evil = new Authenticator({ ...AT, origin: 'https://evil.test' });
        expect((await refusalOf(register(alice, evil))).code).toBe('REQUEST_INVALID');
        const careless = Object.assign(new Authenticator(AT), { verifiesUser: false });
        expect((await refusalOf(register(alice, careless))).code).toBe('REQUEST_INVALID');
        const { options, state } = await beginPasskey(parts, { ...alice, displayName: '' });
        const response = new Authenticator(AT).register(options);
        const answer = { userId: bob.id, state, response, name: '', sessionId: undefined };
        expect((await refusalOf(finishPasskey(parts, answer, actorOf(bob)))).code).toBe('DENIED');
      });

      test('ends at twenty passkeys', async () => {
        const user = await world.addUser();
        for (let at = 0; at < 20; at += 1) await register(user, new Authenticator(AT));
        expect((await refusalOf(register(user, new Authenticator(AT)))).code).toBe('CONFLICT');
      });
    });
  });
}
