// Trust policies as owners write them: what is refused, and which claims fit.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { RegistryError } from '../../oci/errors.ts';
import { matchesGlob } from '../glob.ts';
import { mayHear, tooOpen } from './public-issuers.ts';
import { githubClaims, gitlabClaims, SUITE_AUDIENCE } from './suite-issuer.ts';
import { fitsPolicy, matchPolicy, parseTrustPolicy } from './trust-policy.ts';

const GITHUB = 'https://token.actions.githubusercontent.com';
const NOTHING_PLAIN = { isPlainAllowed: () => false };
const POLICY = {
  path: 'team',
  name: 'ci',
  issuer: 'https://gitlab.corp.example',
  audience: SUITE_AUDIENCE,
  conditions: { project_path: 'group/*', ref: ['main', 'release-*'] },
  grants: [{ actions: ['pull', 'push'], names: ['team/{project_path}', 'team/cache/**'] }],
};

type Allowed = Parameters<typeof parseTrustPolicy>[1];

function refusal(change: object, allowed: Allowed = NOTHING_PLAIN): string {
  try {
    parseTrustPolicy({ ...POLICY, ...change }, allowed);
  } catch (error) {
    if (error instanceof RegistryError && error.code === 'REQUEST_INVALID') return error.message;
    throw error;
  }
  return 'it was taken';
}

describe('a policy as it is written', () => {
  test('is taken, with one pattern as a list and an hour of life', () => {
    expect(parseTrustPolicy(POLICY, NOTHING_PLAIN)).toEqual({
      ...POLICY,
      conditions: { project_path: ['group/*'], ref: ['main', 'release-*'] },
      grants: [{ actions: ['pull', 'push'], names: ['team/{project_path}', 'team/cache/**'] }],
      lifetimeMs: 3_600_000,
    });
  });

  const many = (count: number, value: unknown) =>
    Object.fromEntries(Array.from({ length: count }, (_, at) => [`c${at}`, value]));
  const grant = (names: readonly string[], actions: readonly string[] = ['pull']) => ({
    grants: [{ actions, names }],
  });
  const wrong: readonly (readonly [string, object, RegExp])[] = [
    ['http', { issuer: 'http://gitlab.corp.example' }, /not https.*administrator/],
    ['no address', { issuer: 'gitlab' }, /https address/],
    ['another scheme', { issuer: 'ftp://gitlab.example' }, /https address/],
    ['a query', { issuer: 'https://a.example/?x' }, /https address/],
    ['a fragment', { issuer: 'https://a.example/#x' }, /https address/],
    ['a password', { issuer: 'https://a:b@a.example' }, /https address/],
    ['no audience', { audience: '' }, /audience/],
    ['capitals in the name', { name: 'CI' }, /named with lower-case/],
    ['a path that is none', { path: 'Team' }, /path/],
    ['no condition', { conditions: {} }, /no issuer as a whole/],
    ['conditions that say nothing', { conditions: { aud: 'x', iss: 'y', jti: 'z' } }, /as a whole/],
    ['a condition that is only a star', { conditions: { sub: '*' } }, /as a whole/],
    ['one pattern that is only stars', { conditions: { sub: ['a', '**?'] } }, /as a whole/],
    ['an empty pattern', { conditions: { sub: '' } }, /at least one character/],
    ['an empty list', { conditions: { sub: [] } }, /at least one pattern/],
    ['a number', { conditions: { sub: 7 } }, /a pattern or a list/],
    ['a long pattern', { conditions: { sub: 'x'.repeat(256) } }, /255/],
    ['many conditions', { conditions: many(21, 'x') }, /at most 20/],
    ['many wildcards', { conditions: { sub: many11() } }, /at most 10/],
    [
      'many names with wildcards',
      grant(Array.from({ length: 21 }, (_, at) => `team/n${at}*a`)),
      /at most 20 names/,
    ],
    ['a claim with odd letters', { conditions: { 'a b': 'x' } }, /A claim is named/],
    ['a claim with an empty part', { conditions: { 'a..b': 'x' } }, /A claim is named/],
    ['no grants', { grants: [] }, /at least one grant/],
    ['no actions', grant(['team/a'], []), /at least one action/],
    ['to manage', grant(['team/a'], ['manage']), /pull, push or delete/],
    ['no names', grant([]), /at least one name/],
    ['outside of the path', grant(['other/a']), /outside of team/],
    ['beside the path', grant(['team-b/a']), /outside of team/],
    ['outside by a star', grant(['team*']), /outside of team/],
    ['outside by a claim', grant(['{project_path}']), /outside of team/],
    ['outside by the end of a claim', grant(['team{x}/a']), /outside of team/],
    ['everything', grant(['**']), /outside of team/],
    ['an open brace', grant(['team/{x']), /A name is written/],
    ['an empty template', grant(['team/{}']), /A name is written/],
    ['a template with odd letters', grant(['team/{a b}']), /A name is written/],
    ['capitals', grant(['team/A']), /A name is written/],
    ['dots that lead up', grant(['team/../other']), /A name is written/],
    ['a short life', { lifetimeSeconds: 59 }, /at least 60/],
    ['a long life', { lifetimeSeconds: 86_401 }, /at most 86400/],
    ['what nobody knows', { extra: 1 }, /extra/],
  ];
  function many11() {
    return Array.from({ length: 11 }, (_, at) => `x${at}*`);
  }
  for (const [what, change, sentence] of wrong) {
    test(`is refused: ${what}`, () => expect(refusal(change)).toMatch(sentence));
  }

  test('may be of plain http where the administrator says so', () => {
    const allowed = { isPlainAllowed: (host: string) => host === 'gitlab.corp.example' };
    expect(refusal({ issuer: 'http://gitlab.corp.example:8080' }, allowed)).toBe('it was taken');
    expect(refusal({ issuer: 'http://else.example' }, allowed)).toMatch(/not https/);
  });

  test('names everything only for the administrator', () => {
    expect(refusal({ path: '', ...grant(['**', '{project_path}']) })).toBe('it was taken');
  });
});

