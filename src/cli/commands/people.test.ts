// Users, organisations, teams, robots and tokens from the command line, as an administrator.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { type CliSession, openCliSession } from '../suite-session.ts';

let session: CliSession;
beforeAll(async () => {
  session = await openCliSession();
});
afterAll(() => session.close());

type Rows = Record<string, unknown>[];

test('users are made, shown, changed, disabled and deleted', async () => {
  const made = await session.cli('user create alice --email alice@example.org');
  expect(made.out).toMatch(/^[a-z0-9]{5}(-[a-z0-9]{5}){3}\n$/);
  await session.done('user create bob --password-stdin', { input: 'tulips in the rain\n' });
  await session.done('user create carol --no-password');
  await session.done("user update alice --display-name 'Alice Liddell'");
  expect(await session.done('user list')).toBe(
    [
      'NAME   DISPLAY NAME   E-MAIL             STATE   PASSWORD  SECOND FACTOR  LAST SEEN',
      'admin  admin          -                  active  yes       no             -',
      'alice  Alice Liddell  alice@example.org  active  yes       no             -',
      'bob    bob            -                  active  yes       no             -',
      'carol  carol          -                  active  no        no             -',
      '',
    ].join('\n'),
  );
  expect(await session.json<Rows>('user list --search liddell')).toMatchObject([{ name: 'alice' }]);
  await session.done('user disable bob');
  expect(await session.done('user show bob')).toMatch(/^State +disabled$/m);
  await session.done('user enable bob');
  await session.done('user sign-out bob');
  const reset = await session.cli('user reset-password bob --disable-second-factor');
  expect(reset.out).toMatch(/^[a-z0-9-]{23}\n$/);
  await session.done('user delete carol');
  expect(await session.json<Rows>('user list')).toHaveLength(3);
  expect(await session.json<Rows>('user list --all')).toHaveLength(4);
  expect(await session.cli('user show carol')).toMatchObject({
    code: 1,
    out: '',
    err: 'There is no user "carol".\n',
  });
});

test('an invitation makes an account, with the secret in no argument', async () => {
  await session.done('org create circle --owner alice');
  const link = await session.done('invitation create --org circle --expires 1d');
  const accepted = await session.cli('invitation accept dora', {
    env: { HOME: '/nowhere' },
    input: `${link.trim()}\na garden of tulips\n`,
  });
  expect(accepted.code).toBe(0);
  expect(accepted.err).toContain(`entrepot login ${session.registry.url} --user dora`);
  expect(await session.done('org member list circle')).toMatch(/^dora +no /m);
  expect(await session.done('invitation list')).toContain('circle');
  const again = await session.cli('invitation accept eve', {
    answers: [link, 'a garden of tulips'],
  });
  expect(again).toMatchObject({ code: 1, out: '' });
  expect(again.err).toContain('Ask for another one.');
  await session.done('invitation create --email x@example.org');
  await session.done('invitation delete 2');
});

test('organisations and teams have members', async () => {
  await session.done("org create acme --owner alice --display-name 'Acme Ltd'");
  await session.done("org update acme --display-name 'Acme'");
  await session.done('org member add acme bob');
  await session.done('org member add acme bob --owner yes');
  expect(await session.json<Rows>('org member list acme')).toMatchObject([
    { name: 'alice', isOwner: true },
    { name: 'bob', isOwner: true },
  ]);
  await session.done('team create acme/core');
  await session.done('team member add acme/core bob');
  expect(await session.done('team list acme')).toContain('acme/core');
  expect(await session.done('team member list acme/core')).toMatch(/^bob +manual /m);
  await session.done('team member remove acme/core bob');
  const empty = await session.cli('team member list acme/core');
  expect(empty).toEqual({ code: 0, out: '', err: 'Nobody is in it.\n' });
  await session.done('team delete acme/core');
  await session.done('org member remove acme bob');
  expect(await session.done('org show acme')).toMatch(/^Display name +Acme$/m);
  const last = await session.cli('org member remove acme alice');
  expect(last.code).toBe(1);
  expect((await session.cli('team create acme')).code).toBe(2);
});

test('robots sign in with tokens that have scopes, addresses and an end, and that rotate', async () => {
  await session.done("robot create acme/app:ci --description 'builds' --expires 30d");
  await session.done('robot create acme/app:ci2');
  await session.done('robot update acme/app:ci --expires never');
  expect(await session.done('robot list --on acme')).toMatch(
    /^acme\/app:ci +\d+ +active +builds +- /m,
  );
  const create = "token create deploy --robot acme/app:ci --scope 'pull,push:acme/**' --expires 1d";
  const token = (await session.done(`${create} --from 127.0.0.0/8`)).trim();
  const me = await session.as(token, 'whoami --json');
  expect(JSON.parse(me.out)).toMatchObject({
    kind: 'robot',
    scopes: [{ actions: ['pull', 'push'], names: ['acme/**'] }],
  });
  const [row] = await session.json<Rows>('token list --robot acme/app:ci');
  expect(await session.done('token list --robot acme/app:ci')).toContain('from 127.0.0.0/8');
  const next = (await session.done(`token rotate ${row?.id} --overlap 1h`)).trim();
  expect((await session.as(next, 'whoami')).code).toBe(0);
  expect((await session.as(token, 'whoami')).code).toBe(0);
  await session.done('token revoke --all --robot acme/app:ci');
  expect((await session.as(next, 'whoami')).code).toBe(1);
  const none = await session.cli('token list --robot acme/app:ci');
  expect(none).toEqual({ code: 0, out: '', err: 'There are no access tokens.\n' });
  expect(await session.json<Rows>('token list --robot acme/app:ci --all')).toHaveLength(2);
  await session.done('robot disable acme/app:ci');
  await session.done('robot enable acme/app:ci');
  await session.done('robot delete acme/app:ci');
  const gone = await session.cli('robot show acme/app:ci');
  expect(gone).toMatchObject({ code: 1, err: 'There is no robot "acme/app:ci".\n' });
});

test.each([
  ['user create alice --no-password --password-stdin', 2, 'Give either'],
  ['user create admin', 1, 'reserved'],
  ['user update alice', 2, 'Say what to change.'],
  ['robot show nonsense', 2, 'is no robot'],
  ['token create x --scope pull', 2, 'is no scope'],
  ['token create x --expires soon', 2, 'is not a duration'],
  ['token create x --from 10.0.0', 1, 'condition'],
  ['token revoke', 2, 'Give the ID of a token'],
  ['token revoke --all', 2, 'Say whose'],
  ['token list --robot acme:x --user bob', 2, 'Give either'],
  ['org member add acme alice --owner maybe', 2, '--owner is one of yes, no'],
  ['invitation accept eve', 1, 'no link and password'],
])('%s is refused', async (line, code, sentence) => {
  const ran = await session.cli(line);
  expect({ code: ran.code, out: ran.out }).toEqual({ code, out: '' });
  expect(ran.err).toContain(sentence);
});
