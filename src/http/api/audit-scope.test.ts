import { expect, test } from 'bun:test';
import { isAboutPath } from './audit-scope.ts';

test.each([
  ['team/app:v1', true],
  ['team/app@sha256:abc', true],
  ['team/app', true],
  ['team', true],
  ['team:v1', true],
  ['owner on team for user alice', true],
  ['owner on team/app for team acme/core', true],
  ['robot team:ci', true],
  ['robot team/app:ci', true],
  ['trust policy team:deploy', true],
  ['token 5 of robot team:ci', true],
  ['tokens of robot team:ci', true],
  ['quota policy of team/app', true],
  ['trash policy of the root', false],
  ['quota policy of teams', false],
  ['lease team', false],
  ['team-b/app:v1', false],
  ['teams', false],
  ['user team', false],
  ['team acme/core', false],
  ['organisation acme', false],
  ['role team', false],
  ['owner on the root for user alice', false],
  ['owner on other for team team/core', false],
  ['owner on other for robot team:ci', false],
  ['robot :ci', false],
  ['robot other:team', false],
  ['trust policy :team', false],
  ['token 5 of user team', false],
  ['session 5', false],
  ['the root', false],
  ['key team', false],
  ['user (not a name)', false],
])('%s is about the namespace team: %p', (target, expected) => {
  expect(isAboutPath(target, 'team')).toBe(expected);
});

test('an organisation and its teams are about its namespace', () => {
  expect(isAboutPath('organisation acme', 'acme')).toBe(true);
  expect(isAboutPath('team acme/core', 'acme')).toBe(true);
  expect(isAboutPath('team acme/core', 'acm')).toBe(false);
});