describe('an issuer for everybody', () => {
  const cases: readonly (readonly [object, boolean])[] = [
    [{ repository: 'octo/app' }, true],
    [{ repository: 'octo/*' }, true],
    [{ repository: 'octo*' }, false],
    [{ repository: '*/app' }, false],
    [{ repository: ['octo/app', '*'] }, false],
    [{ repository_owner: 'octo' }, true],
    [{ repository_owner: 'octo*' }, false],
    [{ repository_owner_id: '583231' }, true],
    [{ sub: 'repo:octo/app:*' }, true],
    [{ sub: 'repo:*' }, false],
    [{ sub: 'repo:oct?/app:ref:refs/heads/main' }, false],
    [{ ref: 'refs/heads/main' }, false],
    [{ job_workflow_ref: 'octo/app/.github/workflows/x.yml@main' }, false],
    [{ ref: 'refs/heads/main', workflow_ref: 'octo/app/*' }, true],
  ];
  for (const [conditions, isTaken] of cases) {
    test(`GitHub, ${JSON.stringify(conditions)}`, () => {
      const said = refusal({ issuer: GITHUB, conditions });
      expect(said).toMatch(isTaken ? /taken/ : /Anybody can get a token/);
      expect(refusal({ issuer: `${GITHUB}/`, conditions })).toBe(
        said.replace(GITHUB, `${GITHUB}/`),
      );
    });
  }

  test('GitLab and the others', () => {
    const open = (issuer: string, conditions: Record<string, string[]>) =>
      tooOpen(issuer, conditions) === undefined;
    expect(open('https://gitlab.com', { namespace_path: ['group'] })).toBe(true);
    expect(open('https://gitlab.com', { namespace_path: ['group/*'] })).toBe(true);
    expect(open('https://gitlab.com', { namespace_path: ['group*'] })).toBe(false);
    expect(open('https://gitlab.com', { ref: ['main'] })).toBe(false);
    expect(open('https://accounts.google.com', { email: ['*@corp.example'] })).toBe(true);
    expect(open('https://accounts.google.com', { email: ['*'] })).toBe(false);
    expect(open('https://accounts.google.com', { email: ['*@*'] })).toBe(false);
    expect(open('https://agent.buildkite.com', { sub: ['organization:acme:*'] })).toBe(true);
    expect(open('https://app.terraform.io', { sub: ['organization:*'] })).toBe(false);
  });

  test('lets only those hear of a policy whom it means', () => {
    const conditions = { repository_owner: ['Octo'], ref: ['refs/heads/main'] };
    const theirs = githubClaims('Octo/App', 'refs/heads/dev');
    const others = githubClaims('Mallory/App', 'refs/heads/main');
    expect([mayHear(GITHUB, conditions, theirs), mayHear(GITHUB, conditions, others)]).toEqual([
      true,
      false,
    ]);
    expect(mayHear('https://gitlab.corp.example', conditions, others)).toBe(true);
  });
});

