// The declarative file: exported, applied to an empty registry, exported again.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CliSession, openCliSession } from '../suite-session.ts';

let first: CliSession;
let second: CliSession;

/** Who is granted something: a declaration names people, and makes none. */
const PEOPLE = [
  'user create alice --no-password',
  'user create bob --no-password',
  'org create acme --owner alice',
  'org member add acme bob',
  'team create acme/core',
  'robot create acme/app:ci',
  'role create cleaner --actions delete',
];

const RIGHTS = [
  'path set acme --visibility internal --creation explicit',
  'path set acme/open --visibility public',
  "grant add writer --to team:acme/core --on acme --tags '!prod-*' --tags '!v*'",
  'grant add cleaner --to robot:acme/app:ci --on acme/app --from 10.0.0.0/8 --from ::1',
  'grant add reader --to organisation:acme --on elsewhere',
  'grant add reader --to anyone --on acme/open',
  'grant add reader --to signed-in --on /',
  'grant add administrator --to user:bob --on /',
  'trust create acme:github --issuer https://token.actions.githubusercontent.com --audience entrepot --condition repository=acme/app --allow pull,push:acme/app --lifetime 15m',
  "trust create acme/app:gitlab --issuer https://gitlab.example.com --audience entrepot --condition 'project_path=acme/*' --condition 'ref=main' --condition 'ref=v*' --allow 'pull:acme/app/{project_path}'",
  'trust disable acme/app:gitlab',
];

const POLICIES = `
path: ""
policies:
  - { path: '', kind: trash, policy: { days: 20 } }
  - { path: '', kind: immutability, policy: { rules: [{ tags: ['v*'], mayExpire: true }] } }
  - { path: acme, kind: quota, policy: { bytes: { hard: 5000000000 }, contact: alice } }
  - path: acme
    kind: retention
    policy:
      rules: [{ keep: last-pushed, count: 5, tags: [main-*] }, { keep: all, except: ['main-*'] }]
      schedule: { everyHours: 24 }
  - { path: elsewhere/app, kind: trash, policy: { days: 5 } }
`;

beforeAll(async () => {
  first = await openCliSession();
  second = await openCliSession();
  for (const line of [...PEOPLE, ...RIGHTS]) await first.done(line);
  await first.done('declaration apply -', { input: POLICIES });
  for (const line of PEOPLE) await second.done(line);
});
afterAll(async () => {
  await first.close();
  await second.close();
});

test('exported and applied to an empty registry, it exports the same', async () => {
  const file = join(second.home, 'registry.yaml');
  const text = await first.done('declaration export');
  expect(text).toStartWith('# Who may do what');
  await first.done(`declaration export --output ${file}`);
  expect(readFileSync(file, 'utf8')).toBe(text);
  const dry = await second.cli(`declaration apply ${file} --dry-run`);
  expect(dry.err).toBe('15 changes to be made; nothing was changed.\n');
  expect(dry.out).toBe(
    [
      '+ path acme: visibility internal, creation explicit',
      '+ path acme/open: visibility public',
      '+ grant reader on the root to signed-in',
      '+ grant administrator on the root to user:bob',
      '+ grant writer on acme to team:acme/core for tags !prod-*, !v*',
      '+ grant cleaner on acme/app to robot:acme/app:ci if {"networks":["10.0.0.0/8","::1"]}',
      '+ grant reader on acme/open to anyone',
      '+ grant reader on elsewhere to organisation:acme',
      '+ immutability policy on the root: {"rules":[{"tags":["v*"],"mayExpire":true}]}',
      '+ trash policy on the root: {"days":20}',
      '+ quota policy on acme: {"bytes":{"hard":5000000000},"contact":"alice"}',
      '+ retention policy on acme: {"rules":[{"keep":"last-pushed","count":5,"tags":["main-*"]},{"keep":"all","except":["main-*"]}],"schedule":{"everyHours":24}}',
      '+ trash policy on elsewhere/app: {"days":5}',
      '+ trust policy acme:github',
      '+ trust policy acme/app:gitlab',
      '',
    ].join('\n'),
  );
  expect((await second.cli(`declaration apply ${file} --dry-run`)).out).toBe(dry.out);
  const applied = await second.cli(`declaration apply ${file}`);
  expect(applied).toEqual({ code: 0, out: dry.out, err: '15 changes made.\n' });
  expect(await second.done('declaration export')).toBe(text);
  const again = await second.cli(`declaration apply ${file}`);
  expect(again).toEqual({ code: 0, out: '', err: 'Nothing is to be changed.\n' });
  expect(await second.done('access explain bob administer /')).toStartWith('yes: ');
});

