// One's own account from the command line: what a token may not change, a password does.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { join } from 'node:path';
import { Secret, TOTP } from 'otpauth';
import { SYSTEM } from '../../metadata/audit.ts';
import { findUser } from '../../metadata/users.ts';
import { type CliSession, openCliSession } from '../suite-session.ts';

const OLD = 'a garden of tulips';
const PERIOD_MS = 30_000;

let session: CliSession;
beforeAll(async () => {
  session = await openCliSession();
});
afterAll(() => session.close());

/** A new user, signed in with a home of their own. */
async function person(name: string) {
  await session.done(`user create ${name} --password-stdin`, { input: OLD });
  const env = { XDG_CONFIG_HOME: join(session.home, name) };
  const { url } = session.registry;
  await session.done(`login ${url} --user ${name} --password-stdin`, { env, input: OLD });
  return {
    cli: (line: string, given = {}) => session.cli(line, { ...given, env }),
    done: (line: string, given = {}) => session.done(line, { ...given, env }),
  };
}

/** Somebody who copies the address from the terminal into their app. */
function appOf(shown: string): TOTP {
  const uri = new URL(shown.match(/otpauth:\S+/)?.[0] ?? '');
  return new TOTP({ secret: Secret.fromBase32(uri.searchParams.get('secret') ?? '') });
}

async function sessionsOf(name: string): Promise<number> {
  const { sql } = session.registry.program.answer.v2.pull;
  const id = (await findUser(sql, name))?.id ?? 0;
  return session.registry.program.commands.run('endOtherSessions', {
    userId: id,
    but: 0,
    actor: SYSTEM,
  });
}

test('is shown, and changed with the password and not by the token', async () => {
  const dora = await person('dora');
  await session.done('org create circle --owner dora');
  const update = "account update --display-name 'Dora B' --email dora@example.org";
  await dora.done(`${update} --password-stdin`, { input: `${OLD}\n` });
  const shown = await dora.done('account show');
  expect(shown).toMatch(/^Display name +Dora B$/m);
  expect(shown).toMatch(/^E-mail +dora@example.org$/m);
  expect(shown).toMatch(/^Organisations +circle$/m);
  const wrong = await dora.cli(`${update} --password-stdin`, { input: 'hunter2\n' });
  expect(wrong).toMatchObject({ code: 1, out: '' });
  expect(wrong.err).toBe('The user name or the password is wrong.\n');
  expect(await sessionsOf('dora')).toBe(0);
});

test('a new password is typed twice or read, and the token that login kept works on', async () => {
  const emma = await person('emma');
  const twice = await emma.cli('account password', {
    answers: [OLD, 'one two three four', 'five'],
  });
  expect(twice).toMatchObject({ code: 1 });
  expect(twice.err).toContain('Nothing was changed.');
  await emma.done('account password', {
    answers: [OLD, 'a field of barley', 'a field of barley'],
  });
  const read = 'account password --password-stdin';
  expect((await emma.cli(read, { input: `${OLD}\nanother one again\n` })).code).toBe(1);
  const short = await emma.cli(read, { input: 'a field of barley\nshort\n' });
  expect(short.err).toContain('A password has at least');
  expect((await emma.cli(read, { input: 'a field of barley\n' })).err).toBe(
    'Standard input holds no new password.\n',
  );
  await emma.done(read, { input: 'a field of barley\nthe third of them\n' });
  await emma.done('whoami');
  expect(await sessionsOf('emma')).toBe(0);
});

test('an authenticator app goes on with its first code, and off with another', async () => {
  const fay = await person('fay');
  const answers = [OLD, 'abcdef', (shown: string) => appOf(shown).generate()];
  const on = await fay.cli('account second-factor on', { answers });
  expect(on.code).toBe(0);
  const totp = appOf(on.err);
  expect(on.err).toContain(totp.secret.base32.match(/.{1,4}/g)?.join(' ') ?? 'nothing');
  expect(on.err).toContain('The code is wrong, or was used before. Try again.\n');
  const codes = on.out.trim().split('\n');
  expect(codes.length).toBeGreaterThan(5);
  expect(await fay.done('account show')).toMatch(/^Second factors +totp, recovery-code$/m);
  const next = () => totp.generate({ timestamp: Date.now() + PERIOD_MS });
  const input = [OLD, next(), codes[0], ''].join('\n');
  const renewed = await fay.done('account recovery-codes --password-stdin', { input });
  expect(renewed.trim().split('\n')).toHaveLength(codes.length);
  const [first = '', second = ''] = renewed.trim().split('\n');
  const old = await fay.cli('account second-factor off', { answers: [OLD, codes[1] ?? ''] });
  expect(old.code).toBe(1);
  await fay.done('account second-factor off', { answers: [OLD, first, second] });
  expect(await fay.done('account show')).not.toContain('Second factors');
  await fay.done('account update --email fay@example.org', { answers: [OLD] });
});

