import { expect, test } from 'bun:test';
import fc from 'fast-check';
import {
  type Declaration,
  type Declared,
  differenceOf,
  isSamePolicy,
  parseDeclaration,
} from './declaration.ts';
import { showChange } from './show-declared.ts';

const POLICY = {
  path: 'team',
  name: 'ci',
  issuer: 'https://token.example.com',
  audience: 'entrepot',
  conditions: { repository: 'acme/app' },
  grants: [{ actions: ['push'], names: ['team/app'] }],
};

const EMPTY: Declared = { path: 'team', paths: [], grants: [], policies: [], trustPolicies: [] };

let id = 0;

/** What is there after the changes, by the words of each: the rule that apply follows. */
function applied(there: Declared, wanted: Declaration): Declared {
  const now = {
    path: there.path,
    paths: [...there.paths],
    grants: [...there.grants],
    policies: [...there.policies],
    trustPolicies: [...there.trustPolicies],
  };
  for (const change of differenceOf(there, wanted)) {
    id += 1;
    switch (change.kind) {
      case 'add-grant':
        now.grants.push({ ...change.grant, id });
        break;
      case 'remove-grant':
        now.grants = now.grants.filter((one) => one.id !== change.id);
        break;
      case 'set-path': {
        const { after } = change;
        now.paths = now.paths.filter(({ path }) => path !== after.path);
        if (after.visibility !== undefined || after.creation !== undefined) now.paths.push(after);
        break;
      }
      case 'add-policy':
        now.trustPolicies.push({ ...change.policy, id });
        break;
      case 'change-policy':
        now.trustPolicies = now.trustPolicies.map((one) =>
          one.id === change.id ? { ...change.policy, id: one.id } : one,
        );
        break;
      case 'set-path-policy':
      case 'remove-path-policy': {
        const { before } = change;
        now.policies = now.policies.filter(
          (one) => one.path !== before?.path || one.kind !== before.kind,
        );
        if (change.kind === 'set-path-policy') now.policies.push(change.after);
        break;
      }
      case 'remove-policy':
        now.trustPolicies = now.trustPolicies.filter((one) => one.id !== change.id);
    }
  }
  return now;
}

const path = fc.constantFrom('team', 'team/a', 'team/a/b', 'team/c');
const grants = fc.uniqueArray(
  fc.record(
    {
      role: fc.constantFrom('reader', 'writer'),
      to: fc.constantFrom('user:alice', 'team:acme/core', 'anyone'),
      on: path,
      tags: fc.constantFrom(['v*'], ['!prod-*', 'x']),
      condition: fc.constantFrom({ networks: ['10.0.0.0/8'] }, { networks: [], windows: [] }),
    },
    { requiredKeys: ['role', 'to', 'on'] },
  ),
  {
    selector: (one) =>
      JSON.stringify([one.role, one.to, one.on, one.tags, one.condition?.networks[0]]),
  },
);
const paths = fc.uniqueArray(
  fc.record(
    {
      path,
      visibility: fc.constantFrom('private', 'internal', 'public'),
      creation: fc.constantFrom('push', 'explicit'),
    },
    { requiredKeys: ['path', 'visibility'] },
  ),
  { selector: (one) => one.path },
);
const trustPolicies = fc.uniqueArray(
  fc.record({
    path: fc.constantFrom('team', 'team/a'),
    name: fc.constantFrom('ci', 'cd'),
    issuer: fc.constant(POLICY.issuer),
    audience: fc.constantFrom('entrepot', 'other'),
    conditions: fc.constantFrom({ a: 'x', b: ['y'] }, { b: ['y'], a: ['x'] }, { a: 'z' }),
    grants: fc.constant([{ actions: ['push'], names: ['team/a/app'] }]),
    isDisabled: fc.boolean(),
  }),
  { selector: (one) => `${one.path}:${one.name}` },
);
const policies = fc.uniqueArray(
  fc.record({
    path,
    kind: fc.constantFrom('quota', 'trash', 'retention'),
    policy: fc.constantFrom(
      { days: 3 },
      { rules: [{ keep: 'all', tags: ['v*'] }], untaggedAfter: '1d' },
      { untaggedAfter: '1d', rules: [{ tags: ['v*'], keep: 'all' }] },
    ),
  }),
  { selector: (one) => `${one.kind} ${one.path}` },
);
const declarations = fc
  .record(
    { path: fc.constant('team'), paths, grants, policies, trustPolicies },
    { requiredKeys: ['path'] },
  )
  .map((input) => parseDeclaration(input));

test('from anything to anything: afterwards it is as declared, and nothing is left to do', () => {
  fc.assert(
    fc.property(declarations, declarations, (first, second) => {
      const there = applied(EMPTY, first);
      const now = applied(there, second);
      expect(differenceOf(now, second)).toEqual([]);
      // Sections that the second does not have stay as they were.
      if (second.grants === undefined) expect(now.grants).toEqual(there.grants);
      else expect(now.grants).toHaveLength(second.grants.length);
      if (second.paths === undefined) expect(now.paths).toEqual(there.paths);
      else expect(now.paths).toHaveLength(second.paths.length);
      if (second.policies === undefined) expect(now.policies).toEqual(there.policies);
      else expect(now.policies).toHaveLength(second.policies.length);
      if (second.trustPolicies === undefined) {
        expect(now.trustPolicies).toEqual(there.trustPolicies);
      } else {
        expect(now.trustPolicies).toHaveLength(second.trustPolicies.length);
        for (const policy of second.trustPolicies) {
          expect(now.trustPolicies.some((one) => isSamePolicy(one, policy))).toBe(true);
        }
      }
    }),
    { numRuns: 300 },
  );
});