test('what is not named goes, below the declared path only; a section that is absent stays', async () => {
  const before = await first.done('declaration export');
  const text = `
path: acme
grants:
  - role: writer
    to: team:acme/core
    on: acme
    tags: ['!prod-*', '!v*']
  - { role: owner, to: user:bob, on: acme/app }
trustPolicies: []
`;
  const done = await first.cli('declaration apply -', { input: text });
  expect(done.out).toBe(
    [
      '+ grant owner on acme/app to user:bob',
      '- grant cleaner on acme/app to robot:acme/app:ci if {"networks":["10.0.0.0/8","::1"]}',
      '- grant reader on acme/open to anyone',
      '- trust policy acme:github',
      '- trust policy acme/app:gitlab',
      '',
    ].join('\n'),
  );
  const after = await first.done('declaration export');
  expect(after).toContain('to: signed-in');
  expect(after).toContain('on: elsewhere');
  expect(after).toContain('visibility: public');
  expect(after).not.toContain('gitlab');
  // And back again.
  await first.done('declaration apply -', { input: before });
  expect(sorted(await first.done('declaration export'))).toEqual(sorted(before));
});

/** Grants on one path come in the order in which they were made. */
function sorted(text: string): string[] {
  return text.split('\n').sort();
}

test('whoever manages the path may, others hear nothing of it', async () => {
  const token = (await first.done("token create whole --scope 'pull,push,manage:acme/**'")).trim();
  const text = await first.done('declaration export acme');
  const apply = (line: string, input: string, by: string) =>
    first.as(by, `declaration apply - ${line}`, { input });
  expect((await apply('', text, token)).err).toBe('Nothing is to be changed.\n');
  expect((await first.as(token, 'declaration export')).code).toBe(1);
  const narrow = (await first.done('token create narrow --scope pull,manage:acme')).trim();
  const below = 'path: acme\ntrustPolicies: []\npaths: []\n';
  // Its scopes include the path that is declared, but not what lies below.
  const refused = await apply('', below, narrow);
  expect({ code: refused.code, out: refused.out }).toEqual({ code: 1, out: '' });
  expect(await first.done('declaration export acme')).toBe(text);
  const robot = (await first.done('token create x --robot acme/app:ci')).trim();
  expect((await first.as(robot, 'declaration export acme')).err).toContain(
    'There is no namespace or repository "acme".',
  );
  const root = await apply('--dry-run', 'path: ""\npaths: []\n', token);
  expect(root.code).toBe(1);
});

test('a quota is changed by who manages above it, everything else by who manages the path', async () => {
  const token = (await first.done("token create acme --scope 'pull,push,manage:acme/**'")).trim();
  const text = await first.done('declaration export acme');
  const apply = (input: string) => first.as(token, 'declaration apply -', { input });
  expect((await apply(text)).err).toBe('Nothing is to be changed.\n');
  const lifted = await apply('path: acme\npolicies: []\n');
  expect({ code: lifted.code, out: lifted.out }).toEqual({ code: 1, out: '' });
  expect(await first.done('declaration export acme')).toBe(text);
  const changed = await apply(text.replace('count: 5', 'count: 7'));
  expect(changed.out).toBe(
    '~ retention policy on acme: rules [{"count":5,"keep":"last-pushed","tags":["main-*"]},{"except":["main-*"],"keep":"all"}] becomes [{"count":7,"keep":"last-pushed","tags":["main-*"]},{"except":["main-*"],"keep":"all"}]\n',
  );
  const audit = await first.done('audit list --limit 1 --json');
  expect(audit).toContain('retention policy of acme');
  await apply(text);
  expect(await first.done('declaration export acme')).toBe(text);
});

test.each([
  ['path: Acme', 'path: is no namespace or repository'],
  ['grants: []', 'path'],
  ['path: acme\ngrants: [{role: reader, to: user:nobody, on: acme}]', 'There is no user:nobody'],
  ['path: acme\ngrants: [{role: reader, to: anyone, on: other}]', 'not at or below it'],
  ['path: acme\npath: other', 'is no YAML'],
  [
    'path: acme\npolicies: [{path: acme, kind: trash, policy: {days: 0}}]',
    'trash policy on acme: days: must be at least 1',
  ],
  [
    'path: acme\npaths: []\npolicies: [{path: acme, kind: retention, policy: {rules: [], shedule: off}}]',
    'retention policy on acme: has no "shedule"',
  ],
  ['path: &a acme\npaths: [{path: *a}]', 'no YAML'],
  ['just words', 'not valid'],
  ['path: ""\ngrants: []', 'names no administrator'],
])('%j is refused before anything is changed', async (input, sentence) => {
  const ran = await first.cli('declaration apply -', { input });
  expect({ code: ran.code, out: ran.out }).toEqual({ code: 1, out: '' });
  expect(ran.err).toContain(sentence);
});

test('the example of the documentation is one', async () => {
  const page = readFileSync(join(import.meta.dir, '../../../docs/commands.md'), 'utf8');
  const [, example = ''] = /```yaml\n(.*?)```/s.exec(page) ?? [];
  await first.done('robot create team/backend:ci');
  const ran = await first.cli('declaration apply - --dry-run', { input: example });
  expect(ran).toMatchObject({ code: 0, err: '6 changes to be made; nothing was changed.\n' });
});

test('a file that is not there is named', async () => {
  const ran = await first.cli('declaration apply none.yaml', { directory: first.home });
  expect(ran).toMatchObject({ code: 1, out: '' });
  expect(ran.err).toContain(join(first.home, 'none.yaml'));
  writeFileSync(join(first.home, 'some.yaml'), 'path: acme\n');
  const some = await first.cli('declaration apply some.yaml', { directory: first.home });
  expect(some.code).toBe(0);
});