test('sessions are listed and ended', async () => {
  const gwen = await person('gwen');
  const none = await gwen.cli('session list');
  expect(none).toMatchObject({ code: 0, out: '', err: 'You are signed in with no browser.\n' });
  const { url } = session.registry;
  const signIn = async () => {
    const reply = await fetch(`${url}/api/v1/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'user-agent': 'browser' },
      body: JSON.stringify({ name: 'gwen', password: OLD }),
    });
    const cookie = reply.headers.getSetCookie()[0]?.split(';')[0] ?? '';
    return async () => (await fetch(`${url}/api/v1/whoami`, { headers: { cookie } })).status;
  };
  const [one, two, three] = [await signIn(), await signIn(), await signIn()];
  const rows = JSON.parse(await gwen.done('session list --json')) as { id: number }[];
  expect(await gwen.done('session list')).toMatch(/^\d+ +password +127\.0\.0\.1 +browser /m);
  const oldest = Math.min(...rows.map(({ id }) => id));
  await gwen.done(`session end ${oldest}`);
  expect([await one(), await two(), await three()]).toEqual([401, 200, 200]);
  const ended = await gwen.cli('session end --others');
  expect(ended.err).toBe('Sessions that have ended: 2.\n');
  expect([await two(), await three()]).toEqual([401, 401]);
  await gwen.done('whoami');
});

test('accounts elsewhere are listed and unlinked', async () => {
  const hope = await person('hope');
  const { program } = session.registry;
  const user = (await findUser(program.answer.v2.pull.sql, 'hope'))?.id ?? 0;
  await program.commands.run('enterExternalAccount', {
    account: {
      provider: 'oidc:company',
      subject: '2482',
      name: 'hope',
      displayName: 'Hope',
      email: undefined,
      isEmailVerified: false,
      teams: [],
    },
    rules: { allowSignUp: false, linkByEmail: false, emailDomains: [] },
    refreshToken: null,
    linkTo: user,
    actor: SYSTEM,
  });
  expect(await hope.done('account identity list')).toMatch(/^oidc:company +2482 /m);
  await hope.done('account identity unlink oidc:company 2482', { answers: [OLD] });
  const none = await hope.cli('account identity list');
  expect(none).toMatchObject({ out: '', err: 'You sign in with no account elsewhere.\n' });
});

test('keys of the server are listed, changed, and replaced only when that is wanted', async () => {
  const kids = async () =>
    (await session.json<{ kid: string }[]>('key list')).map((one) => one.kid);
  await session.done('key rotate');
  const before = await kids();
  expect(await session.done('key list')).toContain(before[0] ?? 'nothing');
  for (const answers of [undefined, ['no'], ['']]) {
    const ran = await session.cli('key replace', answers === undefined ? {} : { answers });
    expect(ran.code).toBe(answers === undefined ? 2 : 1);
  }
  expect(await kids()).toEqual(before);
  await session.done('key replace', { answers: ['yes'] });
  const after = await kids();
  expect(after.filter((kid) => before.includes(kid))).toEqual([]);
  await session.done('key replace --yes');
  expect(await kids()).not.toEqual(after);
});

test('a robot has no account', async () => {
  await session.done('robot create acme/app:ci');
  const token = (await session.done('token create ci --robot acme/app:ci')).trim();
  const ran = await session.as(token, 'account password --password-stdin', { input: 'x\ny\n' });
  expect(ran).toMatchObject({ code: 1, out: '' });
  expect(ran.err).toBe('Only a user has an account here; you are robot acme/app:ci.\n');
});

test.each([
  ['account update', 2, 'Say what to change.'],
  ['account update --email a@example.org', 2, 'Nobody is here to be asked: use --password-stdin.'],
  ['account second-factor on', 2, 'run it in a terminal'],
  ['account password --password-stdin', 1, 'Standard input holds no password.'],
  ['session end', 2, 'Give the ID of a session, or --others.'],
  ['session end 1 --others', 2, 'Give the ID of a session, or --others.'],
  ['session end 999', 1, 'You have no session 999'],
])('%s is refused', async (line, code, sentence) => {
  const ran = await session.cli(line);
  expect({ code: ran.code, out: ran.out }).toEqual({ code, out: '' });
  expect(ran.err).toContain(sentence);
});
