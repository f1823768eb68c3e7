// What people write as scopes of a token, and what is refused.
import { expect, test } from 'bun:test';
import { parseScopes } from './scopes.ts';

test('actions on patterns are taken as they are; nothing means everything', () => {
  const scopes = [{ actions: ['pull', 'push'], names: ['team/**', 'a/b'] }] as const;
  expect(parseScopes(scopes)).toEqual(scopes as never);
  expect([parseScopes(undefined), parseScopes(null)]).toEqual([undefined, undefined]);
});

test.each([
  [[{ actions: ['fly'], names: ['a'] }], /0.actions.0/],
  [[{ actions: ['pull'], names: ['Team'] }], /0.names.0/],
  [[{ actions: ['pull'], names: [] }], /0.names/],
  [[{ actions: [], names: ['a'] }], /0.actions/],
  ['pull', /the whole/],
])('%j is refused', (value, expected) => {
  expect(() => parseScopes(value)).toThrow(expected);
});

test('patterns that cost time with each verdict are few', () => {
  const scope = (count: number, name: string) => [
    { actions: ['pull'], names: Array.from({ length: count }, (_, at) => `n${at}/${name}`) },
  ];
  for (const name of ['app', '**']) expect(parseScopes(scope(50, name))).toHaveLength(1);
  expect(parseScopes(scope(20, '*a'))).toHaveLength(1);
  expect(() => parseScopes([...scope(11, '*a'), ...scope(10, '*/**')])).toThrow('more than 20');
});
