// Groups to teams: exact names, patterns, and what a group's name can never reach.
import { expect, test } from 'bun:test';
import { teamRuleProblem, teamsOfGroups } from './groups.ts';

const exact = { ignoreCase: false };

test.each([
  [['core'], [{ group: 'core', team: 'acme/core' }], ['acme/core']],
  [['Core'], [{ group: 'core', team: 'acme/core' }], []],
  [['core', 'core'], [{ group: 'core', team: 'acme/core' }], ['acme/core']],
  [
    ['core'],
    [
      { group: 'core', team: 'acme/core' },
      { group: 'c*', team: 'acme/all' },
    ],
    ['acme/all', 'acme/core'],
  ],
  [['registry-web', 'registry-', 'web'], [{ group: 'registry-*', team: 'acme/*' }], ['acme/web']],
  [['a-web-z'], [{ group: 'a-*-z', team: 'x-*/core' }], ['x-web/core']],
  [['registry-WEB'], [{ group: 'registry-*', team: 'acme/*' }], ['acme/web']],
  [['team7'], [{ group: 'team?', team: 'acme/core' }], ['acme/core']],
  [[], [{ group: '*', team: 'acme/core' }], []],
  [['x'], [], []],
])('%j by %j are %j', (groups, rules, teams) => {
  expect(teamsOfGroups(groups, rules, exact)).toEqual(teams);
});

test.each([
  'registry-../admin',
  'registry-other/core',
  'registry-a b',
  'registry-*',
  'registry-$&',
])('the group %j reaches no team by a star', (group) => {
  expect(teamsOfGroups([group], [{ group: 'registry-*', team: 'acme/*' }], exact)).toEqual([]);
  expect(teamsOfGroups([group], [{ group: 'registry-*', team: '*/core' }], exact)).toEqual([]);
});

test('directories do not tell cases apart', () => {
  const rules = [{ group: 'CN=Core,OU=Groups,*', team: 'acme/core' }];
  const groups = ['cn=core,ou=groups,dc=example'];
  expect(teamsOfGroups(groups, rules, { ignoreCase: true })).toEqual(['acme/core']);
});

test.each([
  [{ group: '', team: 'a/b' }, 'must have a name'],
  [{ group: 'x', team: 'acme' }, 'write organisation/team'],
  [{ group: 'x', team: 'Acme/core' }, 'in lower case'],
  [{ group: 'x', team: 'a/b/c' }, 'write organisation/team'],
  [{ group: 'x', team: 'acme/-core' }, 'is not a team’s name'.replace('’', "'")],
  [{ group: 'x', team: 'acme/*' }, 'must hold one *'],
  [{ group: 'x-*-*', team: 'acme/*' }, 'must hold one *'],
  [{ group: 'x?-*', team: 'acme/*' }, 'and no ?'],
  [{ group: 'x-*', team: '*/*' }, 'must hold one *'],
])('the rule %j is refused', (rule, sentence) => {
  expect(teamRuleProblem(rule)).toContain(sentence);
});

test('sound rules have no problem', () => {
  for (const team of ['acme/core', 'a.b/c-d']) {
    expect(teamRuleProblem({ group: 'any * thing ?', team })).toBeUndefined();
  }
  expect(teamRuleProblem({ group: 'cn=*,ou=x', team: 'acme/*' })).toBeUndefined();
});