describe('claims that fit', () => {
  const policy = (conditions: Record<string, string[]>) => ({
    audience: SUITE_AUDIENCE,
    conditions,
  });
  const claims = {
    ...gitlabClaims(),
    number: 7,
    flag: true,
    nothing: null,
    'kubernetes.io': { namespace: 'build', pod: { name: 'a' } },
    act: { sub: 'alice' },
    'act.sub': 'flat',
    long: 'x'.repeat(513),
  };
  const cases: readonly (readonly [Record<string, string[]>, string | undefined])[] = [
    [{}, undefined],
    [{ ref: ['main'] }, undefined],
    [{ ref: ['dev', 'm*n'] }, undefined],
    [{ ref: ['dev'] }, 'ref is main, the policy wants dev'],
    [{ ref: ['dev', 'x'] }, 'ref is main, the policy wants dev or x'],
    [{ ref: ['MAIN'] }, 'ref is main, the policy wants MAIN'],
    [{ project_path: ['group/*'] }, undefined],
    [{ project_path: ['group/???/app'] }, undefined],
    [{ project_path: ['group'] }, 'project_path is group/sub/app, the policy wants group'],
    [{ groups_direct: ['group/sub'] }, undefined],
    [{ groups_direct: ['other'] }, 'groups_direct is group, group/sub, the policy wants other'],
    [{ number: ['7'], flag: ['true'] }, undefined],
    [{ nothing: ['*'] }, 'nothing is nothing that can be compared, the policy wants *'],
    [{ absent: ['*'] }, 'the token has no absent, the policy wants *'],
    [{ constructor: ['*'] }, 'the token has no constructor'],
    [{ 'constructor.name': ['*'] }, 'the token has no constructor.name'],
    [{ 'kubernetes.io.namespace': ['build'] }, undefined],
    [{ 'kubernetes.io.pod.name': ['a'] }, undefined],
    [{ 'kubernetes.io.pod': ['*'] }, 'kubernetes.io.pod is nothing that can be compared'],
    [{ 'act.sub': ['flat'] }, undefined],
    [{ 'ref.x': ['*'] }, 'the token has no ref.x'],
    [{ long: ['x*'] }, 'long is xxx'],
    [{ long: ['x'.repeat(513)] }, undefined],
  ];
  for (const [conditions, failure] of cases) {
    test(JSON.stringify(conditions).slice(0, 60), () => {
      const failures = matchPolicy(policy(conditions), claims);
      if (failure === undefined) expect(failures).toEqual([]);
      else expect(failures[0]).toStartWith(failure);
      expect(fitsPolicy(policy(conditions), claims)).toBe(failure === undefined);
    });
  }

  test('an audience is itself, also with a star, and one of several is enough', () => {
    const of = (audience: string, aud: unknown) =>
      matchPolicy({ audience, conditions: {} }, { aud });
    expect(of('a', ['b', 'a'])).toEqual([]);
    expect(of('*', 'a')).toEqual(['aud is a, the policy wants *']);
    expect(of('a', undefined)).toEqual(['the token has no aud, the policy wants a']);
  });

  test('what is shown of a claim is one short line', () => {
    const evil = { aud: SUITE_AUDIENCE, ref: `a\n\u001b[31m\u2028${'x'.repeat(9_000)}` };
    const [sentence = ''] = matchPolicy(policy({ ref: ['main'] }), evil);
    expect(sentence).toMatch(/^ref is a\?\?\[31m\?x+…, the policy wants main$/);
    expect(sentence.length).toBeLessThan(300);
  });
});

describe('patterns of claims', () => {
  /** Tries all ways, as nobody would in a program. */
  function fits(pattern: string, text: string): boolean {
    if (pattern === '') return text === '';
    if (pattern.startsWith('*')) {
      return fits(pattern.slice(1), text) || (text !== '' && fits(pattern, text.slice(1)));
    }
    return (
      text !== '' &&
      (pattern[0] === '?' || pattern[0] === text[0]) &&
      fits(pattern.slice(1), text.slice(1))
    );
  }
  const word = (letters: string, maxLength: number) =>
    fc.string({ unit: fc.constantFrom(...letters), maxLength });

  test('are what trying all ways says', () => {
    fc.assert(
      fc.property(word('ab/*?', 8), word('ab/', 8), (pattern, text) => {
        const conditions = { claim: [pattern] };
        const isFit = fitsPolicy({ audience: 'a', conditions }, { aud: 'a', claim: text });
        return (
          isFit === fits(pattern, text) && isFit === matchesGlob(pattern, text, { isPath: false })
        );
      }),
      { numRuns: 2_000 },
    );
  });

  test('without wildcards are that text alone', () => {
    fc.assert(
      fc.property(word('ab.:/()[]+^$|\\', 8), word('ab.:/()[]+^$|\\', 8), (pattern, text) => {
        const policy = { audience: 'a', conditions: { claim: [pattern] } };
        return fitsPolicy(policy, { aud: 'a', claim: text }) === (pattern === text);
      }),
    );
  });
});
