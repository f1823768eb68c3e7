// What a policy gives with claims put into its names: whatever they say, never more than was written.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { isRepositoryName } from '../../oci/repository-name.ts';
import { isAtOrBelow, matchesPath } from '../pattern.ts';
import {
  claimsInTemplates,
  isTemplateWithin,
  parseRecordedClaims,
  recordClaims,
  resolvePolicy,
} from './policy-scopes.ts';
import { githubClaims, gitlabClaims } from './suite-issuer.ts';

const grantsOf = (...names: string[]) => [{ actions: ['push'] as const, names }];

function namesOf(path: string, name: string, claims: Record<string, string>): readonly string[] {
  const grants = JSON.stringify(grantsOf(name));
  return resolvePolicy({ path, grants }, claims).flatMap(({ names }) => names);
}

describe('a name with claims', () => {
  const cases: readonly (readonly [string, Record<string, string>, string | undefined])[] = [
    ['team/app', {}, 'team/app'],
    ['team/{p}', { p: 'group/app' }, 'team/group/app'],
    ['team/{p}', { p: 'Group/App' }, 'team/group/app'],
    ['team/{a}-{b}/**', { a: 'x', b: 'y' }, 'team/x-y/**'],
    ['team/{p}', {}, undefined],
    ['team/{p}', { p: '' }, undefined],
    ['team/{p}', { p: '*' }, undefined],
    ['team/{p}', { p: '**' }, undefined],
    ['team/{p}', { p: 'a?' }, undefined],
    ['team/{p}', { p: 'a/**' }, undefined],
    ['team/{p}', { p: '../other' }, undefined],
    ['team/{p}', { p: '/a' }, undefined],
    ['team/{p}', { p: 'a/' }, undefined],
    ['team/{p}', { p: 'a//b' }, undefined],
    ['team/{p}', { p: '{q}', q: 'x' }, undefined],
    ['team/{p}', { p: 'a b' }, undefined],
    ['team/{p}', { p: 'a\n' }, undefined],
    // The sign of Kelvin, the long s and the dotless i become ASCII when case is folded.
    ['team/{p}', { p: '\u212aube' }, undefined],
    ['team/{p}', { p: '\u017fecret' }, undefined],
    ['team/{p}', { p: '\u0130d' }, undefined],
    ['team/{p}', { p: 'équipe' }, undefined],
    ['team/{__proto__}', {}, undefined],
    ['team/{constructor}', {}, undefined],
    ['{p}/app', { p: 'team' }, 'team/app'],
    ['{p}/app', { p: 'other' }, undefined],
    ['team{p}', { p: '-b' }, undefined],
    ['te{p}/app', { p: 'am' }, 'team/app'],
    ['**', {}, undefined],
    ['team*', {}, undefined],
    ['te?m/app', {}, undefined],
    ['team/**', {}, 'team/**'],
    ['team', {}, 'team'],
  ];
  for (const [name, claims, expected] of cases) {
    test(`${name} ${JSON.stringify(claims)}`, () => {
      expect(namesOf('team', name, claims)).toEqual(expected === undefined ? [] : [expected]);
    });
  }

  test('gives nothing by one claim that is missing, and the others stay', () => {
    const grants = JSON.stringify(grantsOf('team/{absent}', 'team/{p}'));
    expect(resolvePolicy({ path: 'team', grants }, { p: 'a' })).toEqual([
      { actions: ['push'], names: ['team/a'] },
    ]);
  });
});

describe('whatever a claim says', () => {
  const letters = fc.constantFrom(
    'a',
    'b',
    'A',
    '/',
    '*',
    '?',
    '.',
    '-',
    '_',
    '{',
    '}',
    'p',
    ' ',
    'K',
  );
  const claim = fc.string({ unit: letters, maxLength: 12 });
  const part = fc.constantFrom('team', 'a', '{p}', '{q}', '*', '**', 'a*', 'a?', '{p}-x', 'x{q}');
  const name = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
  const path = fc.constantFrom('team', 'team/a', 'a');
  const place = fc
    .array(fc.constantFrom('team', 'a', 'b', 'other', 'team-b', 'ax'), {
      minLength: 1,
      maxLength: 5,
    })
    .map((parts) => parts.join('/'));

  test('it gives no right outside of the policy’s path', () => {
    fc.assert(
      fc.property(path, name, claim, claim, place, (top, pattern, p, q, where) =>
        namesOf(top, pattern, { p, q }).every(
          (given) => !matchesPath(given, where) || isAtOrBelow(where, top),
        ),
      ),
      { numRuns: 5_000 },
    );
  });

  test('it adds no wildcard: there are as many as its owner wrote', () => {
    const wildcards = (text: string) => text.replace(/[^*?]/g, '');
    fc.assert(
      fc.property(name, claim, claim, (pattern, p, q) => {
        const [given] = namesOf('', pattern, { p, q });
        return given === undefined || wildcards(given) === wildcards(pattern);
      }),
      { numRuns: 5_000 },
    );
  });

  test('a name without wildcards is one repository, or nothing', () => {
    fc.assert(
      fc.property(claim, (p) =>
        namesOf('team', 'team/{p}', { p }).every(
          (given) => isRepositoryName(given) && given === `team/${p.toLowerCase()}`,
        ),
      ),
      { numRuns: 5_000 },
    );
  });

  test('what is found within a path before the claims are known is so with all of them', () => {
    fc.assert(
      fc.property(path, name, claim, claim, (top, pattern, p, q) => {
        if (!isTemplateWithin(pattern, top)) return true;
        const everywhere = namesOf('', pattern, { p, q });
        expect(namesOf(top, pattern, { p, q })).toEqual(everywhere);
        return true;
      }),
      { numRuns: 5_000 },
    );
  });
});

describe('the claims that go with a token', () => {
  test('are those of the templates, and who it is', () => {
    const grants = grantsOf('team/{project_path}/{ref}', 'team/{absent}', 'team/{project_path}');
    expect(claimsInTemplates(grants)).toEqual(['project_path', 'ref', 'absent']);
    const recorded = recordClaims(grants, gitlabClaims());
    expect(recorded).toEqual({
      sub: 'project_path:group/sub/app:ref_type:branch:ref:main',
      project_path: 'group/sub/app',
      ref: 'main',
    });
    expect(parseRecordedClaims(JSON.stringify(recorded))).toEqual(recorded);
    expect(parseRecordedClaims(null)).toEqual({});
  });

  test('are found within others, as numbers too', () => {
    const claims = { 'kubernetes.io': { namespace: 'build' }, run: 7 };
    expect(recordClaims(grantsOf('t/{kubernetes.io.namespace}/{run}'), claims)).toEqual({
      'kubernetes.io.namespace': 'build',
      run: '7',
    });
  });

  test('are whole or not there, and never one of several', () => {
    const claims = { ...githubClaims(), long: 'a'.repeat(256), list: ['a'], object: { a: 'b' } };
    const recorded = recordClaims(
      grantsOf('t/{long}', 't/{list}', 't/{object}', 't/{actor}'),
      claims,
    );
    expect(recorded).toEqual({ sub: claims.sub, actor: 'alice' });
  });

  test('a subject that was shortened makes no name', () => {
    const grants = grantsOf('t/{sub}');
    const shortened = recordClaims([], { sub: 'a'.repeat(300) });
    expect(resolvePolicy({ path: 't', grants: JSON.stringify(grants) }, shortened)).toEqual([
      { actions: ['push'], names: [] },
    ]);
  });
});
