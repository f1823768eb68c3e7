// Grants, roles, settings of paths, trust policies and the reasons of verdicts from the command line.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { type CliSession, openCliSession } from '../suite-session.ts';

let session: CliSession;
beforeAll(async () => {
  session = await openCliSession();
  await session.done('user create alice --no-password');
  await session.done('user create bob --no-password');
  await session.done('org create acme --owner alice');
  await session.done('org member add acme bob');
  await session.done('team create acme/core');
  await session.done('team member add acme/core bob');
  await session.done('robot create acme/app:ci');
});
afterAll(() => session.close());

test('what is granted is listed and explained, with tags and addresses, and taken away', async () => {
  await session.done("grant add writer --to team:acme/core --on acme --tags '!prod-*'");
  await session.done('grant add writer --to robot:acme/app:ci --on acme/app --from 10.0.0.0/8');
  await session.done('grant add reader --to org:acme --on other');
  await session.done('grant add reader --to anyone --on acme/open');
  expect(await session.done('grant list --on acme')).toBe(
    [
      'ID  WHO                ROLE    ON         TAGS     ONLY             BY',
      '2   team:acme/core     writer  acme       !prod-*  -                admin',
      '3   robot:acme/app:ci  writer  acme/app   -        from 10.0.0.0/8  admin',
      '5   anyone             reader  acme/open  -        -                admin',
      '',
    ].join('\n'),
  );
  expect(await session.done('grant list --to user:admin')).toContain('(root)');
  expect(await session.done('grant list --to organisation:acme')).toContain('other');
  const verdicts: [string, string][] = [
    ['bob push acme/app:v1', 'yes: writer through team acme/core on acme\n'],
    ['bob push acme/app:prod-1', 'no: no grant gives bob the right to push on acme/app:prod-1'],
    [
      'robot:acme/app:ci push acme/app --from 10.1.1.1',
      'yes: writer through a grant on acme/app\n',
    ],
    ['robot:acme/app:ci push acme/app --from 11.1.1.1', 'no: '],
    ['alice manage acme/x', 'yes: owner through'],
    ['anyone pull acme/open/x', 'yes: reader through anyone on acme/open\n'],
    ['anyone pull acme/app', 'no: acme/app is not public\n'],
    ['me administer /', 'yes: administrator through a grant on the root\n'],
  ];
  for (const [asked, said] of verdicts) {
    const out = await session.done(`access explain ${asked}`);
    expect({ asked, out: out.slice(0, said.length) }).toEqual({ asked, out: said });
  }
  expect(await session.json('access explain bob pull acme/app')).toMatchObject({ allowed: true });
  await session.done('grant remove 2');
  expect(await session.done('access explain bob push acme/app:v1')).toMatch(/^no: /);
});

test('grants and tokens hold in hours of the week only', async () => {
  const hours = 'Mon-Fri 08:00-18:00 Europe/Paris';
  const night = 'Sat-Sun 22:00-02:00 UTC';
  const where = '--to user:bob --on office --from 10.0.0.0/8';
  await session.done(`grant add reader ${where} --window '${hours}' --window '${night}'`);
  const [grant] = await session.json<{ condition: unknown }[]>('grant list --on office');
  expect(grant?.condition).toEqual({
    networks: ['10.0.0.0/8'],
    windows: [
      { days: [1, 2, 3, 4, 5], from: 480, to: 1080, zone: 'Europe/Paris' },
      { days: [6, 7], from: 1320, to: 120, zone: 'UTC' },
    ],
  });
  expect(await session.done('grant list --on office')).toContain(
    `from 10.0.0.0/8; ${hours} or Sat,Sun 22:00-02:00 UTC  admin`,
  );
  // A minute of another day than this one.
  const day = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'][(new Date().getUTCDay() + 3) % 7];
  const closed = await session.done(`token create closed --window '${day} 12:00-12:01 UTC'`);
  const refused = await session.as(closed.trim(), 'account show');
  expect(refused.code).toBe(1);
  const open = await session.done("token create open --window 'Mon-Sun 00:00-24:00 UTC'");
  expect((await session.as(open.trim(), 'account show')).code).toBe(0);
  expect(await session.done('token list')).toContain('Mon-Sun 00:00-24:00 UTC');
});