test('what is kept is not touched, and nothing is taken away before the rest is there', () => {
  const there = applied(
    EMPTY,
    parseDeclaration({
      path: 'team',
      grants: [
        { role: 'writer', to: 'user:alice', on: 'team' },
        { role: 'reader', to: 'anyone', on: 'team/a' },
      ],
    }),
  );
  const wanted = parseDeclaration({
    path: 'team',
    paths: [{ path: 'team', visibility: 'internal' }],
    grants: [
      { role: 'reader', to: 'anyone', on: 'team/a' },
      { role: 'writer', to: 'team:acme/core', on: 'team', tags: ['!prod-*'] },
    ],
    trustPolicies: [POLICY],
  });
  expect(differenceOf(there, wanted).map(showChange)).toEqual([
    { sign: '+', line: 'path team: visibility internal' },
    { sign: '+', line: 'grant writer on team to team:acme/core for tags !prod-*' },
    { sign: '+', line: 'trust policy team:ci' },
    { sign: '-', line: 'grant writer on team to user:alice' },
  ]);
});

test('a change of a policy or setting says from what to what', () => {
  const parse = (over: object, visibility: string) =>
    parseDeclaration({
      path: 'team',
      paths: [{ path: 'team/a', visibility, creation: 'explicit' }],
      trustPolicies: [{ ...POLICY, ...over }],
    });
  const there = applied(EMPTY, parse({}, 'public'));
  expect(differenceOf(there, parse({ audience: 'new' }, 'private')).map(showChange)).toEqual([
    { sign: '~', line: 'path team/a: visibility public becomes private' },
    { sign: '~', line: 'trust policy team:ci: audience "entrepot" becomes "new"' },
  ]);
});

test('a change of a policy of a path says what of it', () => {
  const parse = (policies: unknown) => parseDeclaration({ path: 'team', policies });
  const quota = { path: 'team', kind: 'quota', policy: { bytes: { soft: 1, hard: 5 } } };
  const trash = { path: 'team/a', kind: 'trash', policy: { days: 3 } };
  const retention = { path: 'team', kind: 'retention', policy: { rules: [], immutable: 'keep' } };
  const there = applied(EMPTY, parse([quota, trash]));
  const lines = (policies: unknown) => differenceOf(there, parse(policies)).map(showChange);
  const turned = { ...quota, policy: { bytes: { hard: 5, soft: 1 } } };
  expect(lines([trash, turned])).toEqual([]);
  const wanted = [{ ...quota, policy: { tags: { hard: 9 } } }, retention];
  expect(lines(wanted)).toEqual([
    {
      sign: '~',
      line: 'quota policy on team: bytes {"hard":5,"soft":1} becomes unset, tags {"hard":9}',
    },
    { sign: '+', line: 'retention policy on team: {"rules":[],"immutable":"keep"}' },
    { sign: '-', line: 'trash policy on team/a' },
  ]);
});

test.each([
  [{ path: 'Team' }, 'path: is no namespace or repository'],
  [{ path: 'team', paths: [{ path: 'other' }] }, '"other" is not at or below it'],
  [{ path: 'team', paths: [{ path: 'teams' }] }, '"teams" is not at or below it'],
  [{ path: 'team', trustPolicies: [{ ...POLICY, path: '' }] }, '"" is not at or below it'],
  [{ path: 'team', grants: [{ role: 'x', to: 'bob', on: 'team' }] }, 'grants.0.to: is nobody'],
  [{ path: 'team', grants: [{ role: 'x', to: 'anyone', on: 'team', tag: 'x' }] }, 'tag'],
  [{ path: 'team', paths: [{ path: 'team' }, { path: 'team' }] }, 'the path team twice'],
  [{ path: 'team', trustPolicies: [POLICY, POLICY] }, 'the trust policy team:ci twice'],
  [
    { path: 'team', policies: [{ path: 'team', kind: 'scan', policy: {} }] },
    'policies.0.kind: Invalid option',
  ],
  [
    {
      path: 'team',
      policies: [
        { path: 'team', kind: 'trash', policy: { days: 1 } },
        { path: 'team', kind: 'trash', policy: { days: 2 } },
      ],
    },
    'the trash policy on team twice',
  ],
  [
    { path: 'team', policies: [{ path: 'other', kind: 'trash', policy: {} }] },
    '"other" is not at or below it',
  ],
  [{ path: 'team', robots: [] }, 'robots'],
  [[], 'The declaration is not valid'],
] as [unknown, string][])('%j is refused', (input, sentence) => {
  expect(() => parseDeclaration(input)).toThrow(sentence);
});
