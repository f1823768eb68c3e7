import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { isInScope, type Scope } from '../decide.ts';
import { isBelowInScope, isWithinScopes } from './narrower-scopes.ts';

const pull = (...names: string[]): Scope[] => [{ actions: ['pull'], names }];

test.each([
  [pull('team/app'), pull('team/app'), true],
  [pull('team/app'), pull('team/**'), true],
  [pull('team'), pull('team/**'), true],
  [pull('team/**'), pull('team/**'), true],
  [pull('team/backend/**'), pull('team/**'), true],
  [pull('team/*'), pull('team/**'), true],
  [pull('team/a*'), pull('team/**'), true],
  [pull('team/app'), pull('team/*'), true],
  [pull('**'), pull('**'), true],
  [pull('team/**'), pull('**'), true],
  [pull('team*'), pull('team/**'), false],
  [pull('team-b/**'), pull('team/**'), false],
  [pull('**'), pull('team/**'), false],
  [pull('*'), pull('team/**'), false],
  [pull(''), pull('team/**'), false],
  [pull(''), pull('*'), false],
  [pull('team/**'), pull('team/*'), false],
  [pull('team/**'), pull('team'), false],
  [pull('team/app', 'other'), pull('team/**'), false],
])('%j within %j is %p', (wanted, limits, expected) => {
  expect(isWithinScopes(wanted, limits)).toBe(expected);
});

test('an action that is missing is not within', () => {
  const wanted: Scope[] = [{ actions: ['pull', 'push'], names: ['team/app'] }];
  expect(isWithinScopes(wanted, pull('team/**'))).toBe(false);
  const both: Scope[] = [...pull('team/**'), { actions: ['push'], names: ['team/app'] }];
  expect(isWithinScopes(wanted, both)).toBe(true);
});

test('no scopes at all are everything, and within nothing less', () => {
  expect(isWithinScopes(undefined, undefined)).toBe(true);
  expect(isWithinScopes(pull('a'), undefined)).toBe(true);
  expect(isWithinScopes(undefined, pull('**'))).toBe(false);
});

test('what is within allows nothing that its limits refuse', () => {
  const part = fc.constantFrom('a', 'b', 'a*', '*', '**', 'ab', '?');
  const pattern = fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'));
  const path = fc
    .array(fc.constantFrom('a', 'b', 'ab', 'c'), { minLength: 0, maxLength: 4 })
    .map((parts) => parts.join('/'));
  const property = fc.property(pattern, pattern, path, (name, limit, at) => {
    const [wanted, limits] = [pull(name), pull(limit)];
    fc.pre(isWithinScopes(wanted, limits));
    const question = { action: 'pull', path: at } as const;
    return !isInScope(wanted, question) || isInScope(limits, question);
  });
  fc.assert(property, { numRuns: 5_000 });
});

test('what a token or a trust policy names is not all that lies below it', () => {
  const wanted = { action: 'pull', path: 'team' } as const;
  const policy = (scopes: readonly Scope[]) => ({ policy: { name: 'release', scopes } });
  expect(isBelowInScope({}, wanted)).toBe(true);
  expect(isBelowInScope({ scopes: pull('team') }, wanted)).toBe(false);
  expect(isBelowInScope({ scopes: pull('team/**') }, wanted)).toBe(true);
  expect(isBelowInScope(policy(pull('team')), wanted)).toBe(false);
  expect(isBelowInScope(policy(pull('team/**')), wanted)).toBe(true);
  expect(isBelowInScope({ ...policy(pull('**')), scopes: pull('team') }, wanted)).toBe(false);
  expect(isBelowInScope(policy(pull('team/**')), { ...wanted, path: '' })).toBe(false);
});