test('roles are made, changed and deleted', async () => {
  await session.done('role create cleaner --actions pull,delete');
  await session.done('role update cleaner --actions delete');
  expect(await session.done('role list')).toMatch(/^cleaner +delete +no$/m);
  await session.done('grant add cleaner --to user:bob --on acme');
  const used = await session.cli('role delete cleaner');
  expect(used).toMatchObject({ code: 1 });
  await session.done('role create spare --actions pull');
  await session.done('role delete spare');
});

test('settings hold below their path and say where they come from', async () => {
  await session.done('path set acme/open --visibility public --creation explicit');
  expect(await session.done('path show acme/open/x')).toBe(
    'Path        acme/open/x\nVisibility  public (set on acme/open)\nCreation    explicit (set on acme/open)\n',
  );
  await session.done('path set / --visibility internal');
  expect(await session.json('path list')).toMatchObject([
    { path: '', visibility: 'internal', creation: null },
    { path: 'acme/open', visibility: 'public', creation: 'explicit' },
  ]);
  await session.done('path set / --visibility inherit');
  await session.done('path set acme/open --visibility inherit --creation inherit');
  const none = await session.cli('path list acme');
  expect(none).toMatchObject({ code: 0, out: '' });
  await session.done('repository create acme/one');
  await session.done('repository create acme/two');
  expect(await session.json('repository list --limit 1')).toEqual([{ name: 'acme/one' }]);
  expect(await session.done('repository list')).toBe('NAME\nacme/one\nacme/two\n');
});

test('trust policies are made for this server, changed in part, disabled and deleted', async () => {
  const { url } = session.registry;
  await session.done(
    "trust create acme:gitlab --issuer https://gitlab.example.com --condition 'project_path=acme/**' --condition ref=main --condition ref=next --allow 'pull,push:acme/{project_path}' --allow pull:acme/base",
  );
  const [policy] = await session.json<Record<string, unknown>[]>('trust list --on acme');
  expect(policy).toMatchObject({
    path: 'acme',
    name: 'gitlab',
    audience: url,
    conditions: { project_path: ['acme/**'], ref: ['main', 'next'] },
    lifetimeSeconds: 3600,
  });
  await session.done('trust update acme:gitlab --lifetime 15m --condition ref=main');
  const shown = await session.done('trust show acme:gitlab');
  expect(shown).toMatch(/^If +ref=main$/m);
  expect(shown).toMatch(/^Lifetime +15m$/m);
  expect(shown).toMatch(/^Allows +pull,push:acme\/\{project_path\} pull:acme\/base$/m);
  await session.done('trust disable acme:gitlab');
  expect(await session.done('trust list')).toMatch(/^acme:gitlab +\d+ +disabled /m);
  await session.done('trust enable acme:gitlab');
  await session.done('trust delete acme:gitlab');
  expect((await session.cli('trust show acme:gitlab')).err).toContain('There is no trust policy');
});

test.each([
  ['grant add writer --to bob --on acme', 2, '"bob" says nobody'],
  ['grant add writer --on acme', 2, '--to is needed.'],
  ['grant add writer --to user:bob', 2, '--on is needed.'],
  ['grant add writer --to user:nobody --on acme', 1, 'There is nobody of that name'],
  ['grant add king --to user:bob --on acme', 1, 'There is no role "king"'],
  ["grant add reader --to user:bob --on acme --window 'Mon 08:00-18:00'", 2, 'is no window'],
  [
    "grant add reader --to user:bob --on acme --window 'Mon 08:00-18:00 Mars/Base'",
    1,
    'is no time zone',
  ],
  ['grant remove 999', 1, 'There is no such grant.'],
  ['access explain bob fly acme', 2, '"fly" is no action'],
  ['role create x --actions fly', 2, '"fly" is no action'],
  ['path set acme', 2, 'Say what to set.'],
  ['path set acme --visibility open', 2, '--visibility is one of'],
  ['repository list --limit none', 2, '--limit is a whole number'],
  ['trust create acme:x --issuer https://x.example', 2, '--condition is needed.'],
  [
    'trust create acme:x --issuer https://x.example --condition a --allow pull:acme/x',
    2,
    'is no condition',
  ],
  [
    'trust create x --issuer https://x.example --condition a=b --allow pull:x',
    2,
    'is no trust policy',
  ],
  [
    'trust create acme:x --issuer https://x.example --condition a=b --allow pull:other',
    1,
    'can be outside of acme',
  ],
])('%s is refused', async (line, code, sentence) => {
  const ran = await session.cli(line);
  expect({ code: ran.code, out: ran.out }).toEqual({ code, out: '' });
  expect(ran.err).toContain(sentence);
});
