// decide() against the rules as suite-rules.ts states them, and what it gives as its reason.
import { expect, test } from 'bun:test';
import { ROLES } from './action.ts';
import { decide, type PathFacts, type Right, type Standing } from './decide.ts';
import { ANONYMOUS } from './principal.ts';
import { asAsked, cases, isAllowedByRules } from './suite-cases.ts';

test('agrees with the rules in every case of the tables', () => {
  const differences: string[] = [];
  const walked = { allowed: 0, refused: 0 };
  for (const asked of cases()) {
    const verdict = decide(...asAsked(asked));
    walked[verdict.isAllowed ? 'allowed' : 'refused'] += 1;
    if (verdict.isAllowed !== isAllowedByRules(asked) && differences.length < 5) {
      differences.push(`${verdict.isAllowed} (${verdict.reason}): ${JSON.stringify(asked)}`);
    }
  }
  expect(differences).toEqual([]);
  // A walk that met one kind of answer only would prove nothing.
  expect(walked.allowed).toBeGreaterThan(20_000);
  expect(walked.refused).toBeGreaterThan(20_000);
});

const CLOSED: PathFacts = {
  visibility: 'private',
  visibilityFrom: '',
  creation: 'push',
  forAnyone: [],
  forSignedIn: [],
};
const NOON = { address: () => '198.51.100.7', now: Date.parse('2026-06-15T12:00:00Z') };
const WRITER: Right = {
  path: 'team/backend',
  actions: ROLES.writer,
  role: 'writer',
  through: 'team core',
};

function alice(...rights: Right[]): Standing {
  return { principal: { kind: 'user', id: 1, name: 'alice' }, rights };
}

test('names the grant that allows it, by what it comes and where it stands', () => {
  const question = { action: 'push', path: 'team/backend/api' } as const;
  expect(decide(alice(WRITER), CLOSED, question, NOON)).toEqual({
    isAllowed: true,
    reason: 'writer through team core on team/backend',
  });
});

test('names what a grant that nearly allows it is limited to', () => {
  const onTags = { ...WRITER, tags: ['prod-*'] };
  const fromOffice = { ...WRITER, condition: { networks: ['10.0.0.0/8'] } };
  const question = { action: 'push', path: 'team/backend', tag: 'v1' } as const;
  const { reason } = decide(alice(onTags, fromOffice), CLOSED, question, NOON);
  expect(reason).toContain('no grant gives alice the right to push on team/backend:v1');
  expect(reason).toContain('only tags prod-*');
  expect(reason).toContain('only from 10.0.0.0/8, and this is 198.51.100.7');
});

test('says where the visibility was set', () => {
  const facts: PathFacts = { ...CLOSED, visibility: 'public', visibilityFrom: 'team' };
  const nobody: Standing = { principal: ANONYMOUS, rights: [] };
  const pull = (path: string, more: PathFacts = facts) =>
    decide(nobody, more, { action: 'pull', path }, NOON).reason;
  expect(pull('team/app')).toBe('team/app is public, set on team');
  expect(pull('team')).toBe('team is public');
  expect(pull('a', { ...facts, visibilityFrom: '' })).toBe('a is public, set on the root');
  expect(pull('a', CLOSED)).toBe('a is not public');
});

test('a visibility is not enough for all that lies below, and a right is', () => {
  const pull = { action: 'pull', path: 'team', everyPath: true } as const;
  for (const visibility of ['internal', 'public'] as const) {
    const facts: PathFacts = { ...CLOSED, visibility };
    const stranger = alice({ ...WRITER, path: 'elsewhere' });
    expect(decide(stranger, facts, { ...pull, everyPath: false }, NOON).isAllowed).toBe(true);
    expect(decide(stranger, facts, pull, NOON).isAllowed).toBe(false);
    expect(decide(alice({ ...WRITER, path: 'team' }), facts, pull, NOON).isAllowed).toBe(true);
    const forAnyone = [{ ...WRITER, path: 'team' }];
    expect(decide(stranger, { ...facts, forAnyone }, pull, NOON).isAllowed).toBe(true);
  }
});

test('tells the limits of a credential apart from those of its owner', () => {
  const scopes = [{ actions: ['pull'] as const, names: ['team/**'] }];
  const question = { action: 'push', path: 'team/backend' } as const;
  const narrowed = decide({ ...alice(WRITER), scopes }, CLOSED, question, NOON);
  expect(narrowed.reason).toBe('the scopes of this credential do not include push on team/backend');
  const condition = { networks: ['10.0.0.0/8'] };
  const elsewhere = decide({ ...alice(WRITER), condition }, CLOSED, question, NOON);
  expect(elsewhere.reason).toBe(
    'this credential works only from 10.0.0.0/8, and this is 198.51.100.7',
  );
});

test('asks for the address only when something depends on it', () => {
  const circumstances = {
    now: NOON.now,
    address(): string {
      throw new Error('nobody needs it');
    },
  };
  const question = { action: 'push', path: 'team/backend' } as const;
  expect(decide(alice(WRITER), CLOSED, question, circumstances).isAllowed).toBe(true);
  const condition = { networks: ['10.0.0.0/8'] };
  expect(() => decide({ ...alice(WRITER), condition }, CLOSED, question, circumstances)).toThrow();
});
