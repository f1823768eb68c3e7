// What the property tests are made of: paths and patterns over few letters, so that they often meet.
import fc from 'fast-check';
import { ACTIONS } from './action.ts';
import type { Condition } from './condition.ts';
import type { PathFacts, Question, Right, Scope, Standing } from './decide.ts';

const part = fc.constantFrom('a', 'b', 'ab', 'a-b', 'b.a');

export const arbitraryPath = fc.array(part, { maxLength: 3 }).map((parts) => parts.join('/'));

const patternPart = fc.constantFrom('a', 'b', 'ab', '*', '**', 'a*', '*b', '?', 'a?', '***', '');

export const arbitraryPathPattern = fc.oneof(
  arbitraryPath,
  fc.array(patternPart, { maxLength: 4 }).map((parts) => parts.join('/')),
);

const tag = fc.constantFrom('v1', 'v2', 'prod-1', 'latest');
const tagPattern = fc.constantFrom('*', 'v?', 'v1', 'prod-*', '!v1', '!prod-*', '!*');

const EVERY_DAY = [1, 2, 3, 4, 5, 6, 7];

const condition: fc.Arbitrary<Condition> = fc.record(
  {
    networks: fc.subarray(['10.0.0.0/8', '192.0.2.1', '2001:db8::/32']),
    windows: fc.array(
      fc.record({
        days: fc.subarray(EVERY_DAY),
        from: fc.integer({ min: 0, max: 1440 }),
        to: fc.integer({ min: 0, max: 1440 }),
        zone: fc.constantFrom('UTC', 'Europe/Paris', 'Asia/Kolkata'),
      }),
      { maxLength: 2 },
    ),
  },
  { requiredKeys: [] },
);

const actions = fc.oneof(fc.constant([...ACTIONS]), fc.subarray([...ACTIONS], { minLength: 1 }));

export const arbitraryRight: fc.Arbitrary<Right> = fc.record(
  {
    path: fc.oneof(fc.constantFrom('', 'a'), arbitraryPath),
    actions,
    role: fc.constant('a role'),
    through: fc.constant('a grant'),
    tags: fc.array(tagPattern, { maxLength: 3 }),
    condition,
  },
  { requiredKeys: ['path', 'actions', 'role', 'through'] },
);

export const arbitraryScope: fc.Arbitrary<Scope> = fc.record({
  actions,
  names: fc.array(fc.oneof(fc.constant('**'), arbitraryPathPattern), { maxLength: 2 }),
});

const scopes = fc.array(arbitraryScope, { maxLength: 2 });
const rights = fc.array(arbitraryRight, { maxLength: 3 });

const principal = fc.constantFrom(
  { kind: 'anonymous', name: 'anonymous' } as const,
  { kind: 'user', id: 1, name: 'alice' } as const,
  { kind: 'robot', id: 2, name: 'a:deployer' } as const,
  { kind: 'workload', id: 3, name: 'a pipeline' } as const,
);

export const arbitraryStanding: fc.Arbitrary<Standing> = fc.record(
  { principal, rights, policy: fc.record({ name: fc.constant('p'), scopes }), scopes, condition },
  { requiredKeys: ['principal', 'rights'] },
);

export const arbitraryFacts: fc.Arbitrary<PathFacts> = fc.record({
  visibility: fc.constantFrom('private', 'internal', 'public'),
  visibilityFrom: arbitraryPath,
  creation: fc.constant('push'),
  forAnyone: rights,
  forSignedIn: rights,
});

export const arbitraryQuestion: fc.Arbitrary<Question> = fc.record(
  { action: fc.constantFrom(...ACTIONS), path: arbitraryPath, tag, everyTag: fc.boolean() },
  { requiredKeys: ['action', 'path'] },
);

export const arbitraryCircumstances = fc.record({
  from: fc.constantFrom('10.0.0.1', '192.0.2.1', '198.51.100.7', '2001:db8::7', ''),
  now: fc.integer({ min: Date.parse('2026-01-01'), max: Date.parse('2027-01-01') }),
});
